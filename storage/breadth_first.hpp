#pragma once
// Hops from some concepts to all others (R5).

#include "storage/concept_id.hpp"
#include "storage/graph_snapshot.hpp"
#include "storage/result.hpp"
#include "storage/traversal.hpp"

#include <cstdint>
#include <limits>
#include <memory>
#include <span>

namespace cmem {

inline constexpr std::uint32_t hops_unreached = 0xFFFF'FFFFU;
inline constexpr unsigned traversal_cores_max = 64;

struct breadth_first_query {
  std::uint32_t max_hops = hops_unreached - 1; ///< any: no way is longer than the graph is large
  traversal_filter filter = {};
  traversal_limits limits = {};
  /// Levels that are large are shared among so many threads, 1 to traversal_cores_max: the one that
  /// asks, and helpers that belong to the scratch memory. The answer is the same.
  unsigned cores = 1;
};

/// A view into the scratch memory: valid until that is used again, or destroyed. It has nothing of
/// the snapshot, which may be released before.
///
/// Hops are the fewest there are, always, also where the search was cut off. What may be missing:
/// - complete: nothing within max_hops.
/// - deadline: all levels but the last of `levels` are whole; of that one, what was reached in
/// time.
/// - visited_max: all of `levels` are whole; the next one would have been more than visited_max in
///   all, and is left out, so that the answer depends on the graph alone. (Seeds that are too many
///   by themselves are left out too.)
struct breadth_first_answer {
  /// By index, of all below index_count(): hops_unreached where the search did not come.
  std::span<const std::uint32_t> hops;
  std::span<const std::uint64_t> levels; ///< concepts at 0, 1, 2 … hops; none of them is 0
  std::uint64_t visited = 0;             ///< their sum, at most visited_max
  traversal_end end = traversal_end::complete;
};

/// Memory that searches reuse, so that in the steady state they allocate nothing: 8 bytes and three
/// bits a concept of the largest snapshot it has seen, and the helper threads. What small searches
/// cost does not grow with the graph. It keeps nothing of a snapshot: any may follow any other.
/// Threads: one at a time, for each its own. One that was moved from may only be assigned to or
/// destroyed.
class breadth_first_scratch {
public:
  breadth_first_scratch();
  ~breadth_first_scratch();
  breadth_first_scratch(breadth_first_scratch&&) noexcept;
  breadth_first_scratch& operator=(breadth_first_scratch&&) noexcept;

  struct impl; // breadth_first.cpp
  [[nodiscard]] impl& get() noexcept { return *impl_; }

private:
  std::unique_ptr<impl> impl_;
};

/// Fewest hops from any of the seeds to each concept, along associations and into concepts that
/// pass the filter. Seeds need not pass; those that occur twice count once; without any the answer
/// is empty. Direction-optimizing (Beamer, Asanović, Patterson, "Direction-optimizing breadth-first
/// search", 2012): small levels look at the associations of what was reached, large ones look from
/// what was not reached yet for one that was. Preconditions: seeds learned, check(q). Threads: any
/// that holds the snapshot. Throws std::bad_alloc; the scratch memory stays usable.
breadth_first_answer breadth_first(const graph_snapshot& s, std::span<const std::uint32_t> seeds,
                                   const breadth_first_query& q, breadth_first_scratch& scratch);

/// The same by ids. Fails: not_found, naming the first seed that is not learned; as check() does.
result<breadth_first_answer> breadth_first(const graph_snapshot& s,
                                           std::span<const concept_id> seeds,
                                           const breadth_first_query& q,
                                           breadth_first_scratch& scratch);

/// Fails (invalid_argument): as check() of the filter does; cores out of their range.
[[nodiscard]] result<void> check(const breadth_first_query& q);

} // namespace cmem
