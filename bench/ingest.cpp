#include "bench/benches.hpp"
#include "bench/workbench.hpp"
#include "tools/mutable_graph.hpp"

#include <algorithm>

namespace cmem::bench {
namespace {

constexpr std::size_t batch_entries = 10'000;
constexpr std::size_t slice_batches = 10;

struct rates {
  double all = 0;
  double last_tenth = 0;
};

/// Seconds and associations of calm slices.
struct tally {
  double seconds = 0;
  double associations = 0;
  [[nodiscard]] double rate() const { return seconds == 0 ? 0 : associations / seconds; }
};

struct round_result {
  rates ours;
  rates map;
};

/// Builds both graphs side by side, slice by slice. A slice in which the thread was preempted
/// cannot be repeated, so it is left out of the figures of its side.
round_result build(std::uint32_t concepts, const std::vector<edge_pair>& edges, outcome& o) {
  const auto memory = make_engine({.merge_threads = 1});
  learn_concepts(*memory, concepts, 0);
  tools::mutable_graph map(concepts);
  std::vector<concept_id> ids(concepts);
  for (std::uint32_t i = 0; i < concepts; ++i) {
    ids[i] = id_of(i);
    (void) map.apply(op::learn_concept{.id = ids[i]}, 1);
  }
  tally ours[2];
  tally theirs[2];
  preemption_watch watch;
  const std::size_t slice = batch_entries * slice_batches;
  for (std::size_t first = 0; first < edges.size(); first += slice) {
    const std::size_t end = std::min(edges.size(), first + slice);
    const bool last = first >= edges.size() / 10 * 9;
    double seconds = 0;
    watch.start();
    for (std::size_t at = first; at < end; at += batch_entries) {
      const std::size_t stop = std::min(end, at + batch_entries);
      for (std::size_t i = at; i < stop; ++i)
        (void) or_throw(memory->write(op::learn_association{
          .source = ids[edges[i].source], .target = ids[edges[i].target], .confidence = 0.5F}));
      stopwatch clock;
      (void) memory->reconcile();
      seconds += clock.seconds();
    }
    const auto count = [&](tally(&side)[2], double s) {
      if (watch.disturbed()) {
        ++o.repeats;
        return;
      }
      for (int k = 0; k <= (last ? 1 : 0); ++k) {
        side[k].seconds += s;
        side[k].associations += static_cast<double>(end - first);
      }
    };
    count(ours, seconds);
    watch.start();
    stopwatch clock;
    for (std::size_t i = first; i < end; ++i)
      (void) map.apply(op::learn_association{.source = ids[edges[i].source],
                                             .target = ids[edges[i].target],
                                             .confidence = 0.5F},
                       1);
    count(theirs, clock.seconds());
  }
  if (memory->load()->edge_count() != map.association_count())
    throw std::logic_error("the memory and the mutable map hold different numbers of associations");
  return {{ours[0].rate(), ours[1].rate()}, {theirs[0].rate(), theirs[1].rate()}};
}

void measure(const std::string& name, std::uint32_t concepts, const std::vector<edge_pair>& edges,
             double bar, outcome& o) {
  std::vector<double> ours;
  std::vector<double> last;
  std::vector<double> map;
  for (int round = 0; round < 5; ++round) {
    const round_result r = build(concepts, edges, o);
    ours.push_back(r.ours.all);
    last.push_back(r.ours.last_tenth);
    map.push_back(r.map.all);
  }
  constexpr auto unit = "associations/s";
  o.rows.push_back({name, median(ours), unit, "mutable map, vector edges, same duplicate check",
                    median(map), ratio_at_least(1)});
  o.rows.push_back({name + ", rate", median(ours), unit, "", 0, at_least(bar)});
  o.rows.push_back({name + ", its last tenth", median(last), unit, "", 0, at_least(bar)});
}

} // namespace

outcome ingest(const options& options) {
  outcome o;
  const auto n = static_cast<std::uint32_t>(options.scaled(1'000'000));
  measure("1M x 8 random", n, random_edges(n, std::size_t{n} * 8, 11), 1.5e6, o);
  const unsigned scale = rmat_scale(options);
  measure(rmat_name(scale), 1U << scale, rmat_edges(scale, std::size_t{16} << scale, 12), 1.0e6, o);
  o.notes = {"reconcile() on batches of 10,000: drain, duplicate check, both directions, kind, "
             "confidence, weight, times, "
             "publish, free; writing to the log is not counted; by one thread, `merge2` shows two",
             "windows are slices of 100,000 associations; a preempted one cannot be repeated and "
             "is left out"};
  return o;
}

} // namespace cmem::bench
