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

std::vector<reclaimer::bucket>::iterator reclaimer::find(std::uint64_t version) noexcept {
  return std::find_if(buckets_.begin(), buckets_.end(),
                      [version](const bucket& b) { return b.version == version; });
}

std::vector<retired_object> reclaimer::take_objects(std::uint64_t version) noexcept {
  const auto it = find(version);
  return it == buckets_.end() ? std::vector<retired_object>()
                              : std::exchange(it->objects, std::vector<retired_object>());
}

void reclaimer::put_back(std::uint64_t version, std::vector<retired_object>&& objects) noexcept {
  find(version)->objects = std::move(objects);
}

void reclaimer::drop_bucket(std::uint64_t version, std::vector<retired_object>&& emptied) noexcept {
  constexpr std::size_t kept_objects_max = std::size_t{1} << 20;
  if (const auto it = find(version); it != buckets_.end())
    buckets_.erase(it);
  if (emptied.capacity() != 0 && emptied.capacity() <= kept_objects_max
      && recycled_.size() < recycled_max)
    recycled_.push_back(std::move(emptied)); // settle() made room
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
