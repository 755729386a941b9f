#include "storage/vector_graph_check.hpp"

#include <algorithm>
#include <vector>

namespace cmem {

namespace {

/// Places have rows at each level up to their own, in the order of slots, and others have none.
bool upper_rows_are_right(const graph_links& l) {
  std::uint64_t next = 0;
  for (std::uint32_t slot = 0; slot != l.slots; ++slot)
    if (l.first_upper[slot] != graph_links::no_upper) {
      if (l.first_upper[slot] != next)
        return false;
      next += graph_level_of(slot, l.neighbors);
    }
  return next == l.upper_rows;
}

bool has_row(const graph_links& l, std::uint32_t link, unsigned level) {
  return link <= l.slots
         && (level == 0
             || (l.first_upper[link - 1] != graph_links::no_upper
                 && graph_level_of(link - 1, l.neighbors) >= level));
}

/// Neighbors, and then zeros.
bool row_is_right(const graph_links& l, std::uint32_t slot, unsigned level) {
  const std::uint32_t* row = l.row(slot, level);
  const std::uint32_t* const end = row + l.width(level);
  for (; row != end && *row != 0; ++row)
    if (!has_row(l, *row, level))
      return false;
  return std::all_of(row, end, [](std::uint32_t link) { return link == 0; });
}

/// Each slot is the twin of one place at most, and going from twin to twin ends.
bool twins_are_right(const graph_links& l) {
  std::vector<bool> listed(l.slots);
  std::uint64_t left = 0;
  for (std::uint32_t slot = 0; slot != l.slots; ++slot)
    if (const std::uint32_t twin = l.twins[slot]; twin != 0) {
      if (twin > l.slots || listed[twin - 1])
        return false;
      listed[twin - 1] = true;
      ++left;
    }
  for (std::uint32_t slot = 0; slot != l.slots; ++slot)
    if (!listed[slot])
      for (std::uint32_t t = l.twins[slot]; t != 0; t = l.twins[t - 1])
        --left;
  return left == 0; // what is left goes round
}

} // namespace

std::string_view fault_of(const graph_links& l) {
  if (!upper_rows_are_right(l))
    return "rows above level 0 are not those of its slots";
  if (l.entry == 0 ? l.top != 0 : !has_row(l, l.entry, l.top))
    return "searches would begin at a slot that is not there";
  for (std::uint32_t slot = 0; slot != l.slots; ++slot) {
    const bool place = l.first_upper[slot] != graph_links::no_upper;
    const unsigned levels = place ? graph_level_of(slot, l.neighbors) : 0;
    for (unsigned level = 0; level <= levels; ++level)
      if (!row_is_right(l, slot, level))
        return "a slot has a neighbor that is not there";
  }
  if (!twins_are_right(l))
    return "twins of slots do not form lists";
  return {};
}

} // namespace cmem
