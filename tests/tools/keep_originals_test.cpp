// `cmem import` and `cmem compact` with --keep-originals=no, as a user types it.

#include "tests/tools/store_shell.hpp"

#include <cmath>

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr int enough = 16'384;
constexpr int dimension = 32;

/// Concepts v0, v1, …, each with a vector.
std::string lines_of_vectors(int first, int count) {
  std::string lines;
  std::uint32_t state = 1 + static_cast<std::uint32_t>(first);
  for (int i = first; i != first + count; ++i) {
    lines += R"({"type":"concept","id":"v)" + std::to_string(i) + R"(","vector":)";
    for (int j = 0; j != dimension; ++j) {
      state = state * 1'664'525 + 1'013'904'223;
      lines += (j == 0 ? '[' : ',') + std::to_string(static_cast<int>(state >> 24) - 128);
    }
    lines += "]}\n";
  }
  return lines;
}

std::uint64_t size_of(const shell& sh, const std::string& store) {
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(sh.file(store)))
    if (entry.path().extension() == ".cmseg")
      bytes += entry.file_size();
  return bytes;
}

std::vector<std::string> inspected_segments(const shell& sh, const std::string& store) {
  std::vector<std::string> texts;
  for (const auto& entry : fs::directory_iterator(sh.file(store)))
    if (entry.path().extension() == ".cmseg")
      texts.push_back(sh.run({"inspect", entry.path().string(), "--limit", "3"}).out);
  return texts;
}

/// Cosine between the vectors of a concept in two stores.
double cosine_of(const shell& sh, const std::string& a, const std::string& b,
                 const std::string& id) {
  const auto vector = [&](const std::string& store) {
    const auto got = sh.run({"get", sh.file(store), id, "--json"});
    REQUIRE(got.code == 0);
    return json::parse(got.out)["vector"].get<std::vector<double>>();
  };
  const auto x = vector(a);
  const auto y = vector(b);
  REQUIRE(x.size() == y.size());
  double xy = 0, xx = 0, yy = 0;
  for (std::size_t i = 0; i != x.size(); ++i) {
    xy += x[i] * y[i];
    xx += x[i] * x[i];
    yy += y[i] * y[i];
  }
  return xy / std::sqrt(xx * yy);
}

} // namespace

TEST_CASE("import without originals makes a store of codes; all else is as with them") {
  const shell sh;
  const std::string lines = lines_of_vectors(0, enough);
  REQUIRE(sh.import("whole", lines + rain).code == 0);
  const auto imported = sh.run({"import", sh.file("codes"), sh.write("l.jsonl", lines + rain),
                                "--keep-originals=no", "--json"});
  INFO(imported.err);
  REQUIRE(imported.code == 0);
  CHECK(json::parse(imported.out)["durable"] == true);
  CHECK(size_of(sh, "codes") + std::uint64_t{enough} * (144 - 32) - 40'000
        < size_of(sh, "whole") + 4'096);
  for (const char* id : {"v0", "v7", "v16383"}) {
    const double cosine = cosine_of(sh, "whole", "codes", id);
    CHECK(cosine > 0.6); // eight bytes of random numbers
    CHECK(cosine < 0.999);
  }
  CHECK(sh.run({"verify", sh.file("codes")}).code == 0);
  CHECK(sh.run({"path", sh.file("codes"), "rain", "slow traffic"}).code == 0);
  const auto segments = inspected_segments(sh, "codes");
  REQUIRE(segments.size() == 1);
  CHECK_THAT(segments[0], ContainsSubstring("version 2,") && ContainsSubstring("coded_vectors true")
                            && ContainsSubstring("codebook: offset ")
                            && ContainsSubstring("dimension 32, parts 8, trained_rows 16384, "
                                                 "expected_error 0.")
                            && ContainsSubstring("vector_numbers 32, vector_codes 8, "
                                                 "vector_norm "));

  // It comes back as it reads, and an import of that reads the same.
  const std::string exported = sh.exported("codes");
  REQUIRE(sh.import("again", exported).code == 0);
  CHECK(sh.exported("again") == exported);

  // Whoever says nothing keeps what is there, and originals of what comes.
  REQUIRE(sh.run({"import", sh.file("codes"), "-"}, lines_of_vectors(enough, 10)).code == 0);
  REQUIRE(sh.run({"compact", sh.file("codes")}).code == 0);
  CHECK(cosine_of(sh, "again", "codes", "v7") > 1 - 1e-9);
  REQUIRE(sh.import("again", lines_of_vectors(enough, 10)).code == 0);
  CHECK(sh.exported("codes") == sh.exported("again"));
  REQUIRE(sh.run({"compact", sh.file("codes"), "--keep-originals", "no"}).code == 0);
  CHECK(sh.exported("codes") != sh.exported("again"));
}

TEST_CASE("compact makes codes of a store that has originals, and not of a small one") {
  const shell sh;
  REQUIRE(sh.import("s", lines_of_vectors(0, enough)).code == 0);
  const std::uint64_t before = size_of(sh, "s");
  REQUIRE(sh.run({"compact", sh.file("s"), "--keep-originals=yes"}).code == 0);
  CHECK(size_of(sh, "s") == before);
  REQUIRE(sh.run({"compact", sh.file("s"), "--keep-originals=no"}).code == 0);
  CHECK(size_of(sh, "s") < before);
  REQUIRE(sh.import("small", lines_of_vectors(0, 100)).code == 0);
  const std::string exported = sh.exported("small");
  REQUIRE(sh.run({"compact", sh.file("small"), "--keep-originals=no"}).code == 0);
  CHECK(sh.exported("small") == exported);
  // 32 numbers in an eighth of the room: there would be none for codes.
  REQUIRE(sh.import("eighth", lines_of_vectors(0, enough)).code == 0);
  REQUIRE(
    sh.run({"compact", sh.file("eighth"), "--keep-originals=no", "--vector-code-ratio=8"}).code
    == 0);
  CHECK(size_of(sh, "eighth") == before);
}

TEST_CASE("what --keep-originals and --vector-code-ratio take is said") {
  const shell sh;
  CHECK(sh.run({"compact", sh.file("s"), "--keep-originals=perhaps"}).code == 2);
  CHECK(sh.run({"compact", sh.file("s"), "--vector-code-ratio=5"}).code == 2);
  CHECK_FALSE(fs::exists(sh.file("s")));
  for (const char* command : {"import", "compact"})
    CHECK_THAT(sh.run({command, "--help"}).out,
               ContainsSubstring("--keep-originals") && ContainsSubstring("--vector-code-ratio"));
}
