// Hops from one concept to all others, beside a plain search on static arrays.

#include "bench/benches.hpp"
#include "bench/csr_graph.hpp"
#include "bench/paced_writer.hpp"
#include "bench/scratch_directory.hpp"
#include "bench/stored_graph.hpp"
#include "bench/traversed_graphs.hpp"
#include "storage/breadth_first.hpp"

#include <algorithm>
#include <array>

namespace cmem::bench {
namespace {

constexpr std::size_t searches = 16; // a window, each from a concept of its own

/// The direction-optimizing search of the GAP benchmark suite (Beamer et al. 2015), one thread,
/// with levels for parents.
class csr_search {
public:
  explicit csr_search(const csr_graph& g)
    : g_(g),
      hops_(g.index_count()),
      queue_(g.index_count()),
      front_((g.index_count() + 63) / 64),
      next_(front_.size()) {}

  const huge_vector<std::uint32_t>& run(std::uint32_t seed) {
    std::fill(hops_.begin(), hops_.end(), hops_unreached);
    hops_[seed] = 0;
    queue_[0] = seed;
    std::size_t first = 0;
    std::size_t last = 1;
    std::uint64_t left = g_.edge_count();
    std::uint64_t scout = g_.out(seed).size();
    for (std::uint32_t level = 1; first != last; ++level) {
      if (scout > left / 15) {
        std::fill(front_.begin(), front_.end(), 0);
        for (; first != last; ++first)
          front_[queue_[first] / 64] |= bit(queue_[first]);
        std::uint64_t awake = last;
        std::uint64_t before = 0;
        do {
          before = awake;
          awake = bottom_up(level++);
          std::swap(front_, next_);
        } while (awake >= before || awake > g_.index_count() / 18);
        --level;
        first = last = 0;
        for (std::uint32_t i = 0; i < g_.index_count(); ++i)
          if ((front_[i / 64] & bit(i)) != 0)
            queue_[last++] = i;
        scout = 1;
      } else {
        left -= scout;
        scout = 0;
        for (const std::size_t end = last; first != end; ++first)
          for (const std::uint32_t t : g_.out(queue_[first]))
            if (hops_[t] == hops_unreached) {
              hops_[t] = level;
              queue_[last++] = t;
              scout += g_.out(t).size();
            }
      }
    }
    return hops_;
  }

private:
  static std::uint64_t bit(std::uint32_t i) noexcept { return std::uint64_t{1} << (i % 64); }
  std::uint64_t bottom_up(std::uint32_t level) {
    std::uint64_t awake = 0;
    std::fill(next_.begin(), next_.end(), 0);
    for (std::uint32_t i = 0; i < g_.index_count(); ++i)
      if (hops_[i] == hops_unreached)
        for (const std::uint32_t t : g_.in(i))
          if ((front_[t / 64] & bit(t)) != 0) {
            hops_[i] = level;
            next_[i / 64] |= bit(i);
            ++awake;
            break;
          }
    return awake;
  }

  const csr_graph& g_;
  huge_vector<std::uint32_t> hops_;
  huge_vector<std::uint32_t> queue_;
  huge_vector<std::uint64_t> front_;
  huge_vector<std::uint64_t> next_;
};

/// Concepts with outgoing associations, of which a search sees more than themselves.
std::vector<concept_id> draw_seeds(const graph_snapshot& s, std::size_t n) {
  tools::random_numbers random(33);
  std::vector<concept_id> seeds;
  while (seeds.size() < n) {
    const auto i = static_cast<std::uint32_t>(random.below(s.index_count()));
    if (s.is_learned(i) && s.out(i).size() > 0)
      seeds.push_back(s.node(i).id);
  }
  return seeds;
}

constexpr auto baseline_name = "direction-optimizing search on static arrays";

/// Milliseconds a search, of searches on a snapshot that is got by get(). Throws where the hops are
/// not those of the arrays.
struct contest {
  const csr_graph& arrays;
  const graph_snapshot& frozen; ///< that the arrays were made of
  std::vector<concept_id> seeds;

  double search_arrays(csr_search& search) const {
    stopwatch watch;
    for (const concept_id& id : seeds)
      (void) search.run(*frozen.index_of(id));
    return watch.seconds() * 1e3 / static_cast<double>(seeds.size());
  }
  template <class Get>
  double search_snapshot(Get&& get, breadth_first_scratch& scratch, unsigned cores = 1) const {
    stopwatch watch;
    for (const concept_id& id : seeds) {
      const auto s = get();
      (void) or_throw(breadth_first(*s, std::span(&id, 1), {.cores = cores}, scratch));
    }
    return watch.seconds() * 1e3 / static_cast<double>(seeds.size());
  }
  void verify(csr_search& search, breadth_first_scratch& scratch) const {
    for (const concept_id& id : seeds) {
      const auto& expected = search.run(*frozen.index_of(id));
      const auto a = or_throw(breadth_first(frozen, std::span(&id, 1), {}, scratch));
      if (!std::equal(expected.begin(), expected.end(), a.hops.begin(), a.hops.end()))
        throw std::logic_error("the memory and the arrays disagree about hops");
    }
  }
};

/// Slowest but 1 % of searches over the whole graph that may take 1 ms.
void add_deadline(const std::string& name, const contest& c, outcome& o) {
  breadth_first_scratch scratch;
  constexpr std::size_t asked = 1000;
  std::uint64_t partial = 0;
  const double p99 = median_of(
    [&] {
      std::vector<double> ms;
      partial = 0;
      for (std::size_t i = 0; i < asked; ++i) {
        breadth_first_query q;
        stopwatch watch;
        q.limits = traversal_limits::within(std::chrono::milliseconds(1));
        const auto a =
          or_throw(breadth_first(c.frozen, std::span(&c.seeds[i % c.seeds.size()], 1), q, scratch));
        ms.push_back(watch.seconds() * 1e3);
        partial += a.end == traversal_end::deadline ? 1 : 0;
      }
      std::sort(ms.begin(), ms.end());
      return ms[asked * 99 / 100];
    },
    o);
  o.rows.push_back({name + ": p99 with a deadline of 1 ms", p99, "ms", "", 0, at_most(3)});
  o.rows.push_back(
    {name + ": partial answers of those", 100.0 * static_cast<double>(partial) / asked, "%"});
}

void measure_live(const traversed_graph& g, outcome& o) {
  const core_pin others(0); // the memory's threads inherit it
  const auto memory = or_throw(concurrent_memory::open(graph_settings("")));
  g.learn(*memory);
  const auto frozen = memory->share();
  const csr_graph arrays(*frozen);
  const contest c{arrays, *frozen, draw_seeds(*frozen, searches)};
  csr_search plain(arrays);
  breadth_first_scratch scratch;
  c.verify(plain, scratch);
  const auto newest = [&] { return memory->snapshot(); };
  breadth_first_scratch two;
  (void) c.search_snapshot(newest, two, 2); // starts its helper, beside the memory's threads
  const core_pin reader(1);
  const auto arrays_window = [&] { return c.search_arrays(plain); };
  const comparison calm_ms =
    compare([&] { return c.search_snapshot(newest, scratch); }, arrays_window, o);
  o.rows.push_back({g.name + ": as learned", calm_ms.subject, "ms", baseline_name, calm_ms.baseline,
                    ratio_at_most(1.25)});
  add_deadline(g.name, c, o);
  const comparison both =
    compare([&] { return c.search_snapshot(newest, two, 2); }, arrays_window, o);
  o.rows.push_back({g.name + ": as learned, 2 cores", both.subject, "ms", baseline_name,
                    both.baseline, std::nullopt});
  // Known associations and new ones, alternately.
  tools::random_numbers random(8);
  const paced_writer writer(100'000, 0, [&](std::uint64_t i) {
    const auto& e = g.edges[random.below(g.edges.size())];
    const auto& f = g.edges[random.below(g.edges.size())];
    (void) memory->write(op::learn_association{.source = g.id(e.source),
                                               .target = g.id(i % 2 == 0 ? e.target : f.target),
                                               .confidence = 0.25F});
  });
  const comparison busy =
    compare([&] { return c.search_snapshot(newest, scratch); }, arrays_window, o);
  o.rows.push_back({g.name + ": live, 100,000 associations/s written", busy.subject, "ms",
                    baseline_name, busy.baseline, ratio_at_most(1.25)});
}

void measure_settled(const traversed_graph& g, const options& options, outcome& o) {
  const scratch_directory scratch_dir(options);
  const std::string directory = scratch_dir.at("store");
  {
    const auto memory = or_throw(concurrent_memory::open(graph_settings(directory)));
    g.learn(*memory);
    if (const auto done = memory->compact(); !done)
      throw std::runtime_error(to_string(done.error()));
    (void) memory->close();
  }
  const core_pin others(0);
  const auto memory = or_throw(concurrent_memory::open(graph_settings(directory)));
  const auto frozen = memory->share();
  const csr_graph arrays(*frozen);
  const core_pin reader(1);
  const contest c{arrays, *frozen, draw_seeds(*frozen, searches)};
  csr_search plain(arrays);
  breadth_first_scratch scratch;
  c.verify(plain, scratch);
  const comparison ms =
    compare([&] { return c.search_snapshot([&] { return memory->snapshot(); }, scratch); },
            [&] { return c.search_arrays(plain); }, o);
  o.rows.push_back(
    {g.name + ": settled", ms.subject, "ms", baseline_name, ms.baseline, ratio_at_most(1.05)});
}

} // namespace

outcome bfs(const options& options) {
  outcome o;
  for (const auto make : {rmat_graph, wordnet_graph}) {
    const traversed_graph g = make(options);
    measure_live(g, o);
    measure_settled(g, options, o);
  }
  o.notes = {
    "hops from each of 16 random concepts to all others; mean of them, median of 5 windows",
    "as learned: in batches as the reconciler took them; settled: flushed, compacted, "
    "closed and opened again",
    "the baseline is GAP's direction-optimizing search on 32-bit compressed sparse rows of "
    "the same snapshot, in the same order, in huge pages as the memory is; it does not prefetch"};
  return o;
}

} // namespace cmem::bench
