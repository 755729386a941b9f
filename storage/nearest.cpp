#include "storage/nearest.hpp"

#include "storage/prefetch.hpp"
#include "storage/vector_scan.hpp"

#include <algorithm>
#include <iterator>

namespace cmem {

namespace {

// A concept looked at through its slot costs as much as so many slots in a row.
constexpr std::uint64_t slots_per_lookup = 5;
// Work as deadline_watch counts it, of a concept looked at without codes.
constexpr std::uint64_t filter_work = 16;
constexpr std::uint64_t vector_work = 64;

/// One query. Threads: one.
class nearest_search {
public:
  nearest_search(const graph_snapshot& s, const nearest_sources& sources,
                 const nearest_query& query, const vector_scorer& scorer, search_clock clock)
    : s_(s),
      sources_(sources),
      query_(query),
      scorer_(scorer),
      filter_(s, query.filter),
      best_(scorer, query.k),
      watch_(query.deadline, clock) {}

  nearest_answer run() {
    if (query_.k > 0 && !watch_.passed(0)) {
      if (sources_.index == nullptr)
        without_index();
      else
        with_index();
    }
    return {best_.take(), watch_.passed() ? traversal_end::deadline : traversal_end::complete};
  }

private:
  void without_index() {
    if (const auto some = narrowed()) {
      look_at_vectors(*some);
      return;
    }
    for (std::uint32_t i = 0; i < s_.index_count(); ++i)
      if (!look_at_vector(i))
        return;
  }

  void with_index() {
    const vector_columns& columns = *sources_.index->columns;
    std::vector<std::uint32_t> changed = ascending(sources_.changed);
    // What changed but for its vector is found by its slot, as all else is.
    const auto by_vector =
      std::stable_partition(changed.begin(), changed.end(), [&](std::uint32_t i) {
        const std::uint32_t slot = columns.slot_of(i);
        return slot != vector_columns::slot_none && columns.is_current(s_, slot);
      });
    look_at_vectors(std::span(by_vector, changed.end()));
    changed.erase(by_vector, changed.end());

    vector_scan scan(s_, columns, scorer_, query_.filter.passes_all() ? nullptr : &filter_,
                     query_.filter.confidence_min, best_, watch_);
    const auto some = narrowed();
    if (some && slots_per_lookup * some->size() <= columns.slots())
      scan.look_at(*some);
    else if (some || asks_records())
      scan.look_at_all_best_first();
    else
      scan.look_at_all();
  }

  /// Ascending, each once: all that may pass, where the filter or somebody else knows them.
  [[nodiscard]] std::optional<std::span<const std::uint32_t>> narrowed() {
    if (filter_.named())
      return *filter_.named();
    if (query_.filter.attributes.empty() || !sources_.with_attributes)
      return std::nullopt;
    with_attributes_ = ascending(*sources_.with_attributes);
    return with_attributes_;
  }
  /// The filter asks for more than what the columns know.
  [[nodiscard]] bool asks_records() const noexcept {
    const concept_filter& f = query_.filter;
    return !f.attributes.empty() || f.strength_min > 0.0F || f.ids;
  }
  /// Those that the snapshot has.
  [[nodiscard]] std::vector<std::uint32_t> ascending(std::span<const std::uint32_t> some) const {
    std::vector<std::uint32_t> all;
    all.reserve(some.size());
    std::copy_if(some.begin(), some.end(), std::back_inserter(all),
                 [this](std::uint32_t i) { return i < s_.index_count(); });
    if (!std::is_sorted(all.begin(), all.end()))
      std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
  }

  void look_at_vectors(std::span<const std::uint32_t> indices) {
    constexpr std::size_t far = 16;
    constexpr std::size_t near = 8;
    for (std::size_t i = 0; i < indices.size(); ++i) {
      if (i + far < indices.size())
        prefetch_line(&s_.node(indices[i + far]));
      if (i + near < indices.size())
        s_.prefetch_payloads(indices[i + near]);
      if (!look_at_vector(indices[i]))
        return;
    }
  }
  /// False: it is late.
  bool look_at_vector(std::uint32_t index) {
    if (!filter_.contains(index))
      return !watch_.passed(filter_work);
    const auto score = scorer_.score(index);
    if (score && best_.wants({index, *score}))
      best_.add({index, *score});
    return !watch_.passed(vector_work);
  }

  const graph_snapshot& s_;
  const nearest_sources& sources_;
  const nearest_query& query_;
  const vector_scorer& scorer_;
  filtered_concepts filter_;
  std::vector<std::uint32_t> with_attributes_; // ascending
  best_concepts best_;
  deadline_watch watch_;
};

} // namespace

result<nearest_answer> nearest(const graph_snapshot& s, const nearest_sources& sources,
                               const nearest_query& query, search_clock clock) {
  if (const auto good = check(query.filter); !good)
    return good.error();
  const auto scorer = vector_scorer::make(s, query.vector, query.metric);
  if (!scorer)
    return scorer.error();
  return nearest_search(s, sources, query, *scorer, clock).run();
}

} // namespace cmem
