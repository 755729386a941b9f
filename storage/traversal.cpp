#include "storage/traversal.hpp"

#include <cmath>

namespace cmem {

std::string_view to_string(traversal_end end) noexcept {
  switch (end) {
    case traversal_end::complete: return "complete";
    case traversal_end::deadline: return "deadline";
    case traversal_end::visited_max: return "visited_max";
  }
  return "unknown";
}

result<void> check(const traversal_filter& f) {
  if (std::isnan(f.confidence_min))
    return failure{errc::invalid_argument, "confidence_min is NaN: give the least confidence that "
                                           "an association may have, from 0 to 1"};
  if (std::isnan(f.strength_min))
    return failure{errc::invalid_argument, "strength_min is NaN: give the least strength that a "
                                           "concept may have, 0 or more"};
  return {};
}

} // namespace cmem
