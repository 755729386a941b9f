#include "storage/graph_snapshot.hpp"

#include "storage/payload_pool.hpp"
#include "storage/prefetch.hpp"

#include <array>

namespace cmem {

namespace {

std::span<const std::byte> payload(const std::byte* base, handle h) noexcept {
  return h == 0 ? std::span<const std::byte>() : payload_pool::bytes_at(base, h);
}

std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace

std::string_view concept_view::name() const noexcept {
  const auto x = payload(base_, node_->extras);
  if (x.empty())
    return {};
  const auto* head = reinterpret_cast<const node_extras*>(x.data());
  return as_text(x.subspan(sizeof(node_extras), head->name_bytes));
}

std::string_view concept_view::content() const noexcept {
  return as_text(payload(base_, node_->content));
}

stored_vector concept_view::vector() const noexcept {
  return {payload(base_, node_->vector), dimension_};
}

std::span<const std::byte> concept_view::encoded_attributes() const noexcept {
  const auto x = payload(base_, node_->extras);
  if (x.empty())
    return {};
  const auto* head = reinterpret_cast<const node_extras*>(x.data());
  return x.subspan(sizeof(node_extras) + head->name_bytes, head->attribute_bytes);
}

concept_record concept_view::copy() const {
  concept_record r;
  r.id = id();
  r.name = name();
  r.content = content();
  std::vector<float> room;
  const std::span<const float> floats = vector().read(room);
  r.vector.assign(floats.begin(), floats.end());
  r.strength = strength();
  r.confidence = confidence();
  r.created = created();
  r.last_accessed = last_accessed();
  r.access_count = access_count();
  auto reader = attributes();
  for (attribute_update a; reader.next(a);)
    r.attributes.emplace_back(a.key, a.value.value_or(std::string_view()));
  return r;
}

void graph_snapshot::prefetch_payloads(std::uint32_t index) const noexcept {
  const concept_node& n = node(index);
  for (const handle h : {n.content, n.vector, n.extras})
    if (h != 0) {
      prefetch_line(base_ + std::size_t{h} * handle_unit);
      prefetch_line(base_ + std::size_t{h} * handle_unit + 64);
    }
}

void graph_snapshot::append_indices(std::span<const concept_id> ids,
                                    std::vector<std::uint32_t>& to) const {
  // Bucket of the table, then the page's handle, then the record: each is asked for this many ids
  // after the one before, so that what it reads is there.
  constexpr std::size_t apart = 8;
  constexpr std::size_t ring = 4 * apart; // a power of two
  std::array<std::uint32_t, ring> candidates;
  to.reserve(to.size() + ids.size());
  for (std::size_t n = 0; n < ids.size() + 3 * apart; ++n) {
    if (n < ids.size())
      ids_->prefetch(hash_value(ids[n]));
    if (const std::size_t i = n - apart; n >= apart && i < ids.size()) {
      candidates[i % ring] = ids_->candidate(hash_value(ids[i]));
      if (candidates[i % ring] < index_count_)
        prefetch_line(&pages_[candidates[i % ring] / page_nodes]);
    }
    if (const std::size_t i = n - 2 * apart; n >= 2 * apart && i < ids.size())
      if (candidates[i % ring] < index_count_)
        prefetch_line(&node(candidates[i % ring]));
    if (n < 3 * apart)
      continue;
    const concept_id& id = ids[n - 3 * apart];
    const std::uint32_t likely = candidates[(n - 3 * apart) % ring];
    if (likely < index_count_ && node(likely).id == id && is_learned(likely))
      to.push_back(likely);
    else if (const auto index = index_of(id))
      to.push_back(*index);
  }
}

} // namespace cmem
