#include "storage/nearest.hpp"

#include "storage/prefetch.hpp"
#include "storage/vector_graph.hpp"
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

// What a search in a graph keeps in view. With 220 it finds 96 % of the nearest ten among word
// vectors of 100 components.
constexpr double effort_default = 220.0;
constexpr double effort_per_k = 4.0;
// Keeping a slot in view costs as much as so many in a scan.
constexpr double slots_per_kept = 240.0;
constexpr double visits_factor = 2.0; // before it gives up, of those expected

/// The slots that a filter lets through, for a search in a graph.
class passing_slots final : public slot_filter {
public:
  passing_slots(const graph_snapshot& s, const vector_columns& columns,
                const concept_filter& filter, const filtered_concepts& passing) noexcept
    : s_(s), columns_(columns), filter_(filter), passing_(passing) {}

  [[nodiscard]] bool passes(std::uint32_t slot) const override {
    return columns_.confidence(slot) >= filter_.confidence_min && columns_.is_current(s_, slot)
           && passing_.contains(columns_.owner(slot));
  }
  /// Of all slots; an estimate from some that lie evenly.
  [[nodiscard]] double share() const {
    constexpr std::uint64_t sample = 256;
    std::uint32_t passed = 0;
    for (std::uint64_t i = 0; i < sample; ++i)
      passed += passes(static_cast<std::uint32_t>(i * columns_.slots() / sample)) ? 1U : 0U;
    return static_cast<double>(passed) / sample;
  }

private:
  const graph_snapshot& s_;
  const vector_columns& columns_;
  const concept_filter& filter_;
  const filtered_concepts& passing_;
};

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
    changed.erase(changed.begin(), by_vector);
    look_at_vectors(changed);

    vector_scan scan(s_, columns, scorer_, query_.filter.passes_all() ? nullptr : &filter_,
                     query_.filter.confidence_min, best_, watch_);
    const auto some = narrowed();
    if (some && slots_per_lookup * some->size() <= columns.slots())
      scan.look_at(*some);
    else if (by_graph(scan, changed))
      return;
    else if (some || asks_records())
      scan.look_at_all_best_first();
    else
      scan.look_at_all();
  }

  /// Looks at what the graph leads to and at the slots that it does not know of. False: it is none
  /// to ask, or did not find enough; nothing but `changed` was looked at.
  bool by_graph(vector_scan& scan, std::span<const std::uint32_t> changed) {
    const vector_index& index = *sources_.index;
    if (index.graph == nullptr || query_.exact || index.graph->metric() != query_.metric)
      return false;
    const passing_slots passing(s_, *index.columns, query_.filter, filter_);
    const bool all = query_.filter.passes_all();
    const auto effort = graph_effort_of(all ? 1.0 : passing.share());
    if (!effort)
      return false;
    graph_scratch scratch;
    const auto result = index.graph->search(*index.columns, scan.target(), *effort,
                                            all ? nullptr : &passing, scratch);
    std::vector<std::uint32_t> slots;
    slots.reserve(result.nearest.size());
    for (const graph_candidate& c : result.nearest)
      slots.push_back(c.slot);
    scan.look_at_slots(slots);
    scan.look_at_all(index.graph->slots());
    if (result.complete && best_.full())
      return true;
    (void) best_.take();
    look_at_vectors(changed);
    return false;
  }
  /// Unset: a scan is better.
  [[nodiscard]] std::optional<graph_effort> graph_effort_of(double passing_share) const {
    const double slots = sources_.index->columns->slots();
    const double k = static_cast<double>(query_.k);
    // All that is in view leads on, so of those that pass a share is enough, but not without some
    // more than are asked for.
    const double wanted = query_.effort != 0 ? static_cast<double>(query_.effort) : effort_default;
    const double passing = std::max(wanted * passing_share, effort_per_k * k);
    // The dead are in view too; a filter tells them from others.
    const double live = std::clamp(static_cast<double>(s_.concept_count()), slots / 2, slots);
    const double breadth = query_.filter.passes_all() ? passing * slots / live : passing;
    const double in_view = breadth / std::max(passing_share, 1e-9);
    if (query_.effort == 0 && in_view * slots_per_kept > slots)
      return std::nullopt;
    return graph_effort{.breadth = static_cast<std::size_t>(breadth),
                        .visits_max = static_cast<std::size_t>(visits_factor * in_view)};
  }

  /// Ascending, each once: all that may pass, where the filter or somebody else knows them.
  [[nodiscard]] std::optional<std::span<const std::uint32_t>> narrowed() {
    if (filter_.named())
      return *filter_.named();
    if (query_.filter.attributes.empty() || !sources_.with_attributes)
      return std::nullopt;
    // So many are not looked at one by one.
    if (sources_.index != nullptr
        && slots_per_lookup * sources_.with_attributes->size() > sources_.index->columns->slots())
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
