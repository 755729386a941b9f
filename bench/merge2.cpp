#include "bench/benches.hpp"
#include "bench/workbench.hpp"
#include "storage/entry_maker.hpp"

#include <array>
#include <string>

namespace cmem::bench {
namespace {

constexpr std::size_t large_batch = 1'000'000;
constexpr std::size_t usual_batch = 10'000; // config's max_batch_size
constexpr std::size_t small_batch = 2'000;

/// A builder that merges batches of a list of associations; the log is left out.
class merging {
public:
  merging(std::uint32_t concepts, std::uint32_t threads, std::size_t parallel_min) {
    graph_builder_options o;
    o.merge_threads = threads;
    o.parallel_entries_min = parallel_min;
    builder_ = std::make_unique<graph_builder>(pages_, payloads_, std::move(o), settled_.publish());
    for (std::uint32_t i = 0; i < concepts; ++i) {
      add(op::learn_concept{.id = id_of(i)});
      if (entries_.size() == usual_batch || i + 1 == concepts)
        (void) merge();
    }
  }

  void add(const write_op& o) {
    const handle h = make_entry(payloads_, o, {++number_, 0, 1});
    if (h == 0)
      throw std::runtime_error("the arena is used up");
    entries_.push_back(h);
  }
  /// Merges and publishes what was added; seconds of the merge. Then frees and provides for the
  /// next one, as an engine does between publishes.
  double merge() {
    stopwatch watch;
    builder_->merge(entries_, [](const write_entry&, errc why) {
      throw std::logic_error("a benchmark's entry failed: " + std::string(to_string(why)));
    });
    const double seconds = watch.seconds();
    (void) builder_->publish(number_, 1, settled_.publish());
    builder_->reclaim(std::vector<bool>(builder_->live().size(), false));
    {
      payload_pool::returns back(payloads_);
      for (const handle h : entries_)
        back.add(h);
    }
    entries_.clear();
    payloads_.provision();
    builder_->provision();
    return seconds;
  }
  [[nodiscard]] const graph_snapshot& newest() const noexcept { return builder_->newest(); }

private:
  arena memory_;
  payload_pool payloads_{memory_};
  page_pool pages_{memory_};
  settlement_log settled_{16, 1};
  std::unique_ptr<graph_builder> builder_;
  std::vector<handle> entries_;
  std::uint64_t number_ = 0;
};

/// Of all lists, in storage order, with their properties.
std::uint64_t digest(const graph_snapshot& s) {
  std::uint64_t h = s.edge_count();
  const auto mix = [&h](std::uint64_t v) { h = (h ^ v) * 0x9E37'79B9'7F4A'7C15ULL + (h >> 29); };
  const auto add = [&](const adjacency_list& list) {
    list.for_each_chunk([&](const adjacency_chunk& c) {
      for (std::size_t k = 0; k < c.targets.size(); ++k) {
        mix(c.targets[k]);
        mix(c.kind[k]);
        mix(static_cast<std::uint64_t>(c.confidence[k] * 1'000));
      }
    });
    mix(list.size());
  };
  for (std::uint32_t i = 0; i < s.index_count(); ++i) {
    add(s.out(i));
    add(s.in(i));
  }
  return h;
}

/// Two builders, fed alike, batch by batch in turns. Rates of all batches.
std::array<double, 2> rates(std::uint32_t concepts, const std::vector<edge_pair>& edges,
                            std::size_t batch, std::size_t parallel_min,
                            std::array<std::uint32_t, 2> threads, outcome& o) {
  std::array<std::unique_ptr<merging>, 2> sides;
  for (std::size_t side = 0; side < 2; ++side)
    sides[side] = std::make_unique<merging>(concepts, threads[side], parallel_min);
  std::array<double, 2> seconds{};
  preemption_watch watch;
  for (std::size_t first = 0; first < edges.size(); first += batch) {
    const std::size_t end = std::min(edges.size(), first + batch);
    for (std::size_t turn = 0; turn < 2; ++turn) {
      const std::size_t side = (turn + first / batch) % 2;
      for (std::size_t i = first; i < end; ++i)
        sides[side]->add(op::learn_association{
          .source = id_of(edges[i].source), .target = id_of(edges[i].target), .confidence = 0.5F});
      watch.start();
      seconds[side] += sides[side]->merge();
      o.disturbed += watch.disturbed() ? 1U : 0U;
    }
  }
  if (digest(sides[0]->newest()) != digest(sides[1]->newest()))
    throw std::logic_error("two threads made another graph than one");
  return {static_cast<double>(edges.size()) / seconds[0],
          static_cast<double>(edges.size()) / seconds[1]};
}

void measure(const std::string& name, std::uint32_t concepts, const std::vector<edge_pair>& edges,
             double scale, outcome& o) {
  const std::size_t parallel_min = graph_builder_options{}.parallel_entries_min;
  const auto batch = static_cast<std::size_t>(static_cast<double>(large_batch) * scale);
  const auto large =
    rates(concepts, edges, std::max<std::size_t>(batch, 1), parallel_min, {1, 2}, o);
  o.rows.push_back({name + ", batches of 1,000,000", large[1], "associations/s", "one thread",
                    large[0], ratio_at_least(1.5)});
  const auto usual = rates(concepts, edges, usual_batch, parallel_min, {1, 2}, o);
  o.rows.push_back({name + ", batches of 10,000", usual[1], "associations/s", "one thread",
                    usual[0], ratio_at_least(1.25)});
  const auto small = rates(concepts, edges, small_batch, parallel_min, {1, 2}, o);
  o.rows.push_back({name + ", batches of 2,000", small[1], "associations/s", "one thread", small[0],
                    ratio_at_least(0.98)});
}

} // namespace

outcome merge2(const options& options) {
  outcome o;
  const auto n = static_cast<std::uint32_t>(options.scaled(1'000'000));
  measure("1M x 8 random", n, random_edges(n, std::size_t{n} * 8, 11), options.scale, o);
  const unsigned scale = rmat_scale(options);
  measure(rmat_name(scale), 1U << scale, rmat_edges(scale, std::size_t{16} << scale, 12),
          options.scale, o);
  o.notes = {"merge() alone, by two threads against one, batch by batch in turns; both graphs are "
             "compared, lists in their order included",
             "batches of 2,000 are below the limit: one thread merges them either way"};
  return o;
}

} // namespace cmem::bench
