#include "storage/nearest_graph.hpp"

#include "storage/passing_slots.hpp"
#include "storage/vector_graph.hpp"

#include <algorithm>
#include <limits>
#include <span>
#include <vector>

namespace cmem {

namespace {

// What a search in a graph keeps in view. With 220 it finds 96 % of the nearest ten among word
// vectors of 100 components.
constexpr double effort_default = 220.0;
constexpr double effort_per_k = 4.0;
constexpr double view_max = 20'000.0;   // it is a sorted list: of more, a scan takes less time
constexpr double effort_filtered = 2.0; // times as much: the nearest that pass lie farther off
constexpr double visits_factor = 2.0;   // before it gives up, of those expected
// A view has enough where the worst of those found lies in its first half.
constexpr std::size_t view_per_worst = 2;
// Where fewer of all pass, there are hardly ways among them.
constexpr double among_share_min = 0.1;
constexpr double breadth_among = 2.0; // as much as else: fewer ways lead to each of them
// So many of the nearest tell whether those that pass lie where all do.
constexpr double first_look = 50.0;
constexpr std::uint32_t sample_slots = 256;

/// Threads: one.
class graph_search {
public:
  graph_search(nearest_run& run, const vector_index& index, vector_scan& scan) noexcept
    : run_(run), index_(index), scan_(scan) {}

  bool look(double passing_max, double scan_cost) {
    if (index_.graph == nullptr || run_.query.exact || index_.graph->metric() != run_.query.metric)
      return false;
    const bool always = run_.query.effort != 0;
    const double slots = index_.columns->slots();
    const double wanted = always ? static_cast<double>(run_.query.effort) : effort_default;
    const double k = static_cast<double>(run_.query.k);
    // The dead are in view too; a filter tells them from others.
    const double live = std::clamp(static_cast<double>(run_.s.concept_count()), slots / 2, slots);
    const double list = slots_per_listed * run_.ids_to_find();
    const auto is_worth = [&](double cost) { return always || cost <= scan_cost; };
    double view = std::max(wanted, effort_per_k * k) * slots / live;
    if (view > view_max || !is_worth(list + slots_per_kept * view))
      return false;
    if (run_.filter.passes_all())
      return by_view(view).enough;
    if (!is_worth(list + slots_per_kept * effort_per_k * k * slots / std::max(1.0, passing_max)))
      return false;

    const passing_slots filter(run_.s, *index_.columns, run_.passing());
    const std::vector<std::uint32_t> sample = filter.sample(sample_slots);
    const double share = run_.named_share() * static_cast<double>(sample.size()) / sample_slots;
    if (share == 0.0)
      return false;
    view = std::max(effort_filtered * view, effort_per_k * k / share);
    if (view > view_max || !is_worth(list + slots_per_kept * view))
      return false;
    const double breadth = std::max(wanted * breadth_among, effort_per_k * k);
    const double among =
      breadth * (filter.asks_records() ? slots_per_kept_recorded : slots_per_kept_among);
    const bool may_go_among =
      share >= among_share_min && run_.ids_to_find() == 0.0 && is_worth(among);
    if (may_go_among && lie_elsewhere(filter, share))
      return by_ways_among(filter, sample, breadth);
    const viewed first = by_view(view);
    if (first.enough)
      return true;
    // Those that pass lie farther.
    const double farther = first.passing == 0.0 ? slots : view * effort_per_k * k / first.passing;
    if (slots_per_kept * farther < among || !may_go_among)
      return farther <= view_max && is_worth(list + slots_per_kept * farther)
             && by_view(farther).enough;
    return by_ways_among(filter, sample, breadth);
  }

private:
  struct viewed {
    bool enough = false;  ///< else nothing was looked at
    double passing = 0.0; ///< of those in view, about
  };
  /// Far fewer pass of what is nearest than of all.
  bool lie_elsewhere(const passing_slots& filter, double share) {
    const auto near =
      index_.graph->search(*index_.columns, scan_.target(), effort_of(first_look), scratch_);
    for (const graph_candidate& c : near.nearest)
      filter.prefetch(c.slot);
    const auto passing =
      std::count_if(near.nearest.begin(), near.nearest.end(),
                    [&](const graph_candidate& c) { return filter.passes(c.slot); });
    return 4.0 * static_cast<double>(passing) < share * static_cast<double>(near.nearest.size());
  }
  /// Looks at so many of the nearest that the graph finds, whether they pass or not.
  viewed by_view(double view) {
    const graph_effort effort = effort_of(view);
    const auto near = index_.graph->search(*index_.columns, scan_.target(), effort, scratch_);
    // Slots that rank below all in view are none of the best, if these are enough.
    const bool all_in_view =
      near.complete && !near.nearest.empty() && near.nearest.size() == effort.breadth;
    look_at_found(near.nearest, all_in_view ? static_cast<double>(near.nearest.back().score)
                                            : -std::numeric_limits<double>::infinity());
    viewed v{near.complete && run_.best.full(), static_cast<double>(run_.best.size())};
    if (v.enough && !run_.filter.passes_all()) {
      const double worst = run_.best.worst_rank();
      const auto beyond =
        std::partition_point(near.nearest.begin(), near.nearest.end(),
                             [&](const auto& c) { return static_cast<double>(c.score) >= worst; });
      const auto before = static_cast<std::size_t>(beyond - near.nearest.begin());
      v.enough = view_per_worst * before <= near.nearest.size();
      v.passing *= static_cast<double>(near.nearest.size())
                   / static_cast<double>(std::max<std::size_t>(1, before));
    }
    v.enough = v.enough || run_.watch.passed();
    if (!v.enough)
      (void) run_.best.take();
    return v;
  }
  /// Looks at what ways among those that pass lead to, from some of them.
  bool by_ways_among(const passing_slots& filter, std::span<const std::uint32_t> from,
                     double breadth) {
    const graph_effort effort = effort_of(breadth);
    const auto near =
      index_.graph->search_among(*index_.columns, scan_.target(), effort, filter, from, scratch_);
    if (near.complete && 2 * near.nearest.size() >= effort.breadth) { // else ways ended early
      look_at_found(near.nearest);
      if (run_.best.full() || run_.watch.passed())
        return true;
    }
    (void) run_.best.take();
    return false;
  }
  [[nodiscard]] graph_effort effort_of(double breadth) const noexcept {
    breadth = std::min(breadth, static_cast<double>(index_.graph->slots()));
    return {.breadth = static_cast<std::size_t>(breadth),
            .visits_max = static_cast<std::size_t>(visits_factor * breadth)};
  }
  /// And at what changed since, and at slots that the graph does not have; at those of a lower rank
  /// maybe not.
  void look_at_found(std::span<const graph_candidate> found,
                     double rank = -std::numeric_limits<double>::infinity()) {
    const vector_columns& columns = *index_.columns;
    std::vector<std::uint32_t> slots;
    slots.reserve(found.size());
    for (const graph_candidate& c : found)
      slots.push_back(c.slot);
    if (!run_.filter.ids || run_.passing().named()) {
      run_.look_at_vectors(run_.changed);
      scan_.look_at_slots(slots);
      scan_.look_at_all(index_.graph->slots());
      return;
    }
    // Which of these few the list has, not what all of the list are.
    scan_.add_slots_of_rank(index_.graph->slots(), rank, slots);
    std::vector<std::uint32_t> named;
    for (const std::uint32_t slot : slots)
      if (columns.is_current(run_.s, slot))
        named.push_back(columns.owner(slot));
    run_.keep_named(named);
    std::sort(named.begin(), named.end());
    std::erase_if(slots, [&](std::uint32_t slot) {
      return !std::binary_search(named.begin(), named.end(), columns.owner(slot));
    });
    run_.keep_named(run_.changed);
    run_.look_at_vectors(run_.changed);
    scan_.look_at_slots(slots);
  }

  nearest_run& run_;
  const vector_index& index_;
  vector_scan& scan_;
  graph_scratch scratch_;
};

} // namespace

bool look_by_graph(nearest_run& run, const vector_index& index, vector_scan& scan,
                   double passing_max, double scan_cost) {
  return graph_search(run, index, scan).look(passing_max, scan_cost);
}

} // namespace cmem
