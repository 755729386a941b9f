#include "storage/nearest.hpp"

#include "storage/nearest_graph.hpp"
#include "storage/nearest_run.hpp"
#include "storage/vector_scan.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>

namespace cmem {

namespace {

/// One query. Threads: one.
class nearest_search {
public:
  nearest_search(nearest_run& run, const nearest_sources& sources) noexcept
    : run_(run), sources_(sources) {}

  nearest_answer answer() {
    if (run_.query.k > 0 && !run_.watch.passed(0)) {
      if (sources_.index == nullptr)
        without_index();
      else
        with_index(*sources_.index);
    }
    return {run_.best.take(),
            run_.watch.passed() ? traversal_end::deadline : traversal_end::complete};
  }

private:
  void without_index() {
    run_.find_named();
    if (run_.passing().named()) {
      run_.look_at_vectors(*run_.passing().named());
    } else if (!run_.filter.attributes.empty() && sources_.with_attributes) {
      run_.look_at_vectors(ascending(*sources_.with_attributes));
    } else {
      for (std::uint32_t i = 0; i < run_.s.index_count(); ++i)
        if (!run_.look_at_vector(i))
          return;
    }
  }

  void with_index(const vector_index& index) {
    const vector_columns& columns = *index.columns;
    run_.changed = ascending(sources_.changed);
    // What changed but for its vector is found by its slot, as all else is.
    std::erase_if(run_.changed, [&](std::uint32_t i) {
      const std::uint32_t slot = columns.slot_of(i);
      return slot != vector_columns::slot_none && columns.is_current(run_.s, slot);
    });
    const bool all = run_.filter.passes_all();
    vector_scan scan(run_.s, columns, run_.scorer, all ? nullptr : &run_.passing(),
                     run_.filter.confidence_min, run_.best, run_.watch);
    const cheapest_scan best = cheapest(scan, columns.slots());
    if (!look_by_graph(run_, index, scan, passing_max(), best.cost))
      by_scan(scan, best.way);
  }

  /// How all that may be among the nearest are looked at, and what that costs.
  enum class scan_way : std::uint8_t { all, confident, named, with_attributes };
  struct cheapest_scan {
    scan_way way = scan_way::all;
    double cost = 0.0;
  };
  [[nodiscard]] cheapest_scan cheapest(const vector_scan& scan, double slots) const {
    const double ids = run_.ids_to_find();
    cheapest_scan best{scan_way::all, slots + slots_per_id * ids};
    const auto offer = [&best](scan_way way, double cost) {
      if (cost <= best.cost)
        best = {way, cost};
    };
    if (run_.filter.confidence_min > 0.0F)
      offer(scan_way::confident, slots_per_confidence * slots
                                   + slots_per_lookup * scan.confident_slots()
                                   + slots_per_id * ids);
    if (run_.filter.ids) {
      const double named =
        run_.passing().named() ? static_cast<double>(run_.passing().named()->size()) : ids;
      offer(scan_way::named, slots_per_lookup * named + slots_per_id * ids);
    }
    if (!run_.filter.attributes.empty() && sources_.with_attributes)
      offer(scan_way::with_attributes,
            slots_per_lookup * static_cast<double>(sources_.with_attributes->size())
              + slots_per_listed * ids);
    return best;
  }
  /// No more than so many pass.
  [[nodiscard]] double passing_max() const noexcept {
    auto most = static_cast<double>(run_.s.concept_count());
    if (run_.filter.ids)
      most =
        std::min(most, run_.passing().named() ? static_cast<double>(run_.passing().named()->size())
                                              : run_.ids_to_find());
    if (!run_.filter.attributes.empty() && sources_.with_attributes)
      most = std::min(most, static_cast<double>(sources_.with_attributes->size()));
    return most;
  }
  void by_scan(vector_scan& scan, scan_way way) {
    if (way == scan_way::with_attributes) {
      std::vector<std::uint32_t> some = ascending(*sources_.with_attributes);
      run_.keep_named(some);
      run_.keep_named(run_.changed);
      run_.look_at_vectors(run_.changed);
      asked() > 1 ? scan.look_at_best_first(some) : scan.look_at(some);
      return;
    }
    run_.find_named();
    run_.look_at_vectors(run_.changed);
    switch (way) {
      case scan_way::named:
        asked() > 1 ? scan.look_at_best_first(*run_.passing().named())
                    : scan.look_at(*run_.passing().named());
        break;
      case scan_way::confident:
        asked() > 1 ? scan.look_at_confident_best_first() : scan.look_at_confident();
        break;
      default:
        asked() > (run_.filter.confidence_min > 0.0F ? 1 : 0) ? scan.look_at_all_best_first()
                                                              : scan.look_at_all();
    }
  }
  /// Conditions that a concept must meet. Where one of them names who is looked at, and no other
  /// is asked, most pass; else the best come first, so that few are asked.
  [[nodiscard]] int asked() const noexcept {
    const concept_filter& f = run_.filter;
    return static_cast<int>(std::min<std::size_t>(2, f.attributes.size()))
           + (f.strength_min > 0.0F ? 1 : 0) + (f.ids ? 1 : 0) + (f.confidence_min > 0.0F ? 1 : 0);
  }

  /// Those that the snapshot has.
  [[nodiscard]] std::vector<std::uint32_t> ascending(std::span<const std::uint32_t> some) const {
    std::vector<std::uint32_t> all;
    all.reserve(some.size());
    std::copy_if(some.begin(), some.end(), std::back_inserter(all),
                 [this](std::uint32_t i) { return i < run_.s.index_count(); });
    if (!std::is_sorted(all.begin(), all.end()))
      std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
  }

  nearest_run& run_;
  const nearest_sources& sources_;
};

} // namespace

result<nearest_answer> nearest(const graph_snapshot& s, const nearest_sources& sources,
                               const nearest_query& query, search_clock clock) {
  if (const auto good = check(filter_of(query)); !good)
    return good.error();
  const auto scorer = vector_scorer::make(s, query.vector, query.metric);
  if (!scorer)
    return scorer.error();
  assert(query.ready == nullptr || &query.ready->snapshot() == &s);
  nearest_run run(s, query, *scorer, clock);
  return nearest_search(run, sources).answer();
}

} // namespace cmem
