#pragma once
// Spreading activation: what comes to mind with some concepts (R5).
// Algorithm: Collins and Loftus 1975; the fan effect as Anderson 1983 has it.

#include "storage/context_scratch.hpp"
#include "storage/graph_snapshot.hpp"
#include "storage/paths.hpp"
#include "storage/result.hpp"
#include "storage/traversal.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cmem {

inline constexpr std::uint32_t activation_hops_max = 16;
/// Of a concept and of a seed: sums stop growing here. Activation is counted in units of 2^-40, so
/// that sums do not depend on the order of their parts; what is smaller is lost.
inline constexpr double activation_max = 4'194'304;

struct activation_query {
  std::uint32_t hops = 3;
  double decay = 0.5;      ///< of what a concept has at one hop, what goes on; in (0,1]
  double threshold = 1e-3; ///< a concept that gets less at one hop passes nothing of it on
  std::size_t top_k = 10;  ///< hits at most
  /// A concept shares out what it passes on instead of passing it all along every association:
  /// conductances are divided by their sum over the associations that it spreads along.
  bool fan_effect = false;
  bool with_seeds = false; ///< seeds are hits as well
  traversal_filter filter = {};
  traversal_limits limits = {};
};

template <class Concept>
struct basic_activation_seed {
  Concept at;
  double energy = 1.0; ///< 0 to activation_max; those of one concept add up
};
using activation_seed = basic_activation_seed<std::uint32_t>; ///< by index

struct activation_hit {
  std::uint32_t index = 0;
  double activation = 0.0;
  /// The single way from a seed that brought the most. A concept is on it twice only where the
  /// threshold stopped what came to it first.
  path way;
  double carried = 0.0; ///< what that way brought

  friend bool operator==(const activation_hit&, const activation_hit&) = default;
};

struct activation_answer {
  std::vector<activation_hit> hits; ///< most active first, ties by id
  /// Cut short, the answer is what a query for `hops` hops gives.
  traversal_end end = traversal_end::complete;
  std::uint32_t hops = 0;    ///< that it spread; less than asked where nothing spread further
  std::uint64_t visited = 0; ///< concepts reached, seeds too
};

/// At hop 0 each seed has its energy. At each further hop each concept u that got e(u) at the hop
/// before, with e(u) >= threshold, gives along each association to a concept v
///
///   e(u) * decay * min(1, confidence * weight)                        without the fan effect
///   e(u) * decay * min(1, confidence * weight) / (sum of these of u)  with it
///
/// rounded down to units. Associations and concepts are those that the filter passes. What a
/// concept got at all hops together is its activation. Of ways that brought the same the one of
/// fewer hops counts, then the one whose last concept but one has the least id, then the least
/// kind, then outgoing before incoming.
///
/// Time: the associations of all that spread, once a hop. No deadline cuts the ranking of what was
/// reached by then. Memory: 40 bytes a concept reached, once a hop. Preconditions: learned seeds;
/// check(query), check_energy() of each. Threads: any that holds the snapshot.
activation_answer activate(const graph_snapshot& s, std::span<const activation_seed> seeds,
                           const activation_query& query, context_scratch& scratch);
/// The same by ids. Fails: not_found; invalid_argument (no seeds, and what the checks say).
result<activation_answer> activate(const graph_snapshot& s,
                                   std::span<const basic_activation_seed<concept_id>> seeds,
                                   const activation_query& query, context_scratch& scratch);

/// Fails (invalid_argument): hops over activation_hops_max, decay outside (0,1], a threshold that
/// is NaN or negative, NaN in the filter. top_k of 0 is an empty answer.
[[nodiscard]] result<void> check(const activation_query& query);
/// Fails (invalid_argument): an energy outside [0, activation_max], or NaN.
[[nodiscard]] result<void> check_energy(double energy);

} // namespace cmem
