#include "storage/search_marks.hpp"

#include "storage/limits.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace cmem {

static_assert(path_depth_max < search_marks::barred, "a level must fit beside `barred`");

namespace {

// Half as much again: a graph that is being learned grows every time.
std::size_t capacity_for(std::uint32_t index_count) noexcept {
  return std::max<std::size_t>(1024, std::size_t{index_count} + index_count / 2);
}

} // namespace

void search_marks::begin(std::uint32_t index_count) {
  if (index_count > capacity_)
    allocate(capacity_for(index_count));
  if (epoch_ + epoch_step == 0) // epochs start over: the oldest marks must not look new
    forget();
  epoch_ += epoch_step;
}

void search_marks::allocate(std::size_t capacity) {
  std::unique_ptr<mark[], release> fresh(static_cast<mark*>(std::calloc(capacity, sizeof(mark))));
  if (!fresh)
    throw std::bad_alloc();
  marks_ = std::move(fresh);
  capacity_ = capacity;
  epoch_ = 0;
}

void search_marks::forget() noexcept {
  for (std::size_t i = 0; i < capacity_; ++i)
    if ((marks_[i].side[0] | marks_[i].side[1]) != 0) // pages no search touched stay untouched
      marks_[i] = {};
  epoch_ = 0;
}

void label_slots::begin(std::uint32_t index_count) {
  if (index_count <= capacity_)
    return;
  const std::size_t capacity = capacity_for(index_count);
  std::unique_ptr<slot[], release> fresh(static_cast<slot*>(std::calloc(capacity, sizeof(slot))));
  if (!fresh)
    throw std::bad_alloc();
  slots_ = std::move(fresh);
  capacity_ = capacity;
}

} // namespace cmem
