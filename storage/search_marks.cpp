#include "storage/search_marks.hpp"

#include "storage/limits.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace cmem {

static_assert(path_depth_max < search_marks::barred, "a level must fit beside `barred`");

void search_marks::begin(std::uint32_t index_count) {
  if (index_count > capacity_) // half as much again: a graph that is being learned grows every time
    allocate(std::max<std::size_t>(1024, std::size_t{index_count} + index_count / 2));
  if (epoch_ + epoch_step == 0) // epochs start over: the oldest marks must not look new
    allocate(capacity_);
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

} // namespace cmem
