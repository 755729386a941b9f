#include "tools/scenario_target.hpp"

#include <stdexcept>
#include <string>

namespace cmem::tools {

std::size_t target_reader::traverse(query_kind kind, const concept_id&, const concept_id&,
                                    const phase&) {
  throw std::logic_error("a query that is not offered: "
                         + std::string(query_names[static_cast<std::size_t>(kind)]));
}

result<void> check_offered(const scenario& s, const scenario_target& target) {
  for (const phase& p : s.phases)
    for (std::size_t k = 0; k < query_kinds; ++k)
      if (!p.reads.idle() && p.query_weights[k] > 0 && !target.offers(static_cast<query_kind>(k)))
        return failure{errc::unsupported,
                       "phase \"" + p.name + "\" asks for " + std::string(query_names[k])
                         + ", which is not offered by " + std::string(target.name())
                         + ": leave it out of query_mix, or run without that"};
  return {};
}

} // namespace cmem::tools
