#include "tools/mutable_graph.hpp"
#include "tools/mutable_graph_context.hpp"
#include "tools/scenario_target.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

namespace cmem::tools {
namespace {

using node = mutable_graph::node;

timestamp_us now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
           std::chrono::system_clock::now().time_since_epoch())
    .count();
}

class mutex_map;

class mutex_map_reader final : public target_reader {
public:
  explicit mutex_map_reader(mutex_map& map) : map_(map) {}
  bool find(const concept_id& id) override;
  std::size_t neighbors(const concept_id& id, std::size_t limit) override;
  [[nodiscard]] std::vector<found_edge> last_neighbors() const override;
  std::optional<std::size_t> find_path(const concept_id& from, const concept_id& to,
                                       std::uint32_t depth_max) override;
  std::size_t traverse(query_kind kind, const concept_id& from, const concept_id& to,
                       const phase& limits) override;

private:
  struct edge {
    float confidence;
    kind_id kind;
    const concept_id* id;
  };

  mutex_map& map_;
  std::vector<edge> found_;
  mutable_graph_paths paths_;
  mutable_graph_context context_;
};

class mutex_map final : public scenario_target {
public:
  explicit mutex_map(std::size_t concepts) : graph_(concepts) {
    for (const auto* kind : {"semantic", "causal", "temporal", "hierarchical", "compositional"})
      kinds_.emplace_back(kind);
  }

  [[nodiscard]] std::string_view name() const noexcept override { return "mutex_map"; }
  result<kind_id> register_kind(std::string_view kind) override {
    const std::unique_lock lock(mutex_);
    const auto at = std::find(kinds_.begin(), kinds_.end(), kind);
    const auto id = static_cast<kind_id>(at - kinds_.begin());
    if (at == kinds_.end())
      kinds_.emplace_back(kind);
    return id;
  }
  result<ticket> write(const write_op& o) override {
    const timestamp_us now = now_us();
    const std::unique_lock lock(mutex_);
    const bool applied = std::visit([&](const auto& each) { return graph_.apply(each, now); }, o);
    ++(applied ? applied_ : failed_);
    return ticket{applied_ + failed_, 0, 0};
  }
  std::unique_ptr<target_reader> make_reader() override {
    return std::make_unique<mutex_map_reader>(*this);
  }
  [[nodiscard]] bool offers(query_kind kind) const noexcept override {
    return offered_by_map(kind);
  }
  [[nodiscard]] fate outcome(const ticket&) const override { return fate::unknown; }
  [[nodiscard]] bool visible_at_return() const noexcept override { return true; }
  result<void> await(const ticket&, std::chrono::nanoseconds) override { return {}; }
  void finish() override {}
  [[nodiscard]] target_counters counters() const override {
    const std::shared_lock lock(mutex_);
    target_counters c;
    c.applied = applied_;
    c.failed = failed_;
    c.written = applied_ + failed_;
    c.concepts = graph_.concept_count();
    c.associations = graph_.association_count();
    return c;
  }

private:
  friend class mutex_map_reader;

  mutable std::shared_mutex mutex_; // guards all below
  mutable_graph graph_;
  std::vector<std::string> kinds_;
  std::uint64_t applied_ = 0;
  std::uint64_t failed_ = 0;
};

bool mutex_map_reader::find(const concept_id& id) {
  const std::shared_lock lock(map_.mutex_);
  const node* n = map_.graph_.find(id);
  return n != nullptr && n->strength >= 0;
}

std::size_t mutex_map_reader::neighbors(const concept_id& id, std::size_t limit) {
  const std::shared_lock lock(map_.mutex_);
  found_.clear();
  const node* n = map_.graph_.find(id);
  if (n == nullptr)
    return 0;
  for (const auto& e : n->out) {
    const node& other = map_.graph_.nodes()[e.other];
    if (other.learned)
      found_.push_back({e.confidence, e.kind, &other.id});
  }
  const auto better = [](const edge& a, const edge& b) {
    if (a.confidence != b.confidence)
      return a.confidence > b.confidence;
    return *a.id != *b.id ? *a.id < *b.id : a.kind < b.kind;
  };
  const std::size_t count = std::min(limit, found_.size());
  std::partial_sort(found_.begin(), found_.begin() + static_cast<std::ptrdiff_t>(count),
                    found_.end(), better);
  found_.resize(count);
  return count;
}

std::vector<found_edge> mutex_map_reader::last_neighbors() const {
  const std::shared_lock lock(map_.mutex_);
  std::vector<found_edge> all;
  for (const edge& e : found_)
    all.push_back({e.confidence, e.kind, *e.id});
  return all;
}

std::optional<std::size_t> mutex_map_reader::find_path(const concept_id& from, const concept_id& to,
                                                       std::uint32_t depth_max) {
  const std::shared_lock lock(map_.mutex_);
  const node* a = map_.graph_.find(from);
  const node* b = map_.graph_.find(to);
  if (a == nullptr || b == nullptr)
    return std::nullopt;
  return paths_.hops(map_.graph_, map_.graph_.index_of(*a), map_.graph_.index_of(*b), depth_max);
}

std::size_t mutex_map_reader::traverse(query_kind kind, const concept_id& from,
                                       const concept_id& to, const phase& limits) {
  const std::shared_lock lock(map_.mutex_);
  const mutable_graph& g = map_.graph_;
  const node* a = g.find(from);
  const node* b = g.find(to);
  if (a == nullptr || b == nullptr)
    return 0;
  const std::uint32_t start = g.index_of(*a);
  switch (kind) {
    case query_kind::confident_path:
      return context_.confident_path(g, start, g.index_of(*b), limits.path_depth_max) ? 1 : 0;
    case query_kind::alternative_paths:
      return context_.alternative_paths(g, start, g.index_of(*b), limits.path_depth_max,
                                        limits.alternatives);
    case query_kind::subgraph:
      return context_.subgraph(g, start, limits.context_hops, limits.context_concepts).first;
    case query_kind::activation:
      return context_.activation(g, start, limits.context_hops, limits.context_concepts);
    case query_kind::find:
    case query_kind::neighbors:
    case query_kind::find_path:
    case query_kind::search: break;
  }
  return target_reader::traverse(kind, from, to, limits);
}

} // namespace

std::unique_ptr<scenario_target> make_mutex_map_target(std::size_t concepts) {
  return std::make_unique<mutex_map>(concepts);
}

} // namespace cmem::tools
