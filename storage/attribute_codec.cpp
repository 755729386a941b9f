#include "storage/attribute_codec.hpp"

#include "storage/limits.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

namespace cmem {

namespace {

constexpr std::size_t count_bytes = sizeof(std::uint32_t);
constexpr std::size_t lengths_bytes = 2 * sizeof(std::uint16_t);
static_assert(attribute_key_bytes_max < attribute_removed);
static_assert(attribute_value_bytes_max < attribute_removed);

std::size_t encoded_bytes(const attribute_update& u) noexcept {
  return lengths_bytes + u.key.size() + (u.value ? u.value->size() : 0);
}

// memcpy of nothing from a null view is undefined.
std::byte* put(std::byte* at, const void* from, std::size_t bytes) noexcept {
  if (bytes != 0)
    std::memcpy(at, from, bytes);
  return at + bytes;
}

std::byte* put(std::byte* at, const attribute_update& u) noexcept {
  const std::uint16_t lengths[2] = {static_cast<std::uint16_t>(u.key.size()),
                                    u.value ? static_cast<std::uint16_t>(u.value->size())
                                            : attribute_removed};
  at = put(at, lengths, lengths_bytes);
  at = put(at, u.key.data(), u.key.size());
  return u.value ? put(at, u.value->data(), u.value->size()) : at;
}

} // namespace

std::size_t encoded_attribute_bytes(std::span<const attribute_update> updates) noexcept {
  std::size_t bytes = count_bytes;
  for (const auto& u : updates)
    bytes += encoded_bytes(u);
  return bytes;
}

std::size_t encode_attributes(std::span<const attribute_update> updates,
                              std::span<std::byte> out) noexcept {
  assert(updates.size() <= attributes_max);
  assert(out.size() >= encoded_attribute_bytes(updates));
  std::array<const attribute_update*, attributes_max> sorted; // by key, then in the order given
  std::size_t n = 0;
  for (const auto& u : updates) {
    std::size_t at = n;
    for (; at > 0 && u.key < sorted[at - 1]->key; --at)
      sorted[at] = sorted[at - 1];
    sorted[at] = &u;
    ++n;
  }
  std::uint32_t count = 0;
  std::byte* at = out.data() + count_bytes;
  for (std::size_t i = 0; i < n; ++i) {
    if (i + 1 < n && sorted[i]->key == sorted[i + 1]->key)
      continue; // a later one of the same key counts
    at = put(at, *sorted[i]);
    ++count;
  }
  put(out.data(), &count, count_bytes);
  return static_cast<std::size_t>(at - out.data());
}

attribute_reader::attribute_reader(std::span<const std::byte> encoded) noexcept {
  if (encoded.empty())
    return;
  assert(encoded.size() >= count_bytes);
  std::memcpy(&count_, encoded.data(), count_bytes);
  left_ = count_;
  rest_ = encoded.subspan(count_bytes);
}

bool attribute_reader::next(attribute_update& out) noexcept {
  if (left_ == 0)
    return false;
  --left_;
  std::uint16_t lengths[2];
  assert(rest_.size() >= lengths_bytes);
  std::memcpy(lengths, rest_.data(), lengths_bytes);
  const bool removed = lengths[1] == attribute_removed;
  const std::size_t value_bytes = removed ? 0 : lengths[1];
  assert(rest_.size() >= lengths_bytes + lengths[0] + value_bytes);
  const char* text = reinterpret_cast<const char*>(rest_.data() + lengths_bytes);
  out.key = {text, lengths[0]};
  out.value =
    removed ? std::nullopt : std::optional(std::string_view(text + lengths[0], value_bytes));
  rest_ = rest_.subspan(lengths_bytes + lengths[0] + value_bytes);
  return true;
}

merged_attributes merge_attributes(std::span<const std::byte> stored,
                                   std::span<const std::byte> updates,
                                   std::span<std::byte> out) noexcept {
  attribute_reader old_ones(stored);
  attribute_reader new_ones(updates);
  attribute_update old_one;
  attribute_update new_one;
  bool has_old = old_ones.next(old_one);
  bool has_new = new_ones.next(new_one);
  merged_attributes made{count_bytes, 0};
  const auto keep = [&](const attribute_update& u) {
    if (!out.empty()) {
      assert(made.bytes + encoded_bytes(u) <= out.size());
      put(out.data() + made.bytes, u);
    }
    made.bytes += encoded_bytes(u);
    ++made.count;
  };
  while (has_old || has_new) {
    if (!has_new || (has_old && old_one.key < new_one.key)) {
      assert(old_one.value);
      keep(old_one);
      has_old = old_ones.next(old_one);
      continue;
    }
    if (has_old && old_one.key == new_one.key)
      has_old = old_ones.next(old_one);
    if (new_one.value)
      keep(new_one);
    has_new = new_ones.next(new_one);
  }
  if (made.count == 0)
    return {};
  if (!out.empty())
    put(out.data(), &made.count, count_bytes);
  return made;
}

} // namespace cmem
