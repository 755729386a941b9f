#include "storage/compaction_policy.hpp"

#include <algorithm>
#include <cassert>

namespace cmem {

namespace {

bool too_much_garbage(std::span<const segment_size> s, std::uint64_t flush_bytes,
                      const compaction_policy& policy) noexcept {
  if (s.size() < 2)
    return false;
  double newer = 0;
  double ended = 0; // records of the oldest that tombstones may have ended
  for (const segment_size& x : s.subspan(1)) {
    newer += static_cast<double>(x.bytes);
    ended += static_cast<double>(x.forgotten);
  }
  const auto oldest = static_cast<double>(s[0].bytes);
  const double average = oldest / static_cast<double>(std::max<std::uint64_t>(s[0].records, 1));
  ended = std::min(ended * average, oldest);
  const double coming = policy.flushes_ahead * static_cast<double>(flush_bytes);
  return newer + ended + coming > policy.garbage_max * (oldest - ended);
}

} // namespace

std::optional<segment_run> next_compaction(std::span<const segment_size> oldest_first,
                                           std::uint64_t flush_bytes,
                                           const compaction_policy& policy) noexcept {
  assert(policy.fan_in >= 2 && policy.size_ratio > 0 && policy.garbage_max > 0
         && policy.flushes_ahead >= 0);
  if (too_much_garbage(oldest_first, flush_bytes, policy))
    return segment_run{0, oldest_first.size()};
  // A small newest segment must not keep larger ones before it apart, hence each is tried as last.
  for (std::size_t end = oldest_first.size(); end >= policy.fan_in; --end) {
    std::size_t first = end - 1;
    auto taken = static_cast<double>(oldest_first[first].bytes);
    while (first != 0
           && static_cast<double>(oldest_first[first - 1].bytes) <= policy.size_ratio * taken)
      taken += static_cast<double>(oldest_first[--first].bytes);
    if (end - first >= policy.fan_in)
      return segment_run{first, end - first};
  }
  return std::nullopt;
}

} // namespace cmem
