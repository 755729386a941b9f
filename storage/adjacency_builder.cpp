#include "storage/adjacency_builder.hpp"

#include "storage/find_value.hpp"
#include "storage/prefetch.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

namespace cmem {

namespace {

/// Capacities that fill a block's 16-byte steps, each about 1.3 times the one before.
constexpr std::array<std::uint16_t, 14> capacities = {1,  5,  9,   13,  17,  25,  37,
                                                      53, 77, 109, 157, 221, 256, 256};

std::uint32_t capacity_for(std::uint32_t count) {
  return *std::lower_bound(capacities.begin(), capacities.end() - 1, count);
}

std::size_t leaf_bytes(std::uint32_t capacity) {
  return sizeof(adjacency_leaf) + std::size_t{capacity} * sizeof(std::uint32_t);
}

/// An index is kept up to date down to here, so that a list about the limit does not make it over
/// and over.
constexpr std::uint32_t hub_index_degree_min = hub_degree_min / 2;

constexpr std::size_t inner_bytes = sizeof(adjacency_inner) + chunk_size * sizeof(handle);

/// Levels of inner nodes above the leaves.
int levels_of(std::uint32_t count) {
  if (count <= chunk_size)
    return 0;
  const std::uint32_t last = (count - 1) / chunk_size;
  int levels = 1;
  while (last >> (8 * levels) != 0)
    ++levels;
  return levels;
}

} // namespace

// -- nodes

handle adjacency_builder::new_leaf(std::uint32_t capacity, std::uint64_t version) {
  const auto layout = property_layout::of(capacity, with_times_);
  const handle h = pages_.allocate(leaf_bytes(capacity), use_);
  auto* l = node(h);
  l->set_created(version);
  l->capacity = static_cast<std::uint16_t>(capacity);
  l->properties = pages_.allocate(layout.bytes, use_);
  if (with_times_)
    times_bytes_ += layout.confidence;
  return h;
}

handle adjacency_builder::new_inner(std::uint64_t version) {
  const handle h = pages_.allocate(inner_bytes, use_);
  node(h)->set_created(version);
  node(h)->capacity = chunk_size;
  node(h)->properties = 0;
  return h;
}

handle adjacency_builder::copy_leaf(handle from, std::uint32_t count, std::uint32_t capacity,
                                    std::uint64_t version) {
  const handle h = new_leaf(capacity, version);
  const auto* a = node(from);
  auto* b = node(h);
  if (a->is_packed()) {
    unpack_leaf(a->packed(), arrays_of(h), count);
    return h;
  }
  std::memcpy(b->targets(), a->targets(), count * sizeof(std::uint32_t));
  const auto x = property_layout::of(a->capacity, with_times_);
  const auto y = property_layout::of(capacity, with_times_);
  const std::byte* p = pages_.memory().at(a->properties);
  std::byte* q = pages_.memory().at(b->properties);
  if (with_times_)
    std::memcpy(q + y.times, p + x.times, count * sizeof(association_times));
  std::memcpy(q + y.confidence, p + x.confidence, count * sizeof(float));
  std::memcpy(q + y.weight, p + x.weight, count * sizeof(float));
  std::memcpy(q + y.kind, p + x.kind, count * sizeof(kind_id));
  return h;
}

void adjacency_builder::unpack_leaf(const packed_leaf& from, const leaf_arrays& to,
                                    std::uint32_t count) const noexcept {
  unpacked_leaf all;
  const adjacency_chunk c = from.unpack(all, with_times_);
  std::copy_n(c.targets.data(), count, to.targets);
  std::copy_n(c.confidence, count, to.confidence);
  std::copy_n(c.weight, count, to.weight);
  std::copy_n(c.kind, count, to.kind);
  if (with_times_)
    std::copy_n(c.times, count, to.times);
}

void adjacency_builder::retire_leaf(handle h) {
  const auto* l = node(h);
  if (l->is_packed()) {
    const packed_leaf packed = l->packed();
    retired_.retire_page(l->created(), h, packed.bytes(with_times_), use_);
    if (with_times_)
      times_bytes_ -= packed.times_bytes();
    return;
  }
  const auto layout = property_layout::of(l->capacity, with_times_);
  retired_.retire_page(l->created(), h, leaf_bytes(l->capacity), use_);
  retired_.retire_page(l->created(), l->properties, layout.bytes, use_);
  if (with_times_)
    times_bytes_ -= layout.confidence;
}

void adjacency_builder::retire_inner(handle h) {
  retired_.retire_page(node(h)->created(), h, inner_bytes, use_);
}

void adjacency_builder::retire_tree(handle h, int levels, std::uint32_t chunks) {
  if (levels == 0) {
    retire_leaf(h);
    return;
  }
  const std::uint32_t per_child = 1U << (8 * (levels - 1));
  for (std::uint32_t i = 0; i * per_child < chunks; ++i)
    retire_tree(node(h)->targets()[i], levels - 1, std::min(per_child, chunks - i * per_child));
  retire_inner(h);
}

void adjacency_builder::retire_all(const adjacency_ref& ref) {
  retire_tree(ref.root, levels_of(ref.count), (ref.count + chunk_size - 1) / chunk_size);
}

void adjacency_builder::own_inner(handle& h, std::uint64_t version) {
  if (node(h)->created() == version)
    return;
  const handle copy = new_inner(version);
  std::memcpy(node(copy)->targets(), node(h)->targets(), chunk_size * sizeof(handle));
  retire_inner(h);
  h = copy;
}

handle adjacency_builder::leaf_at(const adjacency_ref& ref, std::uint32_t chunk) const noexcept {
  handle h = ref.root;
  for (int shift = 8 * (levels_of(ref.count) - 1); shift >= 0; shift -= 8)
    h = node(h)->targets()[(chunk >> shift) & 0xFF];
  return h;
}

handle adjacency_builder::own_leaf(adjacency_ref& ref, std::uint32_t chunk, std::uint64_t version) {
  handle* link = &ref.root;
  for (int shift = 8 * (levels_of(ref.count) - 1); shift >= 0; shift -= 8) {
    own_inner(*link, version);
    link = &node(*link)->targets()[(chunk >> shift) & 0xFF];
  }
  const bool packed = node(*link)->is_packed();
  if (packed || node(*link)->created() != version) {
    const std::uint32_t count = std::min(chunk_size, ref.count - chunk * chunk_size);
    std::uint32_t capacity = packed ? chunk_size : node(*link)->capacity;
    if (ref.count <= chunk_size && (packed || count <= capacity / 2))
      capacity = capacity_for(count); // what shrank gives its room back
    const handle copy = copy_leaf(*link, count, capacity, version);
    retire_leaf(*link);
    *link = copy;
  }
  return *link;
}

void adjacency_builder::attach(adjacency_ref& ref, std::uint32_t chunk, handle leaf,
                               std::uint64_t version) {
  const int levels = levels_of(ref.count + 1);
  if (levels > levels_of(ref.count)) {
    const handle root = new_inner(version);
    node(root)->targets()[0] = ref.root;
    ref.root = root;
  }
  // Slots beyond what older snapshots count are written in place.
  handle h = ref.root;
  for (int shift = 8 * (levels - 1); shift > 0; shift -= 8) {
    handle& child = node(h)->targets()[(chunk >> shift) & 0xFF];
    if ((chunk & ((1U << shift) - 1)) == 0)
      child = new_inner(version);
    h = child;
  }
  node(h)->targets()[chunk & 0xFF] = leaf;
}

bool adjacency_builder::detach(handle& h, int level, std::uint32_t chunk, std::uint64_t version) {
  if (level == 0) {
    retire_leaf(h);
    return true;
  }
  // Copied, because an append after this one writes a slot that older snapshots still read.
  own_inner(h, version);
  const std::uint32_t i = (chunk >> (8 * (level - 1))) & 0xFF;
  if (!detach(node(h)->targets()[i], level - 1, chunk, version) || i != 0)
    return false;
  retire_inner(h);
  return true;
}

adjacency_builder::leaf_arrays adjacency_builder::arrays_of(handle leaf) const noexcept {
  auto* l = node(leaf);
  const auto at = property_layout::of(l->capacity, with_times_);
  std::byte* p = pages_.memory().at(l->properties);
  return {l->targets(), reinterpret_cast<float*>(p + at.confidence),
          reinterpret_cast<float*>(p + at.weight), reinterpret_cast<kind_id*>(p + at.kind),
          with_times_ ? reinterpret_cast<association_times*>(p + at.times) : nullptr};
}

void adjacency_builder::write(handle leaf, std::uint32_t slot, std::uint32_t target,
                              const association_values& v) noexcept {
  arrays_of(leaf).write(slot, target, v);
}

association_values adjacency_builder::read(handle leaf, std::uint32_t slot) const noexcept {
  const auto* l = node(leaf);
  if (l->is_packed()) {
    unpacked_leaf to;
    const adjacency_chunk c = l->packed().unpack(to, with_times_);
    return {c.kind[slot], c.confidence[slot], c.weight[slot], c.times_of(slot)};
  }
  const auto at = property_layout::of(l->capacity, with_times_);
  const std::byte* p = pages_.memory().at(l->properties);
  return {reinterpret_cast<const kind_id*>(p + at.kind)[slot],
          reinterpret_cast<const float*>(p + at.confidence)[slot],
          reinterpret_cast<const float*>(p + at.weight)[slot],
          with_times_ ? reinterpret_cast<const association_times*>(p + at.times)[slot]
                      : association_times{}};
}

// -- lists

std::uint32_t adjacency_builder::target_at(std::uint32_t index,
                                           std::uint32_t position) const noexcept {
  return target_in(leaf_at(refs_[index], position / chunk_size), position % chunk_size);
}

std::uint32_t adjacency_builder::target_in(handle leaf, std::uint32_t slot) const noexcept {
  const auto* l = node(leaf);
  return l->is_packed() ? l->packed().target(slot) : l->targets()[slot];
}

kind_id adjacency_builder::kind_in(handle leaf, std::uint32_t slot) const noexcept {
  const auto* l = node(leaf);
  if (l->is_packed())
    return l->packed().kind(slot);
  const auto at = property_layout::of(l->capacity, with_times_);
  const std::byte* kinds = pages_.memory().at(l->properties) + at.kind;
  return reinterpret_cast<const kind_id*>(kinds)[slot];
}

hub_index& adjacency_builder::hub(std::uint32_t index) {
  const auto [it, fresh] = hubs_.try_emplace(index);
  if (fresh)
    it->second.assign(degree(index), [&](auto&& f) { list(index).for_each_target(f); });
  return it->second;
}

std::uint32_t adjacency_builder::find(std::uint32_t index, std::uint32_t target, kind_id kind) {
  return degree(index) > hub_degree_min ? find_in(hub(index), index, target, kind)
                                        : scan(index, target, kind);
}

std::uint32_t adjacency_builder::look_up(std::uint32_t index, std::uint32_t target,
                                         kind_id kind) const {
  return degree(index) > hub_degree_min ? find_in(hubs_.at(index), index, target, kind)
                                        : scan(index, target, kind);
}

std::uint32_t adjacency_builder::find_in(const hub_index& hub, std::uint32_t index,
                                         std::uint32_t target, kind_id kind) const {
  const adjacency_ref ref = refs_[index];
  return hub.find(target, [&](std::uint32_t position) {
    const handle leaf = leaf_at(ref, position / chunk_size);
    return target_in(leaf, position % chunk_size) == target
           && kind_in(leaf, position % chunk_size) == kind;
  });
}

std::uint32_t adjacency_builder::scan(std::uint32_t index, std::uint32_t target,
                                      kind_id kind) const noexcept {
  const adjacency_ref ref = refs_[index];
  if (ref.count == 0)
    return none;
  handle next = leaf_at(ref, 0);
  for (std::uint32_t first = 0; first < ref.count; first += chunk_size) {
    const handle leaf = next;
    if (first + chunk_size < ref.count) {
      next = leaf_at(ref, first / chunk_size + 1);
      for (std::uint32_t at = 0; at < chunk_size; at += 16)
        prefetch_line(node(next)->targets() + at);
    }
    const std::uint32_t count = std::min(chunk_size, ref.count - first);
    const std::uint32_t* targets = node(leaf)->targets();
    std::uint32_t unpacked[unpacked_leaf::room];
    if (node(leaf)->is_packed()) {
      node(leaf)->packed().targets(unpacked);
      targets = unpacked;
    }
    for (std::uint32_t i = find_value(targets, count, target); i < count;
         i += 1 + find_value(targets + i + 1, count - i - 1, target))
      if (kind_in(leaf, i) == kind)
        return first + i;
  }
  return none;
}

void adjacency_builder::make(std::uint32_t index, std::uint32_t count, std::uint64_t version) {
  if (count == 0)
    return;
  adjacency_ref& ref = own(index, version);
  assert(ref.count == 0);
  if (count <= chunk_size) {
    ref.root = new_leaf(count, version); // no room to grow: most of what is opened stays as it is
  } else {
    ref.root = new_leaf(chunk_size, version);
    for (ref.count = chunk_size; ref.count < count; ref.count += chunk_size)
      attach(ref, ref.count / chunk_size, new_leaf(chunk_size, version), version);
  }
  ref.count = count;
  longest_ = std::max(longest_, count);
}

void adjacency_builder::append(std::uint32_t index, std::uint32_t target,
                               const association_values& v, std::uint64_t version) {
  adjacency_ref& ref = own(index, version);
  const std::uint32_t n = ref.count;
  handle leaf = 0;
  if (n >= chunk_size && n % chunk_size == 0) {
    leaf = new_leaf(chunk_size, version);
    attach(ref, n / chunk_size, leaf, version);
  } else if (n == 0) {
    leaf = ref.root = new_leaf(capacity_for(1), version);
  } else {
    leaf = leaf_at(ref, n / chunk_size);
    if (n > chunk_size && node(leaf)->is_packed()) {
      leaf = own_leaf(ref, n / chunk_size, version);
    } else if (n < chunk_size && (n == node(leaf)->capacity || node(leaf)->is_packed())) {
      ref.root = copy_leaf(leaf, n, capacity_for(n + 1), version);
      retire_leaf(leaf);
      leaf = ref.root;
    }
  }
  write(leaf, n % chunk_size, target, v);
  ref.count = n + 1;
  longest_ = std::max(longest_, n + 1);
  if (ref.count > hub_index_degree_min)
    if (const auto it = hubs_.find(index); it != hubs_.end())
      it->second.insert(target, n, [&](auto&& f) { list(index).for_each_target(f); });
}

association_values adjacency_builder::at(std::uint32_t index,
                                         std::uint32_t position) const noexcept {
  return read(leaf_at(refs_[index], position / chunk_size), position % chunk_size);
}

void adjacency_builder::replace(std::uint32_t index, std::uint32_t position,
                                const association_values& v, std::uint64_t version) {
  adjacency_ref& ref = own(index, version);
  const handle leaf = own_leaf(ref, position / chunk_size, version);
  write(leaf, position % chunk_size, node(leaf)->targets()[position % chunk_size], v);
}

void adjacency_builder::remove(std::uint32_t index, std::uint32_t position, std::uint64_t version) {
  adjacency_ref& ref = own(index, version);
  const std::uint32_t last = ref.count - 1;
  if (const auto it = hubs_.find(index); it != hubs_.end()) {
    if (last < hub_index_degree_min) {
      hubs_.erase(it);
    } else {
      it->second.erase(target_at(index, position), position);
      if (position != last)
        it->second.move(target_at(index, last), last, position);
    }
  }
  if (position != last) {
    const handle from = leaf_at(ref, last / chunk_size);
    const std::uint32_t target = target_in(from, last % chunk_size);
    const association_values moved = read(from, last % chunk_size);
    write(own_leaf(ref, position / chunk_size, version), position % chunk_size, target, moved);
  }
  const int levels = levels_of(ref.count);
  if (last % chunk_size == 0)
    (void) detach(ref.root, levels, last / chunk_size, version);
  else
    (void) own_leaf(ref, last / chunk_size,
                    version); // the freed slot is appended to in place later
  ref.count = last;
  if (last == 0) {
    ref.root = 0;
  } else if (levels_of(last) < levels) {
    const handle root = ref.root;
    ref.root = node(root)->targets()[0];
    retire_inner(root);
  }
}

void adjacency_builder::remove_all(std::uint32_t index, std::uint64_t version) {
  if (degree(index) == 0)
    return;
  adjacency_ref& ref = own(index, version);
  retire_all(ref);
  ref = {};
  hubs_.erase(index);
}

void adjacency_builder::roll_back(std::uint64_t published) {
  refs_.roll_back(published);
  hubs_.clear();
  times_bytes_ = published_times_bytes_;
}

// -- prefetching

void adjacency_builder::prefetch_root(std::uint32_t index) const noexcept {
  const adjacency_ref ref = refs_[index];
  if (ref.count == 0)
    return;
  prefetch_line(node(ref.root)); // of an inner node the first child too
  if (ref.count > chunk_size)
    prefetch_line(node(ref.root)->targets()
                  + (ref.count / chunk_size >> (8 * (levels_of(ref.count) - 1)) & 0xFF));
}

void adjacency_builder::prefetch_leaf(std::uint32_t index) const noexcept {
  const adjacency_ref ref = refs_[index];
  const std::uint32_t slot = ref.count % chunk_size;
  if (ref.count <= chunk_size || slot == 0)
    return;
  const adjacency_leaf* l = node(leaf_at(ref, ref.count / chunk_size));
  prefetch_line(l);
  prefetch_line(l->targets() + slot);
}

void adjacency_builder::prefetch_tail(std::uint32_t index) const noexcept {
  const adjacency_ref ref = refs_[index];
  const std::uint32_t slot = ref.count % chunk_size;
  if (slot == 0)
    return; // the next append makes a leaf: there is none to look at yet
  const adjacency_leaf* l = node(leaf_at(ref, ref.count / chunk_size));
  if (l->is_packed())
    return; // what it is copied to is not there yet
  const auto at = property_layout::of(l->capacity, with_times_);
  const std::byte* p = pages_.memory().at(l->properties);
  prefetch_line(l->targets() + slot);
  prefetch_line(p + at.confidence + slot * sizeof(float));
  prefetch_line(p + at.weight + slot * sizeof(float));
  prefetch_line(p + at.kind + slot * sizeof(kind_id));
  if (with_times_)
    prefetch_line(p + at.times + slot * sizeof(association_times));
}

void adjacency_builder::prefetch_targets(std::uint32_t index) const noexcept {
  const adjacency_ref ref = refs_[index];
  if (ref.count == 0 || ref.count > hub_degree_min)
    return;
  const auto* targets = reinterpret_cast<const char*>(node(leaf_at(ref, 0))->targets());
  const std::uint32_t count = std::min(ref.count, chunk_size); // scan() fetches what follows
  for (std::uint32_t at = 0; at < count * sizeof(std::uint32_t); at += 64)
    prefetch_line(targets + at);
}

std::size_t adjacency_builder::bookkeeping_bytes() const noexcept {
  std::size_t sum = refs_.bookkeeping_bytes();
  for (const auto& [index, hub] : hubs_)
    sum += hub.bytes();
  return sum;
}

} // namespace cmem
