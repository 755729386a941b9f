// The nearest of 50,000 vectors, exactly, beside a plain loop over their floats.

#include "storage/nearest.hpp"

#include "bench/benches.hpp"
#include "bench/huge_pages.hpp"
#include "bench/paced_writer.hpp"
#include "bench/vector_memory.hpp"
#include "bench/workbench.hpp"

#include <algorithm>
#include <cmath>

namespace cmem::bench {
namespace {

constexpr std::size_t k = 10;

/// What the plain loop goes over: vectors of length 1, so that an inner product is a cosine.
huge_vector<float> normalized(const vector_set& set) {
  huge_vector<float> all(set.components.size());
  for (std::uint32_t row = 0; row < set.rows(); ++row) {
    double square = 0;
    for (const float x : set.row(row))
      square += static_cast<double>(x) * static_cast<double>(x);
    const double norm = square > 0 ? std::sqrt(square) : 1.0;
    for (std::size_t i = 0; i < set.dimension; ++i)
      all[std::size_t{row} * set.dimension + i] =
        static_cast<float>(static_cast<double>(set.row(row)[i]) / norm);
  }
  return all;
}

struct scored_row {
  float score;
  std::uint32_t row;
  friend bool operator<(const scored_row& a, const scored_row& b) noexcept {
    return a.score > b.score;
  }
};

/// The k best rows, best first, by a heap.
[[gnu::noinline]] std::vector<scored_row> plain_loop(const huge_vector<float>& rows,
                                                     std::span<const float> query) {
  std::vector<scored_row> best;
  const std::size_t dimension = query.size();
  for (std::size_t row = 0; row * dimension < rows.size(); ++row) {
    const float* v = &rows[row * dimension];
    float score = 0;
    for (std::size_t i = 0; i < dimension; ++i)
      score += v[i] * query[i];
    if (best.size() == k && score <= best.front().score)
      continue;
    if (best.size() == k) {
      std::pop_heap(best.begin(), best.end());
      best.pop_back();
    }
    best.push_back({score, static_cast<std::uint32_t>(row)});
    std::push_heap(best.begin(), best.end());
  }
  std::sort(best.begin(), best.end());
  return best;
}

} // namespace

outcome vectors_small(const options& options) {
  outcome o;
  const core_pin reader(1);
  vector_set set = load_vectors(options, options.scaled(50'200));
  const vector_set queries = take_queries(set, 100);
  const vector_memory memory(set);
  const huge_vector<float> rows = normalized(set);
  const huge_vector<float> directions = normalized(queries);
  const auto direction = [&](std::uint32_t q) {
    return std::span<const float>(directions)
      .subspan(std::size_t{q} * set.dimension, set.dimension);
  };
  const auto ask = [&](std::uint32_t q, vector_metric metric) {
    return or_throw(nearest(memory.snapshot(), {.index = &memory.index()},
                            {.vector = queries.row(q), .k = k, .metric = metric}))
      .found;
  };

  // Of what both find, the rank at which they say most differently how near it is.
  double difference = 0;
  for (std::uint32_t q = 0; q < queries.rows(); ++q) {
    const auto ours = ask(q, vector_metric::cosine);
    const auto plain = plain_loop(rows, direction(q));
    if (ours.size() != plain.size())
      throw std::logic_error("the memory and the loop find different numbers of vectors");
    for (std::size_t i = 0; i < ours.size(); ++i)
      difference =
        std::max(difference, std::abs(ours[i].score - static_cast<double>(plain[i].score)));
  }

  std::uint64_t seen = 0;
  const auto microseconds = [&](auto&& one) {
    return [&, one] {
      stopwatch watch;
      for (std::uint32_t q = 0; q < queries.rows(); ++q)
        seen += one(q).size();
      return watch.seconds() * 1e6 / queries.rows();
    };
  };
  const window loop = microseconds([&](std::uint32_t q) { return plain_loop(rows, direction(q)); });
  const auto add = [&](const std::string& name, vector_metric metric, std::optional<target> bar) {
    const window subject = microseconds([&](std::uint32_t q) { return ask(q, metric); });
    (void) subject();
    const comparison us = compare(loop, subject, o); // so that the ratio says how much faster
    o.rows.push_back(
      {name, us.subject, "us", "nearest(), exact, with its index", us.baseline, std::move(bar)});
  };
  add("plain loop, cosine", vector_metric::cosine, ratio_at_least(3));
  add("plain loop, inner product", vector_metric::inner_product, std::nullopt);
  add("plain loop, distance", vector_metric::l2, std::nullopt);
  o.rows.push_back({"largest difference of scores", difference, "", "", 0, at_most(1e-6)});
  o.notes = {set.name + "; " + std::to_string(queries.rows()) + " other rows asked for, the best "
               + std::to_string(k) + " of each",
             "the loop is over floats of vectors made 1 long beforehand, in huge pages, one sum a "
             "vector in order, built as all else is: no -ffast-math, so the compiler adds one by "
             "one. Always that loop, whatever the metric",
             "answers seen: " + std::to_string(seen)};
  return o;
}

} // namespace cmem::bench
