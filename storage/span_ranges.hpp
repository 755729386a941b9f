#pragma once
// Spans of an arena that come back: address space for mapped files, which come and go.

#include "storage/arena.hpp"

#include <cstdint>
#include <map>

namespace cmem {

static_assert(span_bytes % (std::size_t{64} << 10) == 0, "mappings begin at multiples of map_unit");

/// The arena itself takes nothing back, so ranges
/// for mappings are kept here when a mapping goes, and serve the next ones: first fit, neighbours
/// are joined. What is given back must be unmapped (zeros again) before. Destroying it gives
/// nothing back to the arena. Threads: one at a time.
class span_ranges {
public:
  explicit span_ranges(arena& memory) : memory_(memory) {}
  span_ranges(const span_ranges&) = delete;
  span_ranges& operator=(const span_ranges&) = delete;

  /// The first of `spans` contiguous spans, or 0 when the arena is used up.
  [[nodiscard]] handle take(std::size_t spans);
  /// Precondition: take() answered `first` for as many.
  void give_back(handle first, std::size_t spans);

  /// Spans that wait to be taken again.
  [[nodiscard]] std::size_t spans_free() const noexcept;
  [[nodiscard]] arena& memory() const noexcept { return memory_; }

private:
  arena& memory_;
  std::map<std::size_t, std::size_t> free_; // span number -> how many from there
};

} // namespace cmem
