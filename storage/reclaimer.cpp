#include "storage/reclaimer.hpp"

#include <algorithm>
#include <utility>

namespace cmem {

retired_list& reclaimer::bucket_of(std::uint64_t version) {
  auto it = std::lower_bound(buckets_.begin(), buckets_.end(), version,
                             [](const bucket& b, std::uint64_t v) { return b.version < v; });
  if (it == buckets_.end() || it->version != version)
    it = buckets_.insert(it, bucket{version, {}});
  return it->objects;
}

std::vector<reclaimer::bucket>::iterator reclaimer::find(std::uint64_t version) noexcept {
  return std::find_if(buckets_.begin(), buckets_.end(),
                      [version](const bucket& b) { return b.version == version; });
}

retired_list reclaimer::take_objects(std::uint64_t version) noexcept {
  const auto it = find(version);
  return it == buckets_.end() ? retired_list() : std::move(it->objects);
}

void reclaimer::put_back(std::uint64_t version, retired_list&& objects) noexcept {
  find(version)->objects = std::move(objects);
}

void reclaimer::drop_bucket(std::uint64_t version, retired_list&& emptied) noexcept {
  if (const auto it = find(version); it != buckets_.end())
    buckets_.erase(it);
  emptied.clear(spare_);
}

std::size_t reclaimer::bookkeeping_bytes() const noexcept {
  std::size_t n = spare_.bytes();
  for (const side& s : sides_)
    n += s.pending.capacity() * sizeof(retired_object);
  for (const bucket& b : buckets_)
    n += b.objects.bytes();
  return n;
}

} // namespace cmem
