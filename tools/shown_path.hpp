#pragma once
// Paths as people and programs read them.

#include "storage/graph_snapshot.hpp"
#include "storage/kind_registry.hpp"
#include "storage/paths.hpp"

#include <iosfwd>
#include <nlohmann/json.hpp>

namespace cmem::tools {

/// {"hops","path","kinds","confidence"}, names as commands take them again; with `directions` also
/// "directions", "out" or "in" for each hop.
[[nodiscard]] nlohmann::ordered_json path_json(const graph_snapshot& s, const kind_registry& kinds,
                                               const path& p, bool directions);
/// A line for the source and one for each step, behind `margin`.
void print_steps(std::ostream& out, const graph_snapshot& s, const kind_registry& kinds,
                 const path& p, std::string_view margin);

} // namespace cmem::tools
