// Vectors told by product quantization: what is found, how fast, and in how many bytes, beside
// faiss.

#include "bench/benches.hpp"
#include "bench/vector_memory.hpp"
#include "bench/workbench.hpp"
#include "storage/code_table.hpp"
#include "storage/nearest.hpp"
#include "storage/vector_kernels.hpp"

#include <algorithm>
#include <cmath>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <faiss/IndexPQ.h>
#pragma GCC diagnostic pop

// Of the OpenMP run time that faiss brings.
extern "C" void omp_set_num_threads(int);

namespace cmem::bench {
namespace {

constexpr std::size_t k = 10;
using rows_found = std::vector<std::uint32_t>;

/// Vectors of length 1, in an order of their own: samples are beginnings of it.
vector_set shuffled_directions(const vector_set& from) {
  tools::random_numbers random(31);
  std::vector<std::uint32_t> order(from.rows());
  for (std::uint32_t i = 0; i < from.rows(); ++i)
    order[i] = i;
  for (std::uint32_t i = from.rows(); i > 1; --i)
    std::swap(order[i - 1], order[random.below(i)]);
  vector_set to{from.name, from.dimension, std::vector<float>(from.components.size())};
  for (std::uint32_t i = 0; i < from.rows(); ++i)
    (void) to_direction(from.row(order[i]), &to.components[std::size_t{i} * from.dimension]);
  return to;
}

struct scored_row {
  double score;
  std::uint32_t row;
  friend bool operator<(const scored_row& a, const scored_row& b) noexcept {
    return a.score != b.score ? a.score > b.score : a.row < b.row;
  }
};

rows_found best_of(std::vector<scored_row>& all) {
  const std::size_t count = std::min(k, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count), all.end());
  rows_found best;
  for (std::size_t i = 0; i < count; ++i)
    best.push_back(all[i].row);
  return best;
}

/// All of a set in codes, as a scan wants them.
class coded_set {
public:
  coded_set(const vector_codebook& codebook, const vector_set& set)
    : codebook_(codebook), set_(set), blocks_(block_bytes(set.rows(), codebook.parts())) {
    std::vector<std::uint8_t> codes(codebook.parts());
    for (std::uint32_t i = 0; i < set.rows(); ++i) {
      (void) codebook.encode(set.row(i), codes.data());
      for (std::size_t p = 0; p < codes.size(); ++p)
        blocks_[block_code_at(i, p, codes.size())] = codes[p];
    }
  }

  /// The best by sums of bytes, more or less `count`: all that are as good as the last of them too.
  std::vector<scored_row> candidates(const code_table& table, std::size_t count) {
    constexpr std::size_t at_once = 4096;
    std::vector<scored_row> kept;
    double least = -1.0;
    const auto cut = [&] {
      std::nth_element(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(count), kept.end());
      kept.resize(count);
      least = std::max_element(kept.begin(), kept.end())->score;
    };
    for (std::size_t first = 0; first < set_.rows(); first += at_once) {
      const std::size_t here = std::min<std::size_t>(at_once, set_.rows() - first);
      table.sum(blocks_.data() + first * codebook_.parts(), here, sums_);
      for (std::size_t i = 0; i < here; ++i)
        if (sums_[i] > least) {
          kept.push_back({static_cast<double>(sums_[i]), static_cast<std::uint32_t>(first + i)});
          if (kept.size() >= 2 * count + 64)
            cut();
        }
    }
    if (kept.size() > count)
      cut();
    return kept;
  }
  /// By the vectors themselves.
  rows_found reranked(std::span<const float> query, std::size_t count) {
    auto some = candidates(code_table(codebook_, query), count);
    for (scored_row& r : some)
      r.score = multiply(set_.row(r.row), query).with_other;
    return best_of(some);
  }
  /// By the codes alone.
  rows_found by_codes(std::span<const float> query) {
    const code_table table(codebook_, query);
    auto some = candidates(table, 4 * k);
    for (scored_row& r : some)
      r.score = table.cosine(blocks_.data(), r.row);
    return best_of(some);
  }

private:
  const vector_codebook& codebook_;
  const vector_set& set_;
  std::vector<std::uint8_t> blocks_;
  std::uint32_t sums_[4096];
};

/// What share of the true ones was found.
double recall(const std::vector<rows_found>& truth, const std::vector<rows_found>& found) {
  std::size_t hits = 0;
  std::size_t of = 0;
  for (std::size_t q = 0; q < truth.size(); ++q) {
    of += truth[q].size();
    for (const std::uint32_t row : found[q])
      hits += std::find(truth[q].begin(), truth[q].end(), row) != truth[q].end() ? 1U : 0U;
  }
  return static_cast<double>(hits) / static_cast<double>(of);
}

template <class Ask>
std::vector<rows_found> ask_all(const vector_set& queries, Ask&& ask) {
  std::vector<rows_found> all;
  for (std::uint32_t q = 0; q < queries.rows(); ++q)
    all.push_back(ask(queries.row(q)));
  return all;
}

/// Microseconds a query, over the first hundred.
template <class Ask>
window time_of(const vector_set& queries, Ask&& ask) {
  return [&queries, ask] {
    const std::uint32_t count = std::min(100U, queries.rows());
    const stopwatch watch;
    for (std::uint32_t q = 0; q < count; ++q)
      (void) ask(queries.row(q));
    return watch.seconds() * 1e6 / count;
  };
}

/// The same vectors in faiss's own index.
class faiss_peer {
public:
  faiss_peer(const vector_set& set, std::size_t parts, std::size_t sample)
    : index_(static_cast<int>(set.dimension), parts, 8, faiss::METRIC_INNER_PRODUCT) {
    const stopwatch training;
    index_.train(static_cast<faiss::Index::idx_t>(sample), set.components.data());
    train_seconds = training.seconds();
    const stopwatch adding;
    index_.add(set.rows(), set.components.data());
    add_microseconds = adding.seconds() * 1e6 / set.rows();
  }
  rows_found search(std::span<const float> query, std::size_t count) const {
    std::vector<float> scores(count);
    std::vector<faiss::Index::idx_t> rows(count);
    index_.search(1, query.data(), static_cast<faiss::Index::idx_t>(count), scores.data(),
                  rows.data());
    return {rows.begin(), rows.end()};
  }
  double train_seconds;
  double add_microseconds;

private:
  faiss::IndexPQ index_;
};

struct pq_case {
  std::uint32_t ratio;
  std::size_t candidates;       ///< looked at again
  std::optional<double> recall; ///< that they must bring
};

void measure(const pq_case& c, const vector_set& set, const vector_set& queries,
             const std::vector<rows_found>& truth, outcome& o) {
  const std::string name = std::to_string(c.ratio) + " x smaller: ";
  const std::size_t sample = std::min<std::size_t>(vector_codebook::sample_rows_enough, set.rows());
  const stopwatch training;
  const vector_codebook codebook = or_throw(vector_codebook::train(
    std::span(set.components).first(sample * set.dimension), set.dimension, {.ratio = c.ratio}));
  const double train_seconds = training.seconds();
  const stopwatch encoding;
  coded_set coded(codebook, set);
  const double encode_microseconds = encoding.seconds() * 1e6 / set.rows();
  const faiss_peer peer(set, codebook.parts(), sample);
  const std::string faiss = "faiss IndexPQ, as many parts and the same sample";

  const auto ours = [&](std::span<const float> q) { return coded.reranked(q, c.candidates); };
  const auto codes_alone = [&](std::span<const float> q) { return coded.by_codes(q); };
  const auto theirs = [&](std::span<const float> q) { return peer.search(q, k); };
  const std::string again = std::to_string(c.candidates) + " looked at again";
  o.rows.push_back({name + "bytes a vector", static_cast<double>(codebook.parts()), "bytes",
                    "floats", static_cast<double>(set.dimension * sizeof(float)),
                    ratio_at_most(1.0 / c.ratio)});
  o.rows.push_back({name + "recall@10, " + again, recall(truth, ask_all(queries, ours)), "", "", 0,
                    c.recall ? std::optional(at_least(*c.recall)) : std::nullopt});
  o.rows.push_back({name + "recall@10, codes alone", recall(truth, ask_all(queries, codes_alone)),
                    "", faiss, recall(truth, ask_all(queries, theirs)),
                    c.recall ? std::optional(ratio_at_least(0.99)) : std::nullopt});
  for (const std::size_t fewer : {c.candidates / 5, c.candidates * 2 / 5})
    if (fewer >= k)
      o.rows.push_back(
        {name + "recall@10, " + std::to_string(fewer) + " looked at again",
         recall(truth, ask_all(queries,
                               [&](std::span<const float> q) { return coded.reranked(q, fewer); })),
         ""});
  const comparison query = compare(time_of(queries, ours), time_of(queries, theirs), o);
  o.rows.push_back({name + "query, " + again, query.subject, "us", faiss + ", best 10",
                    query.baseline, ratio_at_most(1)});
  const comparison alone = compare(time_of(queries, codes_alone), time_of(queries, theirs), o);
  o.rows.push_back(
    {name + "query, codes alone", alone.subject, "us", faiss + ", best 10", alone.baseline});
  o.rows.push_back(
    {name + "training", train_seconds, "s", faiss, peer.train_seconds, ratio_at_most(1)});
  o.rows.push_back({name + "coding of a vector", encode_microseconds, "us", faiss,
                    peer.add_microseconds, ratio_at_most(1)});
}

/// How much worse vectors of one cluster are coded where another was trained with, and those that
/// were held out of the very cluster.
void measure_drift(const vector_set& set, outcome& o) {
  vector_set near{"", set.dimension, {}};
  vector_set far{"", set.dimension, {}};
  for (std::uint32_t i = 1; i < set.rows(); ++i) { // by whose side of row 0 they are on
    const double cosine = multiply(set.row(i), set.row(0)).with_other;
    if (cosine > 0.1 || cosine < -0.1) {
      auto& to = (cosine > 0 ? near : far).components;
      to.insert(to.end(), set.row(i).begin(), set.row(i).end());
    }
  }
  const std::uint32_t half = near.rows() / 2;
  const std::size_t sample = std::min<std::size_t>(vector_codebook::sample_rows_enough, half);
  const auto codebook = or_throw(vector_codebook::train(
    std::span(near.components).first(sample * set.dimension), set.dimension));
  const auto drift = [&](const vector_set& fed, std::uint32_t first) {
    codebook_drift d;
    std::vector<std::uint8_t> codes(codebook.parts());
    for (std::uint32_t i = first; i < fed.rows() && i < first + 10'000; ++i)
      d.add(codebook.encode(fed.row(i), codes.data()).error);
    return d.mean_error();
  };
  o.rows.push_back({"error of others of its cluster", drift(near, half), "", "error to expect",
                    codebook.trained_error(), ratio_at_most(1.25)});
  o.rows.push_back(
    {"error of another cluster", drift(far, 0), "", "error to expect", codebook.trained_error()});
}

} // namespace

outcome pq(const options& options) {
  outcome o;
  omp_set_num_threads(1); // as ours
  vector_set all = load_vectors(options, options.scaled(400'000));
  vector_set queries = take_queries(all, 1'000);
  queries = shuffled_directions(queries);
  const vector_set set = shuffled_directions(all);
  options.on_progress("pq: the memory to compare with");
  std::vector<rows_found> truth;
  {
    const vector_memory memory(set);
    std::vector<std::uint32_t> row_of(set.rows());
    for (std::uint32_t row = 0; row < set.rows(); ++row)
      row_of.at(memory.index_of(row)) = row;
    const auto exact = [&](std::span<const float> q) {
      rows_found rows;
      for (const similar_concept& c :
           or_throw(nearest(memory.snapshot(), {.index = &memory.index()}, {.vector = q, .k = k}))
             .found)
        rows.push_back(row_of[c.index]);
      return rows;
    };
    truth = ask_all(queries, exact);
    o.rows.push_back(
      {"query, exact, a byte a component", median_of(time_of(queries, exact), o), "us"});
  }
  for (const pq_case& c :
       {pq_case{8, 50, 0.95}, pq_case{4, 20, 0.98}, pq_case{16, 100, std::nullopt}}) {
    options.on_progress("pq: " + std::to_string(c.ratio) + " x smaller");
    measure(c, set, queries, truth, o);
  }
  measure_drift(set, o);
  o.notes = {
    set.name + "; " + std::to_string(queries.rows())
      + " other rows asked for by cosine, the best 10 of each; recall over all, times over "
        "100 of them",
    "sample: " + std::to_string(vector_codebook::sample_rows_enough)
      + " rows at most; all on one thread",
    "bytes are those of the codes: a norm besides, where lengths differ"};
  return o;
}

} // namespace cmem::bench
