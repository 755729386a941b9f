#include "tools/scenario_places.hpp"

#include <algorithm>
#include <set>

namespace cmem::tools {

namespace fs = std::filesystem;

std::vector<fs::path> scenario_folders(fs::path program) {
  std::error_code ignored; // a place that can't be looked at is no place
  if (program.empty())
    program = fs::read_symlink("/proc/self/exe", ignored);
  std::vector<fs::path> all = {fs::path("examples") / "scenarios"};
  if (program.empty())
    return all;
  fs::path folder = program.parent_path();
  all.push_back((folder / ".." / "share" / "concurrent_memory" / "scenarios").lexically_normal());
  for (; folder.has_relative_path(); folder = folder.parent_path())
    all.push_back(folder / "examples" / "scenarios");
  std::erase_if(all, [&](const fs::path& p) { return !fs::is_directory(p, ignored); });
  return all;
}

result<std::string> find_scenario(const std::string& scenario,
                                  const std::vector<fs::path>& folders) {
  std::error_code ignored;
  const fs::path path(scenario);
  if (path.has_parent_path() || path.extension() == ".toml") {
    if (fs::is_regular_file(path, ignored))
      return scenario;
    return failure{errc::io_error, scenario + ": there is no such file"};
  }
  std::set<std::string> names;
  std::string searched;
  for (const auto& folder : folders) {
    const fs::path file = folder / (scenario + ".toml");
    if (fs::is_regular_file(file, ignored))
      return file.string();
    searched += (searched.empty() ? "" : ", ") + folder.string();
    for (const auto& entry : fs::directory_iterator(folder, ignored))
      if (entry.path().extension() == ".toml")
        names.insert(entry.path().stem().string());
  }
  std::string known;
  for (const auto& name : names)
    known += (known.empty() ? "" : ", ") + name;
  return failure{errc::io_error,
                 scenario + ": no such scenario; "
                   + (known.empty()
                        ? "no folder of scenarios was found: give the path of a .toml file"
                        : "known in " + searched + ": " + known)};
}

} // namespace cmem::tools
