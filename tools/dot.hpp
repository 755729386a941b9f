#pragma once
// Subgraphs as graphviz draws them: `cmem expand kept rain --dot | dot -Tsvg > rain.svg`.

#include "storage/graph_snapshot.hpp"
#include "storage/kind_registry.hpp"
#include "storage/subgraph.hpp"

#include <iosfwd>
#include <string>
#include <string_view>

namespace cmem::tools {

/// In double quotes, and shown by graphviz as it is: what has a meaning in labels is escaped, and
/// what is no UTF-8, or a control character, is replaced.
[[nodiscard]] std::string dot_quoted(std::string_view text);

/// A directed graph. Nodes have ids for names and names for labels; seeds are bold.
void write_dot(std::ostream& out, const graph_snapshot& s, const kind_registry& kinds,
               const subgraph_answer& found);

} // namespace cmem::tools
