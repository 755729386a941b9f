#include "storage/retired_list.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace cmem {

namespace {

/// Chunks that wait unused, at most: 4 MiB.
constexpr std::size_t kept_max = 256;
/// Chunks made by one provision(), at most.
constexpr std::size_t made_max = 64;

} // namespace

void retired_list::stock::provision() noexcept {
  recent_ = std::max(taken_, recent_ - (recent_ + 7) / 8);
  taken_ = 0;
  try {
    chunks_.reserve(kept_max);
    for (std::size_t i = 0; i < made_max && chunks_.size() < std::min(recent_, kept_max); ++i)
      chunks_.push_back(std::make_unique<chunk>()); // zeroed, and so touched
  } catch (const std::bad_alloc&) {                 // take() will say so, should it matter
  }
}

std::unique_ptr<retired_list::chunk> retired_list::stock::take() {
  ++taken_;
  if (chunks_.empty())
    return std::make_unique<chunk>();
  auto c = std::move(chunks_.back());
  chunks_.pop_back();
  return c;
}

void retired_list::stock::give_back(std::unique_ptr<chunk> c) noexcept {
  if (chunks_.size() < std::min(chunks_.capacity(), kept_max))
    chunks_.push_back(std::move(c));
}

void retired_list::erase_front(std::size_t n) noexcept {
  for (std::size_t i = n; i < size_; ++i)
    (*chunks_[(i - n) / per_chunk])[(i - n) % per_chunk] = (*this)[i];
  size_ -= n;
}

void retired_list::clear(stock& to) noexcept {
  for (auto& c : chunks_)
    to.give_back(std::move(c));
  chunks_.clear();
  size_ = 0;
}

} // namespace cmem
