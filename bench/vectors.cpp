// The nearest vectors while others are learned, beside bare hnswlib at rest.

#include "storage/nearest.hpp"

#include "bench/benches.hpp"
#include "bench/paced_writer.hpp"
#include "bench/peer_module.hpp"
#include "bench/vector_memory.hpp"
#include "bench/vector_peer.hpp"
#include "bench/workbench.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <memory>
#include <optional>
#include <set>
#include <thread>

namespace cmem::bench {
namespace {

constexpr std::size_t k = 10;
constexpr double recall_min = 0.95;
constexpr double writes_per_second = 2000;

/// Rates and tails of one window.
struct measured {
  double searches_per_second = 0;
  double p99_us = 0;
};

measured measure(double seconds, std::uint32_t queries,
                 const std::function<void(std::uint32_t)>& one) {
  const core_pin reader(1); // not before others were started: they would begin there
  std::vector<double> us;
  const stopwatch all;
  for (std::uint32_t q = 0; all.seconds() < seconds; q = (q + 1) % queries) {
    const stopwatch watch;
    one(q);
    us.push_back(watch.seconds() * 1e6);
  }
  const double rate = static_cast<double>(us.size()) / all.seconds();
  const auto at = us.begin() + static_cast<std::ptrdiff_t>(us.size() * 99 / 100);
  std::nth_element(us.begin(), at, us.end());
  return {rate, *at};
}

/// Medians of both, each by itself.
measured median_of_all(const std::vector<measured>& all) {
  std::vector<double> rates;
  std::vector<double> tails;
  for (const measured& m : all) {
    rates.push_back(m.searches_per_second);
    tails.push_back(m.p99_us);
  }
  return {median(std::move(rates)), median(std::move(tails))};
}

nearest_sources sources_of(const graph_snapshot& s, std::vector<std::uint32_t>& changed) {
  const search_index* index = s.index();
  if (index == nullptr || index->vectors == nullptr)
    return {};
  changed = s.trail().since(index->covers);
  return {.index = index->vectors.get(), .changed = changed, .with_attributes = std::nullopt};
}

/// A memory that indexes itself on a thread of its own, as a host's would, and what is learned
/// meanwhile: half of it new, half of it in place of what was there.
class indexed_memory {
public:
  explicit indexed_memory(const vector_set& set) : set_(set) {
    engine_options options;
    options.vector_dimension = set.dimension;
    engine_ = make_engine(std::move(options));
    for (std::uint32_t row = 0; row < set.rows(); ++row) {
      (void) or_throw(engine_->write(op::learn_concept{.id = id_of(row), .vector = set.row(row)}));
      if (row % 10'000 == 0)
        reconcile();
    }
    reconcile();
  }

  /// Until nothing is left to do. Seconds.
  double index_all() {
    const stopwatch watch;
    do
      reconcile();
    while (or_throw(engine_->index_some()) || engine_->index_due());
    reconcile();
    return watch.seconds();
  }
  /// Learns, reconciles and indexes on one core while `work` runs here.
  void while_learning(const std::function<void()>& work) {
    std::atomic<bool> stop{false};
    std::thread reconciler([&] {
      pin_to_core(0);
      while (!stop) {
        reconcile();
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
    });
    std::thread indexer([&] {
      pin_to_core(0);
      while (!stop)
        if (!or_throw(engine_->index_some()))
          std::this_thread::sleep_for(std::chrono::milliseconds(10));
    });
    {
      const paced_writer writer(writes_per_second, 0, [this](std::uint64_t) { learn_one(); });
      work();
    }
    stop = true;
    reconciler.join();
    indexer.join();
  }

  [[nodiscard]] engine& memory() { return *engine_; }
  [[nodiscard]] std::uint64_t learned() const { return learned_; }

private:
  void reconcile() {
    while (engine_->reconcile().entries > 0) {}
  }
  /// Something between two that it knows.
  void learn_one() {
    const auto row = [this] {
      return set_.row(static_cast<std::uint32_t>(random_.next() % set_.rows()));
    };
    const std::span<const float> a = row();
    const std::span<const float> b = row();
    std::vector<float> v(a.size());
    for (std::size_t i = 0; i < v.size(); ++i)
      v[i] = 0.7F * a[i] + 0.3F * b[i];
    const std::uint64_t n = learned_++;
    const std::uint64_t id = n % 2 == 0 ? set_.rows() + n : random_.next() % set_.rows();
    (void) or_throw(engine_->write(op::learn_concept{.id = id_of(id), .vector = v}));
  }

  const vector_set& set_;
  std::unique_ptr<engine> engine_;
  tools::random_numbers random_{31};
  std::uint64_t learned_ = 0; // by the writer
};

/// Exact answers of what was asked for, of the snapshot as it is.
double recall_now(engine& memory, const vector_set& queries) {
  const snapshot_handle s = memory.share();
  std::vector<std::uint32_t> changed;
  const nearest_sources sources = sources_of(*s, changed);
  std::uint64_t hits = 0;
  std::uint64_t all = 0;
  for (std::uint32_t q = 0; q < queries.rows(); ++q) {
    const auto found = or_throw(nearest(*s, sources, {.vector = queries.row(q), .k = k})).found;
    const auto right =
      or_throw(nearest(*s, sources, {.vector = queries.row(q), .k = k, .exact = true})).found;
    all += right.size();
    for (const similar_concept& r : right)
      hits += std::find(found.begin(), found.end(), r) != found.end() ? 1U : 0U;
  }
  return static_cast<double>(hits) / static_cast<double>(all);
}

/// hnswlib over the same rows, at the least effort that finds enough.
class bare_peer {
public:
  bare_peer(std::unique_ptr<vector_peer> peer, const vector_set& set) : peer_(std::move(peer)) {
    const stopwatch watch;
    for (std::uint32_t row = 0; row < set.rows(); ++row)
      peer_->add(directed(set.row(row)).data());
    seconds_ = watch.seconds();
  }
  void find_effort(const vector_set& queries, engine& memory) {
    const snapshot_handle s = memory.share();
    std::vector<std::uint32_t> changed;
    const nearest_sources sources = sources_of(*s, changed);
    std::vector<std::set<concept_id>> right(queries.rows());
    std::uint64_t all = 0;
    for (std::uint32_t q = 0; q < queries.rows(); ++q) {
      for (const similar_concept& c :
           or_throw(nearest(*s, sources, {.vector = queries.row(q), .k = k, .exact = true})).found)
        right[q].insert(s->at(c.index).id());
      all += right[q].size();
      directions_.push_back(directed(queries.row(q)));
    }
    for (effort_ = 20; recall_ < recall_min && effort_ < 2000;) {
      effort_ += 20;
      std::uint64_t hits = 0;
      for (std::uint32_t q = 0; q < queries.rows(); ++q) {
        const std::size_t count = ask(q);
        for (std::size_t i = 0; i < count; ++i)
          hits += right[q].contains(id_of(found_[i])) ? 1U : 0U;
      }
      recall_ = static_cast<double>(hits) / static_cast<double>(all);
    }
  }
  std::size_t ask(std::uint32_t q) {
    return peer_->nearest(directions_[q].data(), k, effort_, found_.data());
  }

  [[nodiscard]] std::string name() const {
    return peer_->name() + ", ef " + std::to_string(effort_);
  }
  [[nodiscard]] double recall() const { return recall_; }
  [[nodiscard]] double seconds() const { return seconds_; }

private:
  static std::vector<float> directed(std::span<const float> v) {
    double square = 0;
    for (const float x : v)
      square += static_cast<double>(x) * static_cast<double>(x);
    const double norm = square > 0 ? std::sqrt(square) : 1.0;
    std::vector<float> d;
    for (const float x : v)
      d.push_back(static_cast<float>(static_cast<double>(x) / norm));
    return d;
  }

  std::unique_ptr<vector_peer> peer_;
  std::vector<std::vector<float>> directions_;
  std::array<std::uint32_t, k> found_{};
  std::size_t effort_ = 0;
  double recall_ = 0;
  double seconds_ = 0;
};

} // namespace

outcome vectors(const options& options) {
  outcome o;
  vector_set set = load_vectors(options, options.scaled(341'479));
  const vector_set queries = take_queries(set, 1000);
  options.on_progress("learning " + set.name);
  indexed_memory memory(set);
  options.on_progress("indexing");
  const double index_seconds = memory.index_all();
  engine& e = memory.memory();
  const double recall_at_rest = recall_now(e, queries);
  const auto ask = [&](std::uint32_t q) {
    const snapshot_guard s = e.load();
    std::vector<std::uint32_t> changed;
    const nearest_sources sources = sources_of(*s, changed);
    (void) or_throw(nearest(*s, sources, {.vector = queries.row(q), .k = k}));
  };

  std::optional<bare_peer> peer;
  const auto make = reinterpret_cast<decltype(&cmem_bench_make_vector_peer)>(
    peer_symbol("hnswlib", "cmem_bench_make_vector_peer"));
  if (make != nullptr) {
    options.on_progress("hnswlib");
    peer.emplace(std::unique_ptr<vector_peer>(make(set.dimension, set.rows())), set);
    peer->find_effort(queries, e);
  }

  const double seconds = 5.0 * std::min(1.0, options.scale);
  std::vector<measured> ours;
  std::vector<measured> at_rest;
  std::vector<measured> theirs;
  double recall = 1.0;
  for (int round = 0; round < 5; ++round) {
    options.on_progress("round " + std::to_string(round + 1) + " of 5");
    at_rest.push_back(measure(seconds / 2, queries.rows(), ask));
    memory.while_learning([&] { ours.push_back(measure(seconds, queries.rows(), ask)); });
    recall = std::min(recall, recall_now(e, queries));
    if (peer)
      theirs.push_back(
        measure(seconds / 2, queries.rows(), [&](std::uint32_t q) { (void) peer->ask(q); }));
  }

  const measured learning = median_of_all(ours);
  const measured rest = median_of_all(at_rest);
  const measured base = peer ? median_of_all(theirs) : measured{};
  const std::string name = peer ? peer->name() + ", at rest" : "";
  const auto bar = [&](target t) { return peer ? std::optional(t) : std::nullopt; };
  o.rows = {
    {"searches a second while learning", learning.searches_per_second, "/s", name,
     base.searches_per_second, bar(ratio_at_least(0.9))},
    {"p99 while learning", learning.p99_us, "us", name, base.p99_us, bar(ratio_at_most(1.25))},
    {"recall of 10 while learning, lowest", recall, "", "", 0, at_least(recall_min)},
    {"recall of 10 before", recall_at_rest, "", "", 0, at_least(recall_min)},
    {"searches a second at rest", rest.searches_per_second, "/s", name, base.searches_per_second},
    {"p99 at rest", rest.p99_us, "us", name, base.p99_us},
    {"time to index all", index_seconds, "s", peer ? peer->name() + ", adding all" : "",
     peer ? peer->seconds() : 0},
  };
  o.notes = {set.name + "; " + std::to_string(queries.rows())
               + " other rows asked for by one reader, the nearest 10 by cosine",
             std::to_string(memory.learned())
               + " vectors learned meanwhile at 2,000 a second and indexed, half of them in place "
                 "of others; writer, reconciler and indexer share the other core",
             "recall: the share of what an exact search of the same snapshot finds"};
  if (peer)
    o.notes.push_back("hnswlib has recall " + std::to_string(peer->recall())
                      + " at the least effort (in steps of 20) that reaches 0.95; built with -O3 "
                        "-march=native; over floats made 1 long beforehand");
  return o;
}

} // namespace cmem::bench
