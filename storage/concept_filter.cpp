#include "storage/concept_filter.hpp"

#include <algorithm>
#include <cmath>

namespace cmem {

result<void> check(const concept_filter& f) {
  if (std::isnan(f.confidence_min))
    return failure{
      errc::invalid_argument,
      "confidence_min is NaN: give the least confidence that a concept may have, from 0 to 1"};
  if (std::isnan(f.strength_min))
    return failure{
      errc::invalid_argument,
      "strength_min is NaN: give the least strength that a concept may have, 0 or more"};
  return {};
}

filtered_concepts::filtered_concepts(const graph_snapshot& s, const concept_filter& f)
  : s_(s), filter_(f) {
  wanted_.reserve(f.attributes.size());
  for (const auto& [key, value] : f.attributes)
    wanted_.push_back({key, value});
  std::sort(wanted_.begin(), wanted_.end(),
            [](const attribute_update& a, const attribute_update& b) { return a.key < b.key; });
  if (f.ids)
    find_named();
}

void filtered_concepts::find_named() {
  named_.emplace();
  named_->reserve(filter_.ids->size());
  for (const concept_id& id : *filter_.ids)
    if (const auto index = s_.index_of(id))
      named_->push_back(*index);
  // Bits are faster than sorting where there are not many more of them than names.
  if (named_->size() < s_.index_count() / 64) {
    std::sort(named_->begin(), named_->end());
    named_->erase(std::unique(named_->begin(), named_->end()), named_->end());
    return;
  }
  is_named_.resize(s_.index_count());
  for (const std::uint32_t i : *named_)
    is_named_[i] = true;
  named_->clear();
  for (std::uint32_t i = 0; i < s_.index_count(); ++i)
    if (is_named_[i])
      named_->push_back(i);
}

bool filtered_concepts::is_named(std::uint32_t index) const noexcept {
  return is_named_.empty() ? std::binary_search(named_->begin(), named_->end(), index)
                           : is_named_[index];
}

bool filtered_concepts::contains(std::uint32_t index) const noexcept {
  const concept_node& node = s_.node(index);
  if (node.state != node_learned || !(node.confidence >= filter_.confidence_min))
    return false;
  if (filter_.strength_min > 0.0F && !(s_.at(index).strength() >= filter_.strength_min))
    return false;
  if (named_ && !is_named(index))
    return false;
  return wanted_.empty() || has_attributes(index);
}

bool filtered_concepts::has_attributes(std::uint32_t index) const noexcept {
  // Both ascend by key.
  auto wanted = wanted_.begin();
  attribute_reader stored = s_.at(index).attributes();
  for (attribute_update a; wanted != wanted_.end() && stored.next(a);)
    // A key that is wanted twice must have one value.
    for (; wanted != wanted_.end() && wanted->key == a.key; ++wanted)
      if (wanted->value != a.value)
        return false;
  return wanted == wanted_.end();
}

} // namespace cmem
