#pragma once
// Concepts by the beginning of their name, and by an attribute (R5). The snapshot, the index and
// `changed` go together as text_search.hpp says. Threads: any that holds the snapshot.

#include "storage/graph_snapshot.hpp"
#include "storage/text_index.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace cmem {

/// Concepts whose name begins with these bytes (as names are written: nothing is folded, as
/// nothing is where a name is an id), ascending by the bytes of the name; the first k. An empty
/// prefix stands for all names. Time: what is found, and what changed.
std::vector<std::uint32_t> find_names(const graph_snapshot& s, const text_index* index,
                                      std::span<const std::uint32_t> changed,
                                      std::string_view prefix, std::size_t k);

/// Concepts that have this attribute with just this value: ascending indices. Time: their number,
/// and what changed; where key and value are more than 126 bytes together, each one is looked at.
std::vector<std::uint32_t> attribute_postings(const graph_snapshot& s, const text_index* index,
                                              std::span<const std::uint32_t> changed,
                                              std::string_view key, std::string_view value);
/// How many that finds at most, for the price of looking it up. Close to it as long as few of those
/// that have it changed since the parts of the index were made.
std::uint64_t attribute_estimate(const graph_snapshot& s, const text_index* index,
                                 std::span<const std::uint32_t> changed, std::string_view key,
                                 std::string_view value);

} // namespace cmem
