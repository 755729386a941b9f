#pragma once
// What path, expand and activate are told alike: which associations and concepts, and how long.

#include "storage/kind_registry.hpp"
#include "storage/traversal.hpp"

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace cmem::tools {

struct traversal_arguments {
  std::vector<std::string> kinds = {}; ///< names; none: every kind
  float min_confidence = 0.0F;
  float min_strength = 0.0F;
  std::string direction = "out"; ///< or "in", "both"
  std::optional<std::uint64_t> deadline_ms = {};
};

/// Fails: unknown_kind; invalid_argument as check() does, and for a direction that is none.
result<traversal_filter> to_filter(const traversal_arguments& a, const kind_registry& kinds);
/// From now on.
[[nodiscard]] traversal_limits to_limits(const traversal_arguments& a);

/// A line that says so where a traversal was cut short; nothing where it was not.
void note_partial(std::ostream& out, traversal_end end, std::string_view margin = "");

} // namespace cmem::tools
