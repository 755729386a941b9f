#include "tools/scenario_target.hpp"

#include <stdexcept>
#include <string>

namespace cmem::tools {

std::size_t target_reader::traverse(query_kind kind, const concept_id&, const concept_id&,
                                    const phase&) {
  throw std::logic_error("a query that is not offered: "
                         + std::string(query_names[static_cast<std::size_t>(kind)]));
}

namespace {

template <class Offers>
result<void> check(const scenario& s, std::string_view target, Offers offers) {
  for (const phase& p : s.phases)
    for (std::size_t k = 0; k < query_kinds; ++k)
      if (!p.reads.idle() && p.query_weights[k] > 0 && !offers(static_cast<query_kind>(k)))
        return failure{errc::unsupported, "phase \"" + p.name + "\" asks for "
                                            + std::string(query_names[k])
                                            + ", which is not offered by " + std::string(target)
                                            + ": leave it out of query_mix, or run without that"};
  return {};
}

} // namespace

result<void> check_offered(const scenario& s, const scenario_target& target) {
  return check(s, target.name(), [&](query_kind q) { return target.offers(q); });
}

result<void> check_offered(const scenario& s, target_kind kind) {
  return check(s, target_names[static_cast<std::size_t>(kind)], [kind](query_kind q) {
    switch (kind) {
      case target_kind::memory: return true;
      case target_kind::mutex_map: return offered_by_map(q);
      case target_kind::lmdb:
      case target_kind::rocksdb:
      case target_kind::sqlite: break;
    }
    return offered_by_all(q);
  });
}

} // namespace cmem::tools
