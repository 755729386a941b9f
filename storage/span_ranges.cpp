#include "storage/span_ranges.hpp"

#include <cassert>
#include <iterator>

namespace cmem {

namespace {

constexpr std::size_t units = span_bytes / handle_unit;

} // namespace

handle span_ranges::take(std::size_t spans) {
  assert(spans != 0);
  for (auto it = free_.begin(); it != free_.end(); ++it) {
    const auto [first, count] = *it;
    if (count < spans)
      continue;
    if (count > spans)
      free_.emplace(first + spans, count - spans); // may throw: nothing has changed yet
    free_.erase(it);
    return static_cast<handle>(first * units);
  }
  return memory_.allocate_top(spans);
}

void span_ranges::give_back(handle first, std::size_t spans) {
  assert(first != 0 && first % units == 0 && spans != 0);
  auto [at, added] = free_.emplace(first / units, spans);
  assert(added);
  if (const auto next = std::next(at); next != free_.end()) {
    assert(at->first + at->second <= next->first);
    if (at->first + at->second == next->first) {
      at->second += next->second;
      free_.erase(next);
    }
  }
  if (at == free_.begin())
    return;
  const auto before = std::prev(at);
  assert(before->first + before->second <= at->first);
  if (before->first + before->second == at->first) {
    before->second += at->second;
    free_.erase(at);
  }
}

std::size_t span_ranges::spans_free() const noexcept {
  std::size_t sum = 0;
  for (const auto& [first, count] : free_)
    sum += count;
  return sum;
}

} // namespace cmem
