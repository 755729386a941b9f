// Packs lists (packed_adjacency.hpp): what a store brings, and what has settled.

#include "storage/adjacency_builder.hpp"

#include <algorithm>
#include <cassert>

namespace cmem {

void packing::sort_into_columns(bool with_times) {
  const auto before = [](const association_link& a, const association_link& b) {
    return a.target != b.target ? a.target < b.target : a.values.kind < b.values.kind;
  };
  if (!std::is_sorted(links.begin(), links.end(), before))
    std::sort(links.begin(), links.end(), before);
  const auto column = [this](auto& to, auto&& value_of) {
    to.resize(links.size());
    std::transform(links.begin(), links.end(), to.begin(), value_of);
  };
  column(targets, [](const association_link& l) { return l.target; });
  column(confidence, [](const association_link& l) { return l.values.confidence; });
  column(weight, [](const association_link& l) { return l.values.weight; });
  column(kind, [](const association_link& l) { return l.values.kind; });
  if (with_times)
    column(times, [](const association_link& l) { return l.values.times; });
}

adjacency_chunk packing::columns(std::uint32_t chunk, bool with_times) const noexcept {
  const std::size_t first = std::size_t{chunk} * chunk_size;
  const std::size_t n = std::min<std::size_t>(chunk_size, targets.size() - first);
  return {std::span(targets).subspan(first, n), confidence.data() + first, weight.data() + first,
          kind.data() + first, with_times ? times.data() + first : nullptr};
}

std::size_t adjacency_builder::plain_bytes(std::uint32_t capacity) const noexcept {
  const auto blocks = [](std::size_t bytes) {
    return (bytes + handle_unit - 1) / handle_unit * handle_unit;
  };
  return blocks(sizeof(adjacency_leaf) + capacity * sizeof(std::uint32_t))
         + blocks(property_layout::of(capacity, with_times_).bytes);
}

/// Of the leaves.
std::size_t adjacency_builder::bytes_of(const adjacency_ref& ref) const noexcept {
  std::size_t sum = 0;
  for (std::uint32_t first = 0; first < ref.count; first += chunk_size) {
    const auto* l = node(leaf_at(ref, first / chunk_size));
    sum += l->is_packed() ? l->packed().bytes(with_times_) : plain_bytes(l->capacity);
  }
  return sum;
}

/// A plain one where packing does not pay.
handle adjacency_builder::new_packed_leaf(const adjacency_chunk& c, std::uint32_t plain_capacity,
                                          leaf_packer& packer, std::uint64_t version) {
  const auto count = static_cast<std::uint32_t>(c.targets.size());
  const std::size_t bytes = packer.plan(c);
  if (bytes >= plain_bytes(plain_capacity)) {
    const handle h = new_leaf(plain_capacity, version);
    const leaf_arrays to = arrays_of(h);
    for (std::uint32_t i = 0; i != count; ++i)
      to.write(i, c.targets[i], {c.kind[i], c.confidence[i], c.weight[i], c.times_of(i)});
    return h;
  }
  const handle h = pages_.allocate(bytes, use_);
  auto* l = node(h);
  packer.write(l);
  l->set_created(version);
  l->capacity = static_cast<std::uint16_t>(adjacency_leaf::packed_mark | count);
  if (with_times_)
    times_bytes_ += l->packed().times_bytes();
  return h;
}

void adjacency_builder::assign(std::uint32_t index, packing& with, std::uint64_t version) {
  if (with.links.empty())
    return;
  with.sort_into_columns(with_times_);
  adjacency_ref& ref = refs_.own(index, version);
  assert(ref.count == 0);
  const auto count = static_cast<std::uint32_t>(with.links.size());
  const std::uint32_t capacity =
    std::min(count, chunk_size); // in a tree the last one is appended to
  for (std::uint32_t first = 0; first < count; first += chunk_size) {
    const handle leaf = new_packed_leaf(with.columns(first / chunk_size, with_times_), capacity,
                                        with.packer, version);
    if (first == 0)
      ref.root = leaf;
    else
      attach(ref, first / chunk_size, leaf, version);
    ref.count = std::min(count, first + chunk_size);
  }
  longest_ = std::max(longest_, count);
}

bool adjacency_builder::pack(std::uint32_t index, packing& with, std::uint64_t version) {
  const adjacency_ref ref = refs_[index];
  if (ref.count == 0)
    return false;
  const std::size_t bytes = bytes_of(ref);
  with.links.clear();
  list(index).for_each_chunk([&with](const adjacency_chunk& c) {
    for (std::size_t i = 0; i != c.targets.size(); ++i)
      with.links.push_back(
        {c.targets[i], {c.kind[i], c.confidence[i], c.weight[i], c.times_of(i)}});
  });
  with.sort_into_columns(with_times_);
  std::size_t packed = 0;
  for (std::uint32_t first = 0; first < ref.count; first += chunk_size) {
    const adjacency_chunk c = with.columns(first / chunk_size, with_times_);
    packed += std::min(with.packer.plan(c), plain_bytes(std::min(ref.count, chunk_size)));
  }
  if (packed > bytes - bytes / 8)
    return false;
  retire_all(ref);
  refs_.own(index, version) = {};
  hubs_.erase(index); // its positions are others
  assign(index, with, version);
  return true;
}

} // namespace cmem
