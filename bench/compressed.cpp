#include "bench/benches.hpp"
#include "bench/workbench.hpp"
#include "storage/breadth_first.hpp"

#include <algorithm>
#include <bit>

namespace cmem::bench {
namespace {

/// What associations are told, beside who is associated with whom.
enum class properties : std::uint8_t {
  same,       ///< all of one kind, confidence and weight, as in the other benchmarks
  hundredths, ///< confidences of two decimals, five kinds
  any         ///< random floats, five kinds
};

struct rmat_memory {
  std::unique_ptr<timestamp_us> now; // its clock's, so it goes last
  std::unique_ptr<engine> memory;
  snapshot_handle snapshot;
};

/// An engine that has learned it and, if it packs, has come to rest.
rmat_memory learn_rmat(unsigned scale, properties p, bool packed) {
  auto now = std::make_unique<timestamp_us>(0);
  engine_options settings;
  settings.association_times = false;
  settings.pack_associations = packed;
  settings.clock = [at = now.get()] { return *at; };
  rmat_memory m{std::move(now), make_engine(settings), {}};
  const auto edges = rmat_edges(scale, std::size_t{16} << scale, 12);
  learn_concepts(*m.memory, std::uint64_t{1} << scale, 0);
  tools::random_numbers random(3);
  for (std::size_t i = 0; i < edges.size(); ++i) {
    op::learn_association a{
      .source = id_of(edges[i].source), .target = id_of(edges[i].target), .confidence = 0.5F};
    if (p == properties::hundredths)
      a.confidence = static_cast<float>(random.below(101)) / 100;
    if (p == properties::any) {
      a.confidence = random.unit();
      a.weight = 3 * random.unit();
    }
    if (p != properties::same)
      a.kind = static_cast<kind_id>(random.below(5));
    (void) or_throw(m.memory->write(a));
    if (i % 10'000 == 9'999 || i + 1 == edges.size())
      (void) m.memory->reconcile();
  }
  for (int second = 0; second < 4; ++second) { // until nothing is left that could be packed
    *m.now += 1'000'000;
    while (m.memory->reconcile().more_pending) {}
  }
  m.snapshot = m.memory->share();
  return m;
}

/// Of everything that is stored of associations, in whatever order they lie.
std::uint64_t sum_of(const graph_snapshot& s) {
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i != s.index_count(); ++i)
    for (const bool outgoing : {true, false})
      (outgoing ? s.out(i) : s.in(i)).for_each_chunk([&](const adjacency_chunk& c) {
        for (std::size_t k = 0; k != c.targets.size(); ++k) {
          const std::uint32_t from = outgoing ? i : c.targets[k];
          const std::uint32_t to = outgoing ? c.targets[k] : i;
          tools::random_numbers mix(std::uint64_t{from} << 32 | to);
          tools::random_numbers more(mix.next() + std::bit_cast<std::uint32_t>(c.confidence[k]));
          tools::random_numbers most(more.next() + std::bit_cast<std::uint32_t>(c.weight[k]));
          sum += most.next() * (2U * c.kind[k] + 1) + (outgoing ? 1 : 2);
        }
      });
  return sum;
}

/// Milliseconds of a full search, the mean of 8 sources.
double search_ms(const graph_snapshot& s, breadth_first_scratch& scratch, std::uint64_t& reached) {
  tools::random_numbers random(9);
  reached = 0;
  double seconds = 0;
  for (int sources = 0; sources != 8;) {
    const auto i = static_cast<std::uint32_t>(random.below(s.index_count()));
    if (s.out(i).size() == 0)
      continue;
    const stopwatch clock;
    reached += breadth_first(s, std::span(&i, 1), {}, scratch).visited;
    seconds += clock.seconds();
    ++sources;
  }
  return seconds * 1e3 / 8;
}

/// Every property of every incoming association, in milliseconds.
double read_ms(const graph_snapshot& s) {
  stopwatch clock;
  double sum = 0;
  for (std::uint32_t i = 0; i != s.index_count(); ++i)
    s.in(i).for_each_chunk([&](const adjacency_chunk& c) {
      for (std::size_t k = 0; k != c.targets.size(); ++k)
        sum += c.kind[k] == 0 ? static_cast<double>(c.confidence[k] * c.weight[k]) : 0;
    });
  const double ms = clock.seconds() * 1e3;
  return sum >= 0 ? ms : 0;
}

/// What the lists would take if each had exactly the room it needs, as an opened store's have.
std::uint64_t tight_bytes(const graph_snapshot& s) {
  std::uint64_t sum = 0;
  const auto units = [](std::uint64_t bytes) { return (bytes + 15) / 16 * 16; };
  for (std::uint32_t i = 0; i != s.index_count(); ++i)
    for (std::uint64_t n : {s.out(i).size(), s.in(i).size()}) {
      sum += sizeof(adjacency_ref);
      for (; n > 0; n -= std::min<std::uint64_t>(n, chunk_size)) {
        const auto here = std::min<std::uint32_t>(static_cast<std::uint32_t>(n), chunk_size);
        sum += units(sizeof(adjacency_leaf) + 4 * std::uint64_t{here})
               + units(property_layout::of(here, false).bytes);
      }
    }
  return sum;
}

double bytes_each(const rmat_memory& m) {
  return static_cast<double>(m.memory->stats().memory.adjacency)
         / static_cast<double>(m.snapshot->edge_count());
}

void measure(const std::string& name, unsigned scale, properties p, outcome& o) {
  const rmat_memory plain = learn_rmat(scale, p, false);
  const rmat_memory packed = learn_rmat(scale, p, true);
  const graph_snapshot& a = *plain.snapshot;
  const graph_snapshot& b = *packed.snapshot;
  if (a.edge_count() != b.edge_count() || sum_of(a) != sum_of(b))
    throw std::logic_error("what was packed is not what was learned");
  const bool bars = p == properties::same;
  constexpr auto bytes = "bytes/association";
  const auto edges = static_cast<double>(a.edge_count());
  const auto bar = [bars](target t) { return bars ? std::optional(t) : std::nullopt; };
  o.rows.push_back({name + ": adjacency", bytes_each(packed), bytes, "plain, as it was learned",
                    bytes_each(plain), bar(ratio_at_most(0.5))});
  o.rows.push_back({name + ": adjacency, beside tight lists", bytes_each(packed), bytes,
                    "plain, each list with just the room it needs",
                    static_cast<double>(tight_bytes(a)) / edges, bar(ratio_at_most(0.5))});
  if (bars)
    o.rows.push_back({name + ": bytes", bytes_each(packed), bytes, "", 0, at_most(16)});
  std::uint64_t reached[2] = {};
  breadth_first_scratch scratch;
  const comparison search = compare([&] { return search_ms(b, scratch, reached[0]); },
                                    [&] { return search_ms(a, scratch, reached[1]); }, o);
  if (reached[0] != reached[1])
    throw std::logic_error("searches of equal graphs reach different numbers of concepts");
  o.rows.push_back({name + ": full BFS", search.subject, "ms", "the same on the plain snapshot",
                    search.baseline, bar(ratio_at_most(1.3))});
  const comparison read = compare([&] { return read_ms(b); }, [&] { return read_ms(a); }, o);
  o.rows.push_back({name + ": all incoming, with properties", read.subject, "ms",
                    "the same on the plain snapshot", read.baseline});
}

} // namespace

outcome compressed(const options& options) {
  outcome o;
  const unsigned large = rmat_scale(options);
  const unsigned small = rmat_scale(options, 17);
  measure(rmat_name(large), large, properties::same, o);
  options.on_progress("compressed: other properties");
  measure(rmat_name(small) + ", hundredths and 5 kinds", small, properties::hundredths, o);
  measure(rmat_name(small) + ", any floats and 5 kinds", small, properties::any, o);
  o.notes = {"memory_use::adjacency: both directions, kind, confidence, weight, no times, ways to "
             "the lists; packed in the background, after two seconds without a write",
             "with bars: all of one kind, confidence and weight, as in the other benchmarks; all "
             "came back bit for bit",
             "BFS: breadth_first() on one core, means of 8 sources"};
  return o;
}

} // namespace cmem::bench
