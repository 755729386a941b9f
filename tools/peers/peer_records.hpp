#pragma once
// How stores of keys and values keep the graph: a record a concept, and an entry an association in
// each direction. Numbers are the machine's own but for kinds, which keys sort by.

#include "storage/records.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace cmem::tools {

/// In front of a concept's record; its vector and its content follow.
struct concept_head {
  timestamp_us created = 0;
  timestamp_us last_accessed = 0;
  float strength = 0;
  float confidence = 0;
  std::uint32_t access_count = 0;
  std::uint32_t vector_numbers = 0;
};
static_assert(sizeof(concept_head) == 32);

/// The far end of an association: entries of one concept are told apart and sorted by it.
struct edge_end {
  concept_id id;
  std::array<std::uint8_t, 2> kind_big_endian{};

  edge_end() = default;
  edge_end(const concept_id& other, kind_id kind)
    : id(other),
      kind_big_endian{static_cast<std::uint8_t>(kind >> 8), static_cast<std::uint8_t>(kind)} {}
  [[nodiscard]] kind_id kind() const noexcept {
    return static_cast<kind_id>(kind_big_endian[0] << 8 | kind_big_endian[1]);
  }
  friend bool operator==(const edge_end&, const edge_end&) = default;
};
static_assert(sizeof(edge_end) == 18 && std::is_trivially_copyable_v<edge_end>);

/// What only the outgoing entry of an association holds.
struct edge_properties {
  timestamp_us created = 0;
  timestamp_us last_used = 0;
  float confidence = 0;
  float weight = 0;
};
static_assert(sizeof(edge_properties) == 24);

/// Precondition: `bytes` holds a T at `offset`. Entries lie at any address.
template <class T>
[[nodiscard]] T read_at(std::string_view bytes, std::size_t offset = 0) noexcept {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  std::memcpy(static_cast<void*>(&value), bytes.data() + offset, sizeof(T));
  return value;
}

template <class T>
[[nodiscard]] std::string_view bytes_of(const T& value) noexcept {
  static_assert(std::is_trivially_copyable_v<T>);
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

/// The record of what is learned, with `head` as it is but for what the operation brings.
inline void encode_concept(const op::learn_concept& o, concept_head head, std::string& out) {
  head.strength = o.strength;
  head.confidence = o.confidence;
  head.vector_numbers = static_cast<std::uint32_t>(o.vector.size());
  out.assign(bytes_of(head));
  out.append(reinterpret_cast<const char*>(o.vector.data()), o.vector.size_bytes());
  out.append(o.content);
}

/// A copy of a record with another head.
inline void replace_head(std::string_view record, const concept_head& head, std::string& out) {
  out.assign(bytes_of(head));
  out.append(record.substr(sizeof(concept_head)));
}

} // namespace cmem::tools
