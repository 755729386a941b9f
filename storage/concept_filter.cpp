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

filtered_concepts::filtered_concepts(const graph_snapshot& s, const concept_filter& f, naming when)
  : s_(s), filter_(f) {
  wanted_.reserve(f.attributes.size());
  for (const auto& [key, value] : f.attributes)
    wanted_.push_back({key, value});
  std::sort(wanted_.begin(), wanted_.end(),
            [](const attribute_update& a, const attribute_update& b) { return a.key < b.key; });
  if (when == naming::now)
    find_named();
}

void filtered_concepts::find_named() {
  if (!filter_.ids || named_)
    return;
  named_.emplace();
  s_.append_indices(*filter_.ids, *named_);
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

void filtered_concepts::keep_named(std::vector<std::uint32_t>& indices) const {
  if (named_) {
    std::erase_if(indices, [this](std::uint32_t i) { return !is_named(i); });
    return;
  }
  // Bits tell apart most ids that are none of these, so that the list is read as fast as it lies.
  constexpr unsigned log2_bits = 16;
  constexpr unsigned shift = 64 - log2_bits;
  std::vector<std::uint64_t> bits((std::size_t{1} << log2_bits) / 64);
  std::vector<concept_id> asked;
  asked.reserve(indices.size());
  for (const std::uint32_t i : indices) {
    asked.push_back(s_.node(i).id);
    const std::uint64_t at = hash_value(asked.back()) >> shift;
    bits[at / 64] |= std::uint64_t{1} << at % 64;
  }
  std::sort(asked.begin(), asked.end());
  std::vector<bool> is_named(asked.size());
  for (const concept_id& id : *filter_.ids) {
    const std::uint64_t at = hash_value(id) >> shift;
    if ((bits[at / 64] >> at % 64 & 1) == 0)
      continue;
    const auto [first, last] = std::equal_range(asked.begin(), asked.end(), id);
    for (auto i = first; i != last; ++i)
      is_named[static_cast<std::size_t>(i - asked.begin())] = true;
  }
  std::erase_if(indices, [&](std::uint32_t i) {
    const auto at = std::lower_bound(asked.begin(), asked.end(), s_.node(i).id);
    return !is_named[static_cast<std::size_t>(at - asked.begin())];
  });
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
