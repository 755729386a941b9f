#include "actors/concurrent_memory.hpp"
#include "tools/scenario_target.hpp"
#include "tools/store_opening.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <iostream>
#include <vector>

namespace cmem::tools {
namespace {

class memory_reader final : public target_reader {
public:
  explicit memory_reader(const concurrent_memory& memory) : memory_(memory) {}

  bool find(const concept_id& id) override {
    const auto snapshot = memory_.snapshot();
    const auto found = snapshot->find(id);
    return found && found->strength() >= 0;
  }
  std::size_t neighbors(const concept_id& id, std::size_t limit) override {
    const auto snapshot = memory_.snapshot();
    const auto index = snapshot->index_of(id);
    found_.clear();
    if (!index)
      return 0;
    neighbor_filter filter;
    filter.limit = limit;
    cmem::neighbors(*snapshot, *index, direction::outgoing, filter, found_);
    return found_.size();
  }
  [[nodiscard]] std::vector<found_edge> last_neighbors() const override {
    const auto snapshot = memory_.snapshot();
    std::vector<found_edge> all;
    for (const neighbor& n : found_)
      all.push_back({n.confidence, n.kind, snapshot->at(n.index).id()});
    return all;
  }
  std::optional<std::size_t> find_path(const concept_id& from, const concept_id& to,
                                       std::uint32_t depth_max) override {
    const auto snapshot = memory_.snapshot();
    const auto a = snapshot->index_of(from);
    const auto b = snapshot->index_of(to);
    if (!a || !b)
      return std::nullopt;
    const auto path = cmem::find_path(*snapshot, *a, *b, depth_max, scratch_);
    return path ? std::optional(path->hops()) : std::nullopt;
  }
  std::size_t traverse(query_kind kind, const concept_id& from, const concept_id& to,
                       const phase& limits) override {
    const auto snapshot = memory_.snapshot();
    const auto a = snapshot->index_of(from);
    const auto b = snapshot->index_of(to);
    if (!a || !b)
      return 0;
    if (kind == query_kind::subgraph) {
      const std::array seeds{*a};
      return subgraph(*snapshot, seeds,
                      {.hops = limits.context_hops, .concepts_max = limits.context_concepts},
                      context_)
        .concepts.size();
    }
    if (kind == query_kind::activation) {
      const std::array seeds{activation_seed{*a}};
      return activate(*snapshot, seeds,
                      {.hops = limits.context_hops, .top_k = limits.context_concepts}, context_)
        .hits.size();
    }
    if (kind == query_kind::search)
      return search(*snapshot, *a, limits.search_hits);
    path_query query;
    query.max_depth = limits.path_depth_max;
    if (kind == query_kind::confident_path)
      query.order = path_order::most_confident;
    else
      query.alternatives = limits.alternatives;
    return find_paths(*snapshot, *a, *b, query, scratch_).found.size();
  }

private:
  /// By the first words of a concept's content, and by its vector if it has one.
  std::size_t search(const graph_snapshot& s, std::uint32_t like, std::size_t hits) {
    constexpr std::size_t words = 3;
    const concept_view v = s.at(like);
    search_query query;
    std::size_t end = 0;
    for (std::size_t i = 0; i != words && end != std::string_view::npos; ++i)
      end = v.content().find(' ', end == 0 ? 0 : end + 1);
    query.text = v.content().substr(0, end);
    std::vector<float> room;
    const std::span<const float> vector = v.vector().read(room);
    query.vector.assign(vector.begin(), vector.end());
    query.k = hits;
    const auto found = cmem::search(s, query, searching_);
    return found ? found->size() : 0;
  }

  const concurrent_memory& memory_;
  std::vector<neighbor> found_;
  path_scratch scratch_;
  context_scratch context_;
  search_scratch searching_;
};

class memory_target final : public scenario_target {
public:
  explicit memory_target(std::unique_ptr<concurrent_memory> memory)
    : owned_(std::move(memory)), memory_(owned_.get()) {}
  explicit memory_target(concurrent_memory& memory) : memory_(&memory) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "concurrent_memory"; }
  result<kind_id> register_kind(std::string_view kind) override {
    return memory_->register_kind(kind);
  }
  result<ticket> write(const write_op& o) override { return memory_->write(o); }
  std::unique_ptr<target_reader> make_reader() override {
    return std::make_unique<memory_reader>(*memory_);
  }
  [[nodiscard]] bool offers(query_kind) const noexcept override { return true; }
  [[nodiscard]] fate outcome(const ticket& t) const override {
    return memory_->snapshot()->outcome(t).what;
  }
  [[nodiscard]] bool visible_at_return() const noexcept override { return false; }
  result<void> await(const ticket& t, std::chrono::nanoseconds timeout) override {
    const auto settled = memory_->await_visible(t, timeout);
    return settled ? result<void>() : settled.error();
  }
  // What it left behind, the counters show.
  void finish() override { not_durable_ = memory_->close().not_durable; }
  [[nodiscard]] target_counters counters() const override {
    const auto s = memory_->stats();
    target_counters c;
    c.written = s.write_log.written;
    c.applied = s.reconciler.entries_processed - s.reconciler.entries_failed;
    c.failed = s.reconciler.entries_failed;
    c.dropped = s.write_log.dropped;
    c.rejected = s.write_log.rejected;
    c.pending = s.write_log.pending;
    c.concepts = s.snapshot.concept_count;
    c.associations = s.snapshot.edge_count;
    c.snapshots = s.reconciler.reconciliations;
    c.not_durable = memory_->settings().storage_path.empty() ? 0 : not_durable_.load();
    return c;
  }

private:
  const std::unique_ptr<concurrent_memory> owned_; // unless it is somebody else's
  concurrent_memory* const memory_;
  std::atomic<std::uint64_t> not_durable_{0}; // set by finish()
};

} // namespace

std::unique_ptr<scenario_target> make_memory_target(concurrent_memory& memory) {
  return std::make_unique<memory_target>(memory);
}

result<std::unique_ptr<scenario_target>> make_memory_target(const memory_spec& spec,
                                                            std::uint32_t vector_dimension) {
  config c;
  c.reconcile_interval_ms = spec.reconcile_interval_ms;
  c.max_batch_size = spec.max_batch_size;
  c.log_capacity = spec.log_capacity;
  c.overflow = spec.overflow;
  c.vector_dimension = vector_dimension;
  c.index_text = spec.index_text;
  c.storage_path = spec.storage;
  c.durability = spec.durability;
  if (!spec.storage.empty() && vector_dimension == 0) {
    const auto stored = stored_manifest(c.files, spec.storage);
    if (!stored)
      return stored.error();
    if (*stored)
      c.vector_dimension = (*stored)->vector_dimension;
  }
  c.health.reconciliation_lag_max_ms =
    std::max(c.health.reconciliation_lag_max_ms, spec.reconcile_interval_ms);
  // Warnings are of what the report says in figures: entries pending and dropped.
  c.log = [](log_level level, std::string_view text) {
    if (level == log_level::error)
      std::cerr << "cmem: " << text << '\n';
  };
  auto opened = concurrent_memory::open(std::move(c));
  if (!opened)
    return opened.error();
  return std::unique_ptr<scenario_target>(std::make_unique<memory_target>(std::move(*opened)));
}

} // namespace cmem::tools
