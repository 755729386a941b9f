#pragma once
// `cmem` as a user types it.

#include "tests/catch.hpp"
#include "tools/cli.hpp"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <unistd.h>

namespace cmem::test {

using namespace cmem::tools;
using nlohmann::json;
namespace fs = std::filesystem;

struct answer {
  int code;
  std::string out;
  std::string err;
};

/// A folder of its own that goes with the test, and the program to call in it.
class shell {
public:
  env files; ///< where the stores of run() are

  shell() : path_(fs::temp_directory_path() / ("cmem_shell_" + std::to_string(::getpid()))) {
    fs::create_directories(path_);
  }
  ~shell() { fs::remove_all(path_); }

  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name), std::ios::binary) << text;
    return file(name);
  }
  answer run(const std::vector<std::string>& words, const std::string& input = "",
             bool live = false) const {
    std::istringstream in(input);
    return run_from(words, in, live);
  }
  answer run_from(const std::vector<std::string>& words, std::istream& in,
                  bool live = false) const {
    std::vector<const char*> argv = {"cmem"};
    for (const auto& w : words)
      argv.push_back(w.c_str());
    std::ostringstream out, err;
    const int code =
      run_cli(static_cast<int>(argv.size()), argv.data(), {out, err, live, in, files}, {});
    return {code, out.str(), err.str()};
  }
  /// Imports the lines into the store of that name, made from a file.
  answer import(const std::string& store, const std::string& lines) const {
    return run({"import", file(store), write(store + ".jsonl", lines), "--json"});
  }
  [[nodiscard]] std::string exported(const std::string& store) const {
    const auto a = run({"export", file(store)});
    REQUIRE(a.code == 0);
    CHECK(a.err.empty());
    return a.out;
  }

private:
  fs::path path_;
};

inline const std::string rain = R"({"type":"concept","id":"rain","content":"water","confidence":0.9}
{"type":"concept","id":"wet street","content":"slippery","strength":2.5}
{"type":"concept","id":"slow traffic"}
{"type":"association","source":"rain","target":"wet street","kind":"causal","confidence":0.5}
{"type":"association","source":"wet street","target":"slow traffic","kind":"slows","confidence":0.5,"weight":3}
{"type":"association","source":"rain","target":"slow traffic","kind":"semantic","confidence":0.1}
)";
/// A concept so large that segments which come after it are too small to be merged with it.
inline const std::string large =
  R"({"type":"concept","id":"large","content":")" + std::string(16'000, 'l') + "\"}\n";

} // namespace cmem::test
