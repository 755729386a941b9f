#pragma once
// The whole graph as of one sequence number. Immutable; see graph_builder.hpp for how it is made.

#include "storage/adjacency.hpp"
#include "storage/arena.hpp"
#include "storage/attribute_codec.hpp"
#include "storage/change_trail.hpp"
#include "storage/coded_vectors.hpp"
#include "storage/concept_id.hpp"
#include "storage/cow_array.hpp"
#include "storage/id_table.hpp"
#include "storage/prefetch.hpp"
#include "storage/read_view.hpp"
#include "storage/records.hpp"
#include "storage/retention.hpp"
#include "storage/search_index.hpp"
#include "storage/settlement_log.hpp"
#include "storage/ticket.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace cmem {

class graph_builder;

/// A concept's record: one cache line.
struct alignas(64) concept_node {
  static constexpr std::uint64_t payload_version_max = (std::uint64_t{1} << 47) - 1;

  concept_id id;
  timestamp_us created;
  timestamp_us last_accessed;
  std::uint64_t payload_version : 47; // snapshot that brought content and vector
  std::uint64_t expires : 1;          // some day: see retention.hpp
  std::uint64_t state : 16;           // node_state
  float strength;
  float confidence;
  std::uint32_t access_count;
  handle content;
  handle vector;
  handle extras; // node_extras: name and attributes
};
static_assert(sizeof(concept_node) == 64);

enum node_state : std::uint16_t {
  node_vacant = 0,      ///< unused index
  node_placeholder = 1, ///< end of an association, not learned (yet)
  node_learned = 2,
};

/// Head of the payload block that holds name and attributes; their bytes follow.
struct node_extras {
  std::uint64_t version;         // snapshot that brought it
  std::uint32_t name_bytes;      // name first …
  std::uint32_t attribute_bytes; // … then encoded attributes (attribute_codec.hpp), 0 when none
};

/// A learned concept in a snapshot. A view: valid as long as the snapshot is held (R6).
class concept_view {
public:
  concept_view(const std::byte* base, const concept_node& node, std::uint32_t index,
               std::uint32_t dimension, const strength_decay& decay) noexcept
    : base_(base), node_(&node), decay_(&decay), index_(index), dimension_(dimension) {}

  [[nodiscard]] std::uint32_t index() const noexcept { return index_; }
  [[nodiscard]] const concept_id& id() const noexcept { return node_->id; }
  [[nodiscard]] std::string_view name() const noexcept; ///< empty when only ever named by id
  [[nodiscard]] std::string_view content() const noexcept;
  /// As it was learned, or as codes that a store without originals has of it.
  [[nodiscard]] stored_vector vector() const noexcept;
  /// What is left of it as of the snapshot's time (retention.hpp).
  [[nodiscard]] float strength() const noexcept {
    return (*decay_)(node_->strength, node_->last_accessed);
  }
  /// As of last_accessed().
  [[nodiscard]] float stored_strength() const noexcept { return node_->strength; }
  [[nodiscard]] float confidence() const noexcept { return node_->confidence; }
  [[nodiscard]] timestamp_us created() const noexcept { return node_->created; }
  [[nodiscard]] timestamp_us last_accessed() const noexcept { return node_->last_accessed; }
  [[nodiscard]] std::uint32_t access_count() const noexcept { return node_->access_count; }
  [[nodiscard]] retention_marks marks() const noexcept { return marks_of(attributes()); }
  /// Ascending keys.
  [[nodiscard]] attribute_reader attributes() const noexcept {
    return attribute_reader(encoded_attributes());
  }
  /// The same as attribute_codec.hpp has them; empty when there are none.
  [[nodiscard]] std::span<const std::byte> encoded_attributes() const noexcept;
  [[nodiscard]] concept_record copy() const;

private:
  const std::byte* base_;
  const concept_node* node_;
  const strength_decay* decay_; // the snapshot's
  std::uint32_t index_;
  std::uint32_t dimension_; // of vectors
};

/// Concepts have dense 32-bit indices, good within this snapshot (and any other in which the
/// concept was never forgotten). Traversal works on indices; ids are looked up only at the edges.
/// Threads: everything from any thread that holds the snapshot (read_view.hpp); all calls are
/// wait-free and write nothing.
class graph_snapshot : public view_target {
public:
  /// Entries numbered <= this are in it (R2).
  [[nodiscard]] std::uint64_t sequence() const noexcept { return sequence_; }
  /// Microseconds since the epoch: max(previous snapshot's, now at publish) (R7).
  [[nodiscard]] timestamp_us timestamp() const noexcept { return decay_.as_of; }
  /// How strengths fade, as of timestamp().
  [[nodiscard]] const strength_decay& decay() const noexcept { return decay_; }
  /// Counts publishes; internal order of snapshots.
  [[nodiscard]] std::uint64_t version() const noexcept { return version_; }
  [[nodiscard]] std::uint64_t concept_count() const noexcept { return concept_count_; }
  /// Associations whose two ends are learned.
  [[nodiscard]] std::uint64_t edge_count() const noexcept { return edge_count_; }
  [[nodiscard]] std::uint64_t placeholder_count() const noexcept { return placeholder_count_; }

  /// True when the ticket's entry is applied in this snapshot (W2).
  [[nodiscard]] bool covers(const ticket& t) const noexcept {
    return outcome(t).what == fate::applied;
  }
  /// What became of the ticket's entry, as of this snapshot (W4).
  [[nodiscard]] settlement outcome(const ticket& t) const noexcept { return settled_->of(t); }

  /// The learned concept with this id.
  [[nodiscard]] std::optional<concept_view> find(const concept_id& id) const noexcept {
    // Newer snapshots share the table: what it names counts only if this one has it under that id.
    const concept_node* found = nullptr;
    const std::uint32_t index = ids_->find(hash_value(id), [&](std::uint32_t i) {
      if (i >= index_count_)
        return false;
      found = &node(i);
      return found->id == id;
    });
    return index != id_table::index_none && found->state == node_learned
             ? std::optional(concept_view(base_, *found, index, vector_dimension_, decay_))
             : std::nullopt;
  }
  [[nodiscard]] std::optional<std::uint32_t> index_of(const concept_id& id) const noexcept {
    const auto found = find(id);
    return found ? std::optional(found->index()) : std::nullopt;
  }
  /// The same of many, with their cache misses side by side: appends the indices of those that are
  /// learned, in the order of `ids`. Throws std::bad_alloc.
  void append_indices(std::span<const concept_id> ids, std::vector<std::uint32_t>& to) const;
  /// All indices are below this; some below it may be vacant or placeholders.
  [[nodiscard]] std::uint32_t index_count() const noexcept { return index_count_; }
  /// Precondition for all below: index < index_count().
  [[nodiscard]] const concept_node& node(std::uint32_t index) const noexcept {
    const handle page = pages_[index / page_nodes];
    return reinterpret_cast<const concept_node*>(
      base_ + std::size_t{page} * handle_unit)[index % page_nodes];
  }
  [[nodiscard]] concept_view at(std::uint32_t index) const noexcept {
    return {base_, node(index), index, vector_dimension_, decay_};
  }
  [[nodiscard]] bool is_learned(std::uint32_t index) const noexcept {
    return node(index).state == node_learned;
  }
  /// Fetches the content, vector, name and attributes that at(index) shows.
  void prefetch_payloads(std::uint32_t index) const noexcept;
  /// Ends that are not learned occur in these lists: skip them unless placeholder_count() is 0.
  [[nodiscard]] adjacency_list out(std::uint32_t index) const noexcept {
    return out_list(out_[index]);
  }
  /// Sources; kinds, confidences and weights as in out(), times never.
  [[nodiscard]] adjacency_list in(std::uint32_t index) const noexcept {
    return in_list(in_[index]);
  }
  /// The same of concepts that follow one another: what out_list() and in_list() make lists of, by
  /// index - first. Precondition: first is a multiple of refs_together, below index_count().
  [[nodiscard]] const adjacency_ref* out_refs(std::uint32_t first) const noexcept {
    return out_.leaf(first);
  }
  [[nodiscard]] const adjacency_ref* in_refs(std::uint32_t first) const noexcept {
    return in_.leaf(first);
  }
  [[nodiscard]] adjacency_list out_list(const adjacency_ref& r) const noexcept {
    return {base_, r, association_times_};
  }
  [[nodiscard]] adjacency_list in_list(const adjacency_ref& r) const noexcept {
    return {base_, r, false};
  }
  static constexpr std::uint32_t refs_together = 16;
  /// Fetches what out(index) or in(index) reads, for a call some time later.
  void prefetch_out(std::uint32_t index) const noexcept { prefetch_line(&out_[index]); }
  void prefetch_in(std::uint32_t index) const noexcept { prefetch_line(&in_[index]); }
  [[nodiscard]] bool keeps_association_times() const noexcept { return association_times_; }
  [[nodiscard]] std::uint32_t vector_dimension() const noexcept { return vector_dimension_; }

  /// Null where none is kept, or was made yet.
  [[nodiscard]] const search_index* index() const noexcept { return index_.get(); }
  /// What changed since index(): from its `covers` on. Empty where no index is kept.
  [[nodiscard]] const change_trail& trail() const noexcept { return trail_; }

  static constexpr std::uint32_t page_nodes = 1; ///< records a page

private:
  friend class graph_builder;

  std::byte* base_ = nullptr; // of the arena
  cow_array_view<handle, 32> pages_;
  cow_array_view<adjacency_ref, refs_together> out_;
  cow_array_view<adjacency_ref, refs_together> in_;
  const id_table* ids_ = nullptr; // shared by all snapshots: see id_table.hpp
  std::uint32_t index_count_ = 0;
  bool association_times_ = true;
  std::uint32_t vector_dimension_ = 0;
  std::uint64_t version_ = 0;
  std::uint64_t sequence_ = 0;
  strength_decay decay_; // with the timestamp
  std::uint64_t concept_count_ = 0;
  std::uint64_t edge_count_ = 0;
  std::uint64_t placeholder_count_ = 0;
  std::shared_ptr<const settlements> settled_;
  std::shared_ptr<const search_index> index_;
  change_trail trail_;
};

} // namespace cmem
