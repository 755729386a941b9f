#pragma once
// Whether links that were read from somewhere can be walked and gone on with.

#include "storage/vector_graph.hpp"

#include <string_view>

namespace cmem {

/// What is wrong with links over a graph's slots, whoever wrote them; empty: nothing that would
/// lead a search, or a builder that goes on with them, beyond what is there, or around for ever.
/// Time: that of reading them. Throws std::bad_alloc.
[[nodiscard]] std::string_view fault_of(const graph_links& l);

} // namespace cmem
