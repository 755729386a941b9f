#include "storage/text_filters.hpp"

#include "storage/limits.hpp"
#include "storage/text_changes.hpp"
#include "storage/text_part_writer.hpp"
#include "storage/text_postings.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace cmem {

namespace {

/// What the index has, by its pieces, and no more as it is.
using excluded_documents = std::vector<std::vector<std::uint32_t>>;

template <class Fresh>
excluded_documents sift(const graph_snapshot& s, const text_index* index,
                        std::span<const std::uint32_t> changed, Fresh&& fresh) {
  if (index == nullptr) {
    for_each_learned(s, fresh);
    return {};
  }
  excluded_documents excluded(index->pieces().size());
  std::vector<std::uint32_t> all(changed.begin(), changed.end());
  sift_changed(
    s, *index, all,
    [&](const text_index::place& p, const text_document&) {
      excluded[p.piece].push_back(p.number);
    },
    fresh);
  return excluded;
}

/// Calls visit(number) for the documents of a list that live and are not excluded.
template <class Visit>
void for_each_live(const text_index::piece& p, const std::vector<std::uint32_t>& excluded,
                   const posting_list& list, Visit&& visit) {
  posting_reader reader(list);
  auto next = excluded.begin();
  while (reader.next_block())
    for (const std::uint32_t n : reader.documents()) {
      while (next != excluded.end() && *next < n)
        ++next;
      if ((next == excluded.end() || *next != n) && !p.dead.test(n))
        visit(n);
    }
}

bool has_attribute(const concept_view& c, std::string_view key, std::string_view value) {
  auto attributes = c.attributes();
  for (attribute_update a; attributes.next(a);)
    if (a.key == key)
      return a.value == value;
  return false;
}

/// The k first of pairs that are added.
class first_names {
public:
  explicit first_names(std::size_t k) : k_(k) {}

  void add(std::string_view name, std::uint32_t index) {
    all_.emplace_back(name, index);
    if (all_.size() / 2 > k_ + 32) // seldom: each of them is looked at twice
      keep_first();
  }
  [[nodiscard]] std::vector<std::uint32_t> take() {
    keep_first();
    std::sort(all_.begin(), all_.end());
    std::vector<std::uint32_t> indices;
    for (const auto& [name, i] : all_)
      indices.push_back(i);
    return indices;
  }

private:
  void keep_first() {
    if (all_.size() <= k_)
      return;
    std::nth_element(all_.begin(), all_.begin() + static_cast<std::ptrdiff_t>(k_), all_.end());
    all_.resize(k_);
  }

  std::size_t k_;
  std::vector<std::pair<std::string, std::uint32_t>> all_;
};

bool can_be_attribute(std::string_view key, std::string_view value) noexcept {
  return key.size() <= attribute_key_bytes_max && value.size() <= attribute_value_bytes_max;
}

} // namespace

std::vector<std::uint32_t> find_names(const graph_snapshot& s, const text_index* index,
                                      std::span<const std::uint32_t> changed,
                                      std::string_view prefix, std::size_t k) {
  if (k == 0)
    return {};
  k = std::min<std::size_t>(k, s.concept_count());
  first_names found(k);
  const auto excluded = sift(s, index, changed, [&](std::uint32_t i) {
    const std::string_view name = s.at(i).name();
    if (!name.empty() && name.starts_with(prefix))
      found.add(name, i);
  });
  const std::string from = static_cast<char>(term_field::name) + std::string(prefix);
  for (std::size_t i = 0; i != excluded.size(); ++i) {
    const text_index::piece& p = index->pieces()[i];
    std::size_t count = 0; // of this piece: more than k are not needed
    for (term_walk w(*p.part, from); !w.done() && w.key().starts_with(from) && count < k; w.next())
      for_each_live(p, excluded[i], w.postings(), [&](std::uint32_t n) {
        found.add(std::string_view(w.key()).substr(1), p.part->index_of(n));
        ++count;
      });
  }
  return found.take();
}

std::vector<std::uint32_t> attribute_postings(const graph_snapshot& s, const text_index* index,
                                              std::span<const std::uint32_t> changed,
                                              std::string_view key, std::string_view value) {
  std::vector<std::uint32_t> found;
  if (!can_be_attribute(key, value))
    return found;
  const auto excluded = sift(s, index, changed, [&](std::uint32_t i) {
    if (has_attribute(s.at(i), key, value))
      found.push_back(i);
  });
  const std::string term = attribute_term(key, value);
  const bool is_hash = term[0] == static_cast<char>(term_field::long_attribute);
  found.reserve(attribute_estimate(s, index, changed, key, value));
  for (std::size_t i = 0; i != excluded.size(); ++i) {
    const text_index::piece& p = index->pieces()[i];
    for_each_live(p, excluded[i], p.part->find(term), [&](std::uint32_t n) {
      const std::uint32_t at = p.part->index_of(n);
      if (!is_hash || has_attribute(s.at(at), key, value))
        found.push_back(at);
    });
  }
  if (!std::is_sorted(found.begin(), found.end())) // one large piece has nearly all
    std::sort(found.begin(), found.end());
  return found;
}

std::uint64_t attribute_estimate(const graph_snapshot& s, const text_index* index,
                                 std::span<const std::uint32_t> changed, std::string_view key,
                                 std::string_view value) {
  if (!can_be_attribute(key, value))
    return 0;
  if (index == nullptr)
    return s.concept_count();
  std::uint64_t most = changed.size();
  const std::string term = attribute_term(key, value);
  for (const text_index::piece& p : index->pieces())
    most += p.part->find(term).count;
  return std::min(most, s.concept_count());
}

} // namespace cmem
