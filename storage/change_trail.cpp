#include "storage/change_trail.hpp"

#include <algorithm>
#include <cassert>

namespace cmem {

std::vector<std::uint32_t> change_trail::since(std::uint64_t since) const {
  assert(begin_ <= since && since <= end_);
  std::vector<std::uint32_t> found;
  found.reserve(end_ - since);
  const std::uint64_t first = begin_ / block_entries * block_entries;
  for (std::uint64_t at = since; at < end_;) {
    const block& b = *(*blocks_)[(at - first) / block_entries];
    const std::uint64_t stop = std::min(end_, (at / block_entries + 1) * block_entries);
    found.insert(found.end(), b.begin() + static_cast<std::ptrdiff_t>(at % block_entries),
                 b.begin() + static_cast<std::ptrdiff_t>((stop - 1) % block_entries + 1));
    at = stop;
  }
  return found;
}

void change_trail_builder::add(std::uint32_t index) {
  constexpr std::uint64_t entries = change_trail::block_entries;
  if (end_ - first_ == blocks_.size() * entries) {
    published_ = nullptr;
    blocks_.push_back(std::make_shared<change_trail::block>());
  }
  (*blocks_.back())[end_ % entries] = index;
  ++end_;
}

change_trail change_trail_builder::publish() {
  if (published_ == nullptr)
    published_ = std::make_shared<const change_trail::blocks>(blocks_);
  kept_ = end_;
  change_trail t;
  t.blocks_ = published_;
  t.begin_ = begin_;
  t.end_ = end_;
  return t;
}

void change_trail_builder::roll_back() noexcept {
  constexpr std::uint64_t entries = change_trail::block_entries;
  end_ = kept_;
  const std::uint64_t used = (end_ - first_ + entries - 1) / entries;
  if (used != blocks_.size()) {
    published_ = nullptr;
    blocks_.resize(used);
  }
}

void change_trail_builder::cut(std::uint64_t position) noexcept {
  assert(begin_ <= position && position <= kept_);
  constexpr std::uint64_t entries = change_trail::block_entries;
  begin_ = position;
  if (const std::uint64_t gone = position / entries - first_ / entries; gone != 0) {
    published_ = nullptr;
    blocks_.erase(blocks_.begin(), blocks_.begin() + static_cast<std::ptrdiff_t>(gone));
    first_ += gone * entries;
  }
}

std::size_t change_trail_builder::bytes() const noexcept {
  return blocks_.size() * (sizeof(change_trail::block) + 2 * sizeof(void*));
}

} // namespace cmem
