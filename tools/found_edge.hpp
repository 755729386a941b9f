#pragma once
// What targets of a scenario, the memory's rivals among them, found of a concept's associations.

#include "storage/concept_id.hpp"

namespace cmem::tools {

struct found_edge {
  float confidence;
  kind_id kind;
  concept_id id; ///< of the other end

  friend bool operator==(const found_edge&, const found_edge&) = default;
};

} // namespace cmem::tools
