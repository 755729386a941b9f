#include "storage/reclaimer.hpp"

#include <algorithm>
#include <utility>

namespace cmem {

std::vector<retired_object>& reclaimer::bucket_of(std::uint64_t version) {
  auto it = std::lower_bound(buckets_.begin(), buckets_.end(), version,
                             [](const bucket& b, std::uint64_t v) { return b.version < v; });
  if (it == buckets_.end() || it->version != version) {
    std::vector<retired_object> objects;
    if (!recycled_.empty()) {
      objects = std::move(recycled_.back());
      recycled_.pop_back();
    }
    it = buckets_.insert(it, bucket{version, std::move(objects)});
  }
  return it->objects;
}

std::vector<retired_object> reclaimer::take_bucket(std::uint64_t version) {
  const auto it = std::find_if(buckets_.begin(), buckets_.end(),
                               [version](const bucket& b) { return b.version == version; });
  if (it == buckets_.end())
    return {};
  auto objects = std::move(it->objects);
  buckets_.erase(it);
  return objects;
}

void reclaimer::recycle(std::vector<retired_object>&& objects) {
  constexpr std::size_t kept_max = 4;
  constexpr std::size_t kept_objects_max = std::size_t{1} << 20;
  objects.clear();
  if (objects.capacity() != 0 && objects.capacity() <= kept_objects_max
      && recycled_.size() < kept_max)
    recycled_.push_back(std::move(objects));
}

std::size_t reclaimer::bookkeeping_bytes() const noexcept {
  std::size_t n = pending_.capacity();
  for (const bucket& b : buckets_)
    n += b.objects.capacity();
  for (const auto& r : recycled_)
    n += r.capacity();
  return n * sizeof(retired_object);
}

} // namespace cmem
