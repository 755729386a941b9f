#pragma once
// Several paths, from searches for one.

#include "storage/graph_snapshot.hpp"
#include "storage/path_query.hpp"
#include "storage/path_search.hpp"
#include "storage/search_budget.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace cmem {

/// Searches for the best path from an index to the target that avoids what is barred and has at
/// most so many hops. It is to be the best behind these first steps of a path. nullopt when there
/// is none, or the budget was over first.
using path_finder =
  std::function<std::optional<path>(std::span<const path_step> behind, std::uint32_t from,
                                    std::uint32_t max_depth, const path_restriction&)>;

/// Where a path stands in an order: less is better. Ties are decided by ids.
[[nodiscard]] std::uint64_t rank_of(path_order order, const path& p) noexcept;

/// The best `count` paths without loops, best first. Yen 1971, each deviation searched once (Lawler
/// 1972). When the budget is over, what was found by then, best first. Keeps no more paths than are
/// still wanted. Precondition: query.alternatives > 0.
std::vector<path> find_alternatives(const graph_snapshot& s, std::uint32_t source,
                                    const path_query& query, const path_finder& find,
                                    search_budget& budget);

} // namespace cmem
