#include "tools/traversal_arguments.hpp"

#include "tools/shown.hpp"

#include <chrono>
#include <ostream>

namespace cmem::tools {

result<traversal_filter> to_filter(const traversal_arguments& a, const kind_registry& kinds) {
  traversal_filter f;
  for (const std::string& name : a.kinds) {
    const auto kind = kinds.find(name);
    if (!kind)
      return failure{errc::unknown_kind, "kind " + show_text(name) + " is not in the store"};
    f.kinds.insert(*kind);
  }
  f.confidence_min = a.min_confidence;
  f.strength_min = a.min_strength;
  if (a.direction == "in")
    f.along = direction::incoming;
  else if (a.direction == "both")
    f.along = direction::both;
  else if (a.direction != "out")
    return failure{errc::invalid_argument,
                   "direction is " + show_text(a.direction) + ": out, in or both"};
  if (auto fine = check(f); !fine)
    return fine.error();
  return f;
}

traversal_limits to_limits(const traversal_arguments& a) {
  return a.deadline_ms ? traversal_limits::within(std::chrono::milliseconds(*a.deadline_ms))
                       : traversal_limits{};
}

void note_partial(std::ostream& out, traversal_end end, std::string_view margin) {
  if (end == traversal_end::deadline)
    out << margin << "partial: the deadline passed; there may be more, or better\n";
  else if (end == traversal_end::visited_max)
    out << margin << "partial: as many concepts were reached as may be; there may be more, or "
        << "better\n";
}

} // namespace cmem::tools
