// The nearest of those that pass a filter.

#include "storage/search.hpp"

#include "bench/benches.hpp"
#include "bench/paced_writer.hpp"
#include "bench/vector_memory.hpp"
#include "bench/workbench.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <random>

namespace cmem::bench {
namespace {

constexpr std::size_t k = 10;
constexpr double recall_min = 0.95;

struct share {
  const char* name;
  const char* region; ///< the same share, but of rows that lie together
  double of_all;
};
constexpr std::array shares = {share{"50 %", "50 % in one region", 0.5},
                               share{"5 %", "5 % in one region", 0.05},
                               share{"0.1 %", "0.1 % in one region", 0.001}};

/// What each row is kept by, evenly distributed in [0, 1).
double lot(std::uint32_t row) {
  return static_cast<double>(tools::random_numbers(row + 7).next() >> 11) * 0x1p-53;
}
float confidence_of(std::uint32_t row) { return static_cast<float>(lot(row)); }

/// Rows by how near they are to one of them.
class region {
public:
  explicit region(const vector_set& set) {
    const auto middle = set.row(set.rows() / 3);
    middle_.assign(middle.begin(), middle.end());
    for (std::uint32_t row = 0; row < set.rows(); ++row)
      cosines_.push_back(cosine(set.row(row)));
    std::sort(cosines_.rbegin(), cosines_.rend());
  }
  /// The share of all rows that lie nearer to the middle: 0 is the nearest.
  [[nodiscard]] double share_within(std::span<const float> vector) const {
    const auto at =
      std::lower_bound(cosines_.begin(), cosines_.end(), cosine(vector), std::greater());
    return static_cast<double>(at - cosines_.begin()) / static_cast<double>(cosines_.size());
  }

private:
  [[nodiscard]] double cosine(std::span<const float> v) const {
    const vector_products p = multiply(v, middle_);
    return p.with_other / std::sqrt(p.with_self);
  }

  std::vector<float> middle_;
  std::vector<double> cosines_; // descending, times the length of middle_
};

/// A memory that has indexed itself as one does by default. Row i is concept id_of(i), with its lot
/// as confidence, and attributes that say of what shares it is.
class filtered_memory {
public:
  filtered_memory(const vector_set& set, const region& where) {
    engine_options options;
    options.vector_dimension = set.dimension;
    engine_ = make_engine(std::move(options));
    for (std::uint32_t row = 0; row < set.rows(); ++row) {
      (void) or_throw(engine_->write(op::learn_concept{
        .id = id_of(row), .vector = set.row(row), .confidence = confidence_of(row)}));
      std::vector<attribute_update> attributes{{"language", "en"}};
      for (const share& s : shares) {
        if (lot(row) >= 1.0 - s.of_all)
          attributes.push_back({s.name, "kept"});
        if (where.share_within(set.row(row)) < s.of_all)
          attributes.push_back({s.region, "kept"});
      }
      (void) or_throw(engine_->write(op::set_attributes{id_of(row), attributes}));
      if (row % 10'000 == 0)
        reconcile();
    }
    do
      reconcile();
    while (or_throw(engine_->index_some()) || engine_->index_due());
    reconcile();
    snapshot_ = engine_->share();
  }
  [[nodiscard]] const graph_snapshot& snapshot() const { return *snapshot_; }

private:
  void reconcile() {
    while (engine_->reconcile().entries > 0) {}
  }

  std::unique_ptr<engine> engine_;
  snapshot_handle snapshot_;
};

using query_list = std::vector<std::vector<float>>;

/// What is asked for, and is in no memory.
struct query_lists {
  query_list anywhere;
  std::array<query_list, shares.size()> in_region; ///< of each share
};

/// Takes the queries out of the set.
query_lists take_queries_of(vector_set& set, const region& where) {
  constexpr std::uint32_t of_region = 200;
  query_lists all;
  const auto floats = [](std::span<const float> v) {
    return std::vector<float>(v.begin(), v.end());
  };
  const vector_set anywhere = take_queries(set, 400);
  for (std::uint32_t row = 0; row < anywhere.rows(); ++row)
    all.anywhere.push_back(floats(anywhere.row(row)));
  std::vector<bool> taken(set.rows());
  for (std::size_t s = 0; s < shares.size(); ++s) {
    std::vector<std::uint32_t> inside;
    for (std::uint32_t row = 0; row < set.rows(); ++row)
      if (!taken[row] && where.share_within(set.row(row)) < shares[s].of_all)
        inside.push_back(row);
    const std::size_t every = std::max<std::size_t>(3, inside.size() / of_region);
    for (std::size_t i = 0; i < inside.size(); i += every) {
      taken[inside[i]] = true;
      all.in_region[s].push_back(floats(set.row(inside[i])));
    }
  }
  std::vector<float> kept;
  for (std::uint32_t row = 0; row < set.rows(); ++row)
    if (!taken[row])
      kept.insert(kept.end(), set.row(row).begin(), set.row(row).end());
  set.components = std::move(kept);
  return all;
}

struct filtered_case {
  std::string name;
  concept_filter filter;
  std::vector<std::uint32_t> kept;                 ///< rows that pass
  std::optional<std::size_t> share_of_region = {}; ///< unset: they lie anywhere
};

std::vector<filtered_case> make_cases(const vector_set& set, const region& where) {
  std::vector<filtered_case> all;
  const auto keep = [&](std::string name, concept_filter f, std::optional<std::size_t> of_region,
                        const auto& passes) {
    all.push_back({std::move(name), std::move(f), {}, of_region});
    for (std::uint32_t row = 0; row < set.rows(); ++row)
      if (passes(row))
        all.back().kept.push_back(row);
  };
  // Of those that the last one keeps, in no order.
  const auto by_ids = [&](std::string name) {
    std::vector<concept_id> ids;
    for (const std::uint32_t row : all.back().kept)
      ids.push_back(id_of(row));
    std::shuffle(ids.begin(), ids.end(), std::mt19937(5));
    filtered_case c = all.back();
    c.name = std::move(name);
    c.filter = {.ids = std::move(ids)};
    all.push_back(std::move(c));
  };
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const share& s = shares[i];
    const std::string name = s.name;
    const std::string together = s.region;
    const auto least = static_cast<float>(1.0 - s.of_all);
    keep(name + " by confidence", {.confidence_min = least}, std::nullopt,
         [&](std::uint32_t row) { return confidence_of(row) >= least; });
    keep(name + " by attribute", {.attributes = {{s.name, "kept"}}}, std::nullopt,
         [&](std::uint32_t row) { return lot(row) >= 1.0 - s.of_all; });
    by_ids(name + " by ids");
    keep(together + " by attribute", {.attributes = {{s.region, "kept"}}}, i,
         [&](std::uint32_t row) { return where.share_within(set.row(row)) < s.of_all; });
    by_ids(together + " by ids");
  }
  return all;
}

/// Asks, and notes what came of it.
class filtered_run {
public:
  filtered_run(const vector_set& set, const region& where, const query_lists& queries)
    : set_(set), queries_(queries), region_(where), memory_(set, where) {
    for (std::uint32_t row = 0; row < set.rows(); ++row)
      indices_.push_back(memory_.snapshot().index_of(id_of(row)).value());
  }

  [[nodiscard]] std::vector<filtered_case> cases() const { return make_cases(set_, region_); }
  void measure_unfiltered() {
    nearest_query all{.vector = {}, .k = k};
    const window w = p99(queries_.anywhere, [&](auto& vector) { (void) ask(all, vector); });
    (void) w();
    result_.rows.push_back({"no filter, p99", median_of(w, result_), "us"});
    const query_list some(queries_.anywhere.begin(),
                          queries_.anywhere.begin()
                            + std::min<std::ptrdiff_t>(100, std::ssize(queries_.anywhere)));
    result_.rows.push_back({"no filter, recall of 10", recall_of(all, indices_, some), ""});
  }
  void measure(const filtered_case& c) {
    if (!c.share_of_region) {
      measure(c, c.name, queries_.anywhere);
      return;
    }
    query_list outside;
    for (const std::vector<float>& q : queries_.anywhere)
      if (region_.share_within(q) > shares[*c.share_of_region].of_all)
        outside.push_back(q);
    measure(c, c.name + ", asked in it", queries_.in_region[*c.share_of_region]);
    measure(c, c.name + ", asked elsewhere", outside);
  }
  [[nodiscard]] outcome finish() && {
    result_.rows.push_back(
      {"results missing", static_cast<double>(missing_), "", "", 0, at_most(0)});
    return std::move(result_);
  }

private:
  void measure(const filtered_case& c, const std::string& name, const query_list& queries) {
    nearest_query query{.vector = {}, .k = k, .filter = c.filter};
    nearest_query all{.vector = {}, .k = k};
    std::vector<std::uint32_t> kept;
    for (const std::uint32_t row : c.kept)
      kept.push_back(indices_[row]);
    const bool few = kept.size() < set_.rows() / 10; // else comparing them takes much longer
    const window scan = p99(queries, [&](auto& vector) { (void) compare_all(kept, vector); });
    const window unfiltered = p99(queries, [&](auto& vector) { (void) ask(all, vector); });
    const auto add = [&](const std::string& what, const window& subject, bool bar) {
      (void) subject();
      const double us = median_of(subject, result_, 3);
      const double three = 3 * median_of(unfiltered, result_, 3);
      const double scanned = few ? median_of(scan, result_, 3) : three;
      const bool by_scan = scanned < three;
      result_.rows.push_back({name + what + ", p99", us, "us",
                              by_scan ? "all vectors kept compared" : "three without a filter",
                              by_scan ? scanned : three,
                              bar ? std::optional(ratio_at_most(1)) : std::nullopt});
    };
    const window subject = p99(queries, [&](auto& vector) { (void) ask(query, vector); });
    double recall = recall_of(query, kept, queries);
    std::optional<filtered_concepts> ready;
    if (c.filter.ids) {
      add(", at once", subject, false);
      query.ready = &ready.emplace(memory_.snapshot(), c.filter);
      recall = std::min(recall, recall_of(query, kept, queries));
    }
    add("", subject, true);
    result_.rows.push_back({name + ", recall of 10", recall, "", "", 0, at_least(recall_min)});
    if (!c.filter.attributes.empty() && !c.share_of_region)
      add(", not indexed", p99(queries, [&](auto& vector) { (void) ask_raw(query, vector); }),
          false);
  }

  [[nodiscard]] std::vector<similar_concept> ask(nearest_query& query,
                                                 std::span<const float> vector) const {
    query.vector = vector;
    return or_throw(nearest(memory_.snapshot(), query)).found;
  }
  /// Without what an index tells of attributes.
  [[nodiscard]] std::vector<similar_concept> ask_raw(nearest_query& query,
                                                     std::span<const float> vector) const {
    query.vector = vector;
    const search_sources carried(memory_.snapshot());
    return or_throw(nearest(memory_.snapshot(),
                            {carried.vectors(), carried.changed(), std::nullopt}, query))
      .found;
  }
  [[nodiscard]] std::vector<similar_concept> compare_all(std::span<const std::uint32_t> kept,
                                                         std::span<const float> vector) const {
    const graph_snapshot& s = memory_.snapshot();
    const auto scorer = or_throw(vector_scorer::make(s, vector, vector_metric::cosine));
    best_concepts best(scorer, k);
    for (const std::uint32_t i : kept)
      if (const auto score = scorer.score(i); score && best.wants({i, *score}))
        best.add({i, *score});
    return best.take();
  }
  /// Of all queries. Counts what is missing.
  double recall_of(nearest_query& query, std::span<const std::uint32_t> kept,
                   const query_list& queries) {
    std::size_t hits = 0;
    std::size_t expected = 0;
    for (const std::vector<float>& vector : queries) {
      const auto found = ask(query, vector);
      const auto right = compare_all(kept, vector);
      missing_ += right.size() - std::min(right.size(), found.size());
      expected += right.size();
      for (const similar_concept& r : right)
        hits += std::find(found.begin(), found.end(), r) != found.end() ? 1U : 0U;
    }
    return static_cast<double>(hits) / static_cast<double>(expected);
  }
  /// The 99th percentile of calls, one for each query.
  template <class One>
  static window p99(const query_list& queries, One one) {
    return [&queries, one] {
      std::vector<double> us;
      for (const std::vector<float>& vector : queries) {
        const stopwatch watch;
        one(vector);
        us.push_back(watch.seconds() * 1e6);
      }
      std::sort(us.begin(), us.end());
      return us[static_cast<std::size_t>(0.99 * static_cast<double>(us.size() - 1))];
    };
  }

  const vector_set& set_;
  const query_lists& queries_;
  const region& region_;
  const filtered_memory memory_;
  std::vector<std::uint32_t> indices_; // by row
  std::size_t missing_ = 0;
  outcome result_;
};

} // namespace

outcome filtered(const options& options) {
  const core_pin reader(1);
  vector_set set = load_vectors(options, options.scaled(341'479));
  const region where(set);
  const query_lists queries = take_queries_of(set, where);
  options.on_progress("indexing");
  filtered_run run(set, where, queries);
  run.measure_unfiltered();
  for (const filtered_case& c : run.cases()) {
    options.on_progress(c.name);
    run.measure(c);
  }
  outcome o = std::move(run).finish();
  o.notes = {
    set.name + "; up to " + std::to_string(queries.anywhere.size())
      + " vectors asked for that it does not have, the nearest 10 by cosine of those that "
        "pass",
    "by ids: made ready once for all queries. At once: its ids are looked up by each; what "
    "that takes has no bar",
    "not indexed: as until a memory has made its first index; who is kept is not known "
    "then, so there is no bar"};
  return o;
}

} // namespace cmem::bench
