#include "tools/workload.hpp"

#include <charconv>

namespace cmem::tools {

concept_ref write_drawer::end(std::uint32_t index) const {
  const auto& c = shared_.data().concepts[index];
  // A concept that is learned brings its name itself; an end that never is needs it here.
  return index < shared_.data().learnable ? concept_ref(c.id) : concept_ref(c.id, c.name);
}

write_drawer::drawn write_drawer::learn_concept(std::size_t index) {
  const auto& c = shared_.data().concepts[index];
  if (!c.attributes.empty())
    attributes_of_ = index;
  return {write_kind::learn_concept,
          op::learn_concept{{c.id, c.name}, c.content, c.vector, c.strength, c.confidence}};
}

write_drawer::drawn write_drawer::learn_association(std::size_t index) {
  const auto& a = shared_.data().associations[index];
  return {write_kind::learn_association,
          op::learn_association{end(a.source), end(a.target), shared_.kind(a.kind), a.confidence,
                                a.weight}};
}

write_drawer::drawn write_drawer::set_attributes(std::size_t index) {
  const auto& c = shared_.data().concepts[index];
  attributes_.clear();
  for (const auto& [key, value] : c.attributes)
    attributes_.push_back({key, value});
  if (attributes_.empty()) {
    const auto end = std::to_chars(value_.data(), value_.data() + value_.size(), ++counter_).ptr;
    attributes_.push_back(
      {"touched", std::string_view(value_.data(), static_cast<std::size_t>(end - value_.data()))});
  }
  return {write_kind::set_attributes, op::set_attributes{c.id, attributes_}};
}

write_drawer::drawn write_drawer::draw() {
  if (attributes_of_ != none) {
    const std::size_t index = attributes_of_;
    attributes_of_ = none;
    return set_attributes(index);
  }
  auto kind = static_cast<write_kind>(choice_.draw(random_));
  const std::size_t concepts = shared_.concepts_taken();
  const std::size_t associations = shared_.associations_taken();
  const bool of_association = kind == write_kind::strengthen_association
                              || kind == write_kind::record_use
                              || kind == write_kind::forget_association;
  if (of_association && associations == 0)
    kind = write_kind::learn_association;
  if (kind == write_kind::learn_association && shared_.data().associations.empty())
    kind = write_kind::learn_concept;
  if (concepts == 0 && kind != write_kind::learn_association)
    kind = write_kind::learn_concept;

  const auto some_concept = [&] { return static_cast<std::size_t>(random_.below(concepts)); };
  const auto some_association = [&]() -> const data_association& {
    return shared_.data().associations[random_.below(associations)];
  };
  const auto id = [&](std::size_t index) { return concept_ref(shared_.data().concepts[index].id); };
  switch (kind) {
    case write_kind::learn_concept: return learn_concept(shared_.take_concept());
    case write_kind::learn_association: return learn_association(shared_.take_association());
    case write_kind::strengthen: return {kind, op::strengthen{id(some_concept()), 0.1F}};
    case write_kind::strengthen_association: {
      const auto& a = some_association();
      return {kind,
              op::strengthen_association{id(a.source), id(a.target), shared_.kind(a.kind), 0.1F}};
    }
    case write_kind::record_access: return {kind, op::record_access{id(some_concept())}};
    case write_kind::record_use: {
      const auto& a = some_association();
      return {kind, op::record_use{id(a.source), id(a.target), shared_.kind(a.kind)}};
    }
    case write_kind::set_attributes: return set_attributes(some_concept());
    case write_kind::forget_concept: return {kind, op::forget_concept{id(some_concept())}};
    case write_kind::forget_association: {
      const auto& a = some_association();
      return {kind, op::forget_association{id(a.source), id(a.target), shared_.kind(a.kind)}};
    }
  }
  return learn_concept(shared_.take_concept());
}

query_drawer::drawn query_drawer::draw() {
  const auto kind = static_cast<query_kind>(choice_.draw(random_));
  const auto& concepts = shared_.data().concepts;
  const std::size_t known = std::max<std::size_t>(shared_.concepts_taken(), 1);
  const auto some = [&] { return concepts[random_.below(known)].id; };
  const concept_id a = some();
  const bool pair = kind == query_kind::find_path || kind == query_kind::confident_path
                    || kind == query_kind::alternative_paths;
  return {kind, a, pair ? some() : a};
}

} // namespace cmem::tools
