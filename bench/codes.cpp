// A store without original vectors: its size, and what is found in it.

#include "bench/benches.hpp"
#include "bench/scratch_directory.hpp"
#include "bench/stored_graph.hpp"
#include "bench/vector_memory.hpp"
#include "storage/manifest.hpp"
#include "storage/nearest.hpp"
#include "storage/segment_reader.hpp"

#include <algorithm>

namespace cmem::bench {
namespace {

constexpr std::size_t k = 10;

struct kept_vectors {
  std::uint64_t bytes = 0;       ///< of the sections, codebooks and heads of blocks included
  std::uint64_t store_bytes = 0; ///< of all segments
  double compact_seconds = 0;
  double open_seconds = 0;
  double query_microseconds = 0;
  std::vector<std::vector<concept_id>> found; ///< by query
};

kept_vectors keep(const std::string& directory, const vector_set& set, const vector_set& queries,
                  bool originals, std::uint32_t ratio, outcome& o) {
  kept_vectors kept;
  config c = graph_settings(directory);
  c.vector_dimension = set.dimension;
  c.index_vectors = false; // one is made below, when it is nobody's time
  c.keep_originals = originals;
  c.vector_code_ratio = ratio;
  {
    const auto memory = or_throw(concurrent_memory::open(c));
    ticket last;
    for (std::uint32_t i = 0; i < set.rows(); ++i)
      last = write_patiently(*memory, op::learn_concept{.id = id_of(i), .vector = set.row(i)});
    await_merged(*memory, last);
    (void) or_throw(memory->flush());
    const stopwatch watch;
    if (const auto done = memory->compact(); !done)
      throw std::runtime_error(to_string(done.error()));
    kept.compact_seconds = watch.seconds();
  }
  for (const segment_ref& s : or_throw(read_manifest(c.files, directory)).value.segments) {
    kept.store_bytes += s.bytes;
    kept.bytes +=
      or_throw(segment_reader::open(c.files, directory + "/" + segment_file_name(s.number)))
        .header()
        .at(segment_section::vectors)
        .bytes;
  }
  const stopwatch watch;
  const auto memory = or_throw(concurrent_memory::open(c));
  kept.open_seconds = watch.seconds();
  const auto snapshot = memory->share();
  vector_indexer indexer;
  const auto index = indexer.rebuild(*snapshot);
  const auto ask = [&](std::uint32_t query) {
    return or_throw(nearest(*snapshot, {.index = index.get()},
                            {.vector = queries.row(query), .k = k, .exact = true}))
      .found;
  };
  for (std::uint32_t q = 0; q < queries.rows(); ++q) {
    auto& best = kept.found.emplace_back();
    for (const similar_concept& found : ask(q))
      best.push_back(snapshot->at(found.index).id());
  }
  kept.query_microseconds = median_of(
    [&] {
      const std::uint32_t count = std::min(100U, queries.rows());
      const stopwatch one;
      for (std::uint32_t q = 0; q < count; ++q)
        (void) ask(q);
      return one.seconds() * 1e6 / count;
    },
    o);
  return kept;
}

double recall(const kept_vectors& truth, const kept_vectors& of) {
  std::size_t hits = 0;
  std::size_t all = 0;
  for (std::size_t q = 0; q < truth.found.size(); ++q)
    for (const concept_id& id : truth.found[q]) {
      ++all;
      hits += std::ranges::find(of.found[q], id) != of.found[q].end() ? 1U : 0U;
    }
  return static_cast<double>(hits) / static_cast<double>(all);
}

} // namespace

outcome codes(const options& options) {
  outcome o;
  vector_set set = load_vectors(options, options.scaled(400'000));
  const vector_set queries = take_queries(set, 1'000);
  const scratch_directory scratch(options);
  options.on_progress("codes: originals");
  const kept_vectors truth = keep(scratch.at("originals"), set, queries, true, 4, o);
  const auto as_double = [](std::uint64_t n) { return static_cast<double>(n); };
  for (const std::uint32_t ratio : {4U, 8U}) {
    const std::string name = std::to_string(ratio) + " x smaller: ";
    options.on_progress("codes: " + std::to_string(ratio) + " x smaller");
    const kept_vectors kept =
      keep(scratch.at(std::to_string(ratio)), set, queries, false, ratio, o);
    // A codebook weighs more in a small store.
    const bool large = set.rows() >= 300'000 && set.dimension <= 256;
    o.rows.push_back({name + "vectors on the disk", as_double(kept.bytes), "bytes", "originals",
                      as_double(truth.bytes),
                      large ? std::optional(ratio_at_most(1.0 / ratio)) : std::nullopt});
    o.rows.push_back({name + "all segments", as_double(kept.store_bytes), "bytes", "originals",
                      as_double(truth.store_bytes)});
    o.rows.push_back({name + "recall@10", recall(truth, kept), ""});
    o.rows.push_back({name + "query, exact", kept.query_microseconds, "us", "originals",
                      truth.query_microseconds});
    o.rows.push_back({name + "merging all, with training", kept.compact_seconds, "s"});
    o.rows.push_back({name + "opening", kept.open_seconds, "s", "originals", truth.open_seconds});
  }
  o.notes = {set.name + "; " + std::to_string(queries.rows())
               + " other rows asked for by cosine in the store as it was opened again, the best 10 "
                 "of each",
             "nothing but vectors was learned; queries look at every vector through a byte a "
             "component, which the memory makes when it opens",
             "on " + scratch.file_system()};
  return o;
}

} // namespace cmem::bench
