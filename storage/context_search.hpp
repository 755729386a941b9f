#pragma once
// Inside of subgraph() and activate(): their scratch memory.

#include "storage/concept_id.hpp"
#include "storage/context_scratch.hpp"
#include "storage/deadline_watch.hpp"
#include "storage/index_places.hpp"
#include "storage/subgraph.hpp"
#include "storage/traversal.hpp"

#include <chrono>
#include <cstdint>
#include <vector>

namespace cmem {

/// A concept under its id, to be sorted without looking it up again and again.
struct keyed_concept {
  concept_id id;
  std::uint32_t index;

  friend bool operator<(const keyed_concept& a, const keyed_concept& b) noexcept {
    return a.id < b.id;
  }
};

/// What a concept got at one hop.
struct activation_pulse {
  std::uint32_t index;
  std::uint32_t from;   // place of the pulse that brought the most, or no_pulse
  std::uint64_t energy; // units
  std::uint64_t best;   // units: brought by the way that brought the most
  float confidence;     // of the association that it came by
  kind_id kind;
  direction along;
};
inline constexpr std::uint32_t no_pulse = 0xFFFF'FFFFU;

/// What a concept got at all hops.
struct activation_total {
  std::uint32_t index;
  std::uint32_t best_at; // place of the pulse with the greatest best, of equal ones the first hop's
  std::uint64_t energy;
  std::uint64_t best;
};

struct context_scratch::impl {
  index_places places;       // in `concepts`, or of pulses
  index_places total_places; // in `totals`
  std::vector<subgraph_concept> concepts;
  std::vector<subgraph_association> associations;
  std::vector<keyed_concept> keys;
  std::vector<keyed_concept> merged; // as many
  std::vector<float> confidences;
  std::vector<activation_pulse> pulses; // by hop
  std::vector<activation_total> totals; // seeds first
  std::vector<activation_total> before; // of totals, what a hop has changed
  std::vector<std::uint32_t> ranking;   // places of totals
  search_clock clock = &std::chrono::steady_clock::now;
};

} // namespace cmem
