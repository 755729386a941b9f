// The nearest of those that pass a filter.

#include "storage/nearest.hpp"
#include "storage/vector_graph_builder.hpp"

#include "bench/benches.hpp"
#include "bench/paced_writer.hpp"
#include "bench/vector_memory.hpp"
#include "bench/workbench.hpp"

#include <algorithm>
#include <array>

namespace cmem::bench {
namespace {

constexpr std::size_t k = 10;

struct share {
  const char* name;
  double of_all;
};
constexpr std::array shares = {share{"50 %", 0.5}, share{"5 %", 0.05}, share{"0.1 %", 0.001}};

/// What each row is kept by, evenly distributed in [0, 1).
double lot(std::uint32_t row) {
  return static_cast<double>(tools::random_numbers(row + 7).next() >> 11) * 0x1p-53;
}

/// A filter, what helps with it, and the concepts that pass.
struct filtered_case {
  std::string name;
  concept_filter filter;
  std::optional<std::vector<std::uint32_t>> with_attributes = std::nullopt;
  std::vector<std::uint32_t> kept;
};

std::vector<filtered_case> make_cases(const vector_memory& memory, std::uint32_t rows) {
  std::vector<filtered_case> all;
  for (const share& s : shares) {
    std::vector<std::uint32_t> kept;
    std::vector<concept_id> ids;
    for (std::uint32_t row = 0; row < rows; ++row)
      if (lot(row) >= 1.0 - s.of_all) {
        kept.push_back(memory.index_of(row));
        ids.push_back(id_of(row));
      }
    const auto confidence = static_cast<float>(1.0 - s.of_all);
    const std::string percent = s.name;
    const concept_filter by_attribute{.attributes = {{percent, "kept"}}};
    all.push_back({percent + " by attribute", by_attribute, kept, kept});
    all.push_back({percent + " by attribute, not indexed", by_attribute, std::nullopt, kept});
    all.push_back({percent + " by confidence", {.confidence_min = confidence}, std::nullopt, {}});
    for (std::uint32_t row = 0; row < rows; ++row)
      if (static_cast<float>(lot(row)) >= confidence)
        all.back().kept.push_back(memory.index_of(row));
    all.push_back({percent + " by ids", {.ids = ids}, std::nullopt, kept});
  }
  return all;
}

/// Attributes of filtered_case, and what every record has besides.
vector_memory::extras extras_of(std::uint32_t row) {
  vector_memory::extras e{.confidence = static_cast<float>(lot(row)), .attributes = {}};
  e.attributes.emplace_back("language", "en");
  for (const share& s : shares)
    if (lot(row) >= 1.0 - s.of_all)
      e.attributes.emplace_back(s.name, "kept");
  return e;
}

double percentile(std::vector<double> all, double of) {
  std::sort(all.begin(), all.end());
  return all[static_cast<std::size_t>(of * static_cast<double>(all.size() - 1))];
}

} // namespace

outcome filtered(const options& options) {
  outcome o;
  const core_pin reader(1);
  vector_set set = load_vectors(options, options.scaled(341'479));
  const vector_set queries = take_queries(set, 200);
  vector_indexer_options indexing;
  indexing.make_graph = [] { return std::make_unique<vector_graph_builder>(); };
  const vector_memory memory(set, extras_of, std::move(indexing));
  const graph_snapshot& s = memory.snapshot();
  nearest_query query{.vector = {}, .k = k}; // with the filter of one case after the other
  const auto ask = [&](std::uint32_t q, const filtered_case& c) {
    nearest_sources sources{.index = &memory.index()};
    if (c.with_attributes)
      sources.with_attributes = *c.with_attributes;
    query.vector = queries.row(q);
    return or_throw(nearest(s, sources, query)).found;
  };
  const auto scan_kept = [&](std::uint32_t q, std::span<const std::uint32_t> kept) {
    const auto scorer = or_throw(vector_scorer::make(s, queries.row(q), vector_metric::cosine));
    best_concepts best(scorer, k);
    for (const std::uint32_t i : kept)
      if (const auto score = scorer.score(i); score && best.wants({i, *score}))
        best.add({i, *score});
    return best.take();
  };
  // The 99th percentile of calls; the median of some rounds of them.
  const auto p99 = [&](auto&& one) {
    return [&, one] {
      std::vector<double> us;
      for (std::uint32_t q = 0; q < queries.rows(); ++q) {
        stopwatch watch;
        (void) one(q);
        us.push_back(watch.seconds() * 1e6);
      }
      return percentile(std::move(us), 0.99);
    };
  };

  const filtered_case none{"no filter", {}, std::nullopt, {}};
  const window unfiltered = p99([&](std::uint32_t q) { return ask(q, none); });
  (void) unfiltered();
  o.rows.push_back({"no filter, p99", median_of(unfiltered, o), "us"});
  std::uint64_t missing = 0;
  std::uint64_t hits = 0;
  std::uint64_t expected = 0;
  for (const filtered_case& c : make_cases(memory, set.rows())) {
    options.on_progress(c.name);
    query.filter = c.filter;
    for (std::uint32_t q = 0; q < queries.rows(); q += 10) {
      const auto found = ask(q, c);
      const auto right = scan_kept(q, c.kept);
      missing += std::min(k, c.kept.size()) - std::min({k, c.kept.size(), found.size()});
      expected += right.size();
      for (const similar_concept& r : right)
        hits += std::find(found.begin(), found.end(), r) != found.end() ? 1U : 0U;
    }
    const window subject = p99([&](std::uint32_t q) { return ask(q, c); });
    const window kept = p99([&](std::uint32_t q) { return scan_kept(q, c.kept); });
    (void) subject();
    const double us = median_of(subject, o, 3);
    const double scan = median_of(kept, o, 3);
    query.filter = {};
    const double three = 3 * median_of(unfiltered, o, 3);
    const bool by_scan = scan < three;
    o.rows.push_back({c.name + ", p99", us, "us",
                      by_scan ? "all vectors kept compared" : "three without a filter",
                      by_scan ? scan : three, ratio_at_most(1)});
  }
  o.rows.push_back({"recall of 10", static_cast<double>(hits) / static_cast<double>(expected), "",
                    "", 0, at_least(0.95)});
  o.rows.push_back({"results missing", static_cast<double>(missing), "", "", 0, at_most(0)});
  o.notes = {set.name + "; " + std::to_string(queries.rows())
             + " other rows asked for, the nearest 10 by cosine of those that pass"};
  return o;
}

} // namespace cmem::bench
