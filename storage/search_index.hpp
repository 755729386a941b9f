#pragma once
// What a snapshot carries so that searches need not look at everything: made by another thread, a
// while after what it covers.

#include <cstdint>
#include <memory>

namespace cmem {

class text_index;
struct vector_index;

/// Immutable; snapshots share it. Null parts are not kept.
struct search_index {
  std::uint64_t covers = 0; ///< all changes at positions below: see change_trail.hpp
  std::shared_ptr<const vector_index> vectors;
  std::shared_ptr<const text_index> text; ///< of words, names and attributes
  /// The same, or one of attributes alone: what filters are looked up in.
  std::shared_ptr<const text_index> attributes;
};

} // namespace cmem
