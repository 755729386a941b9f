#pragma once
// The baseline: a graph as a program would keep it without this library, to be put behind a lock.

#include "storage/concept_id.hpp"
#include "storage/records.hpp"

#include <absl/container/flat_hash_map.h>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cmem::tools {

/// One flat hash table from id to index, nodes in one vector, edges in vectors of their own, in
/// both directions; a duplicate is looked for in the shorter of the two lists; forgotten indices
/// are reused. Everything is reserved for the expected number of concepts. As good as we can make
/// it. Threads: none of its own protection.
class mutable_graph {
public:
  struct edge {
    std::uint32_t other;
    kind_id kind;
    float confidence;
    float weight;
    timestamp_us created;
    timestamp_us last_used;
  };
  struct node {
    concept_id id;
    bool learned = false;
    float strength = 0;
    float confidence = 0;
    std::uint32_t access_count = 0;
    timestamp_us created = 0;
    timestamp_us last_accessed = 0;
    std::string content;
    std::vector<float> vector;
    std::map<std::string, std::string, std::less<>> attributes;
    std::vector<edge> out;
    std::vector<edge> in;
  };

  explicit mutable_graph(std::size_t concepts_expected);

  /// The learned concept, nullptr without one.
  [[nodiscard]] const node* find(const concept_id& id) const;
  [[nodiscard]] const std::vector<node>& nodes() const noexcept { return nodes_; }
  [[nodiscard]] std::uint32_t index_of(const node& n) const noexcept {
    return static_cast<std::uint32_t>(&n - nodes_.data());
  }
  [[nodiscard]] std::size_t concept_count() const noexcept { return concepts_; }
  /// Those whose ends are not learned included.
  [[nodiscard]] std::size_t association_count() const noexcept { return associations_; }

  /// Applies a write as the memory would (W5, W6); false where the memory answers not_found.
  bool apply(const op::learn_concept& o, timestamp_us now);
  bool apply(const op::learn_association& o, timestamp_us now);
  bool apply(const op::strengthen& o, timestamp_us now);
  bool apply(const op::strengthen_association& o, timestamp_us now);
  bool apply(const op::record_access& o, timestamp_us now);
  bool apply(const op::record_use& o, timestamp_us now);
  bool apply(const op::set_attributes& o, timestamp_us now);
  bool apply(const op::forget_concept& o, timestamp_us now);
  bool apply(const op::forget_association& o, timestamp_us now);

private:
  struct id_hash {
    std::size_t operator()(const concept_id& id) const noexcept { return hash_value(id); }
  };
  struct edge_pair {
    edge* out;
    edge* in;
  };
  std::uint32_t place(const concept_id& id);
  node* learned(const concept_id& id) { return const_cast<node*>(find(id)); }
  edge_pair edges(std::uint32_t s, std::uint32_t t, kind_id kind);
  edge_pair edges(const concept_id& source, const concept_id& target, kind_id kind);

  absl::flat_hash_map<concept_id, std::uint32_t, id_hash> index_;
  std::vector<node> nodes_;
  std::vector<std::uint32_t> vacant_;
  std::size_t concepts_ = 0;
  std::size_t associations_ = 0;
};

/// Fewest hops by breadth-first search from both ends, the smaller frontier first, on arrays that
/// are reused. Of several shortest paths any will do: that spares it the order that the memory
/// promises. Threads: one.
class mutable_graph_paths {
public:
  /// Preconditions: both learned.
  std::optional<std::size_t> hops(const mutable_graph& g, std::uint32_t from, std::uint32_t to,
                                  std::uint32_t depth_max);

private:
  bool expand(const mutable_graph& g, std::vector<std::uint32_t>& frontier,
              std::vector<mutable_graph::edge> mutable_graph::node::*edges, std::uint64_t mine,
              std::uint64_t other);

  std::vector<std::uint64_t> seen_; // by node: number of the search, and which side saw it
  std::uint64_t search_ = 0;
  std::vector<std::uint32_t> ahead_, behind_, next_;
};

} // namespace cmem::tools
