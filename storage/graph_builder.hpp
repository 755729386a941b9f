#pragma once
// Makes the next snapshot: the one writer of everything that snapshots read.

#include "storage/adjacency_builder.hpp"
#include "storage/change_trail.hpp"
#include "storage/changed_set.hpp"
#include "storage/cow_array_builder.hpp"
#include "storage/graph_snapshot.hpp"
#include "storage/id_table.hpp"
#include "storage/limits.hpp"
#include "storage/page_pool.hpp"
#include "storage/payload_pool.hpp"
#include "storage/reclaimer.hpp"
#include "storage/settlement_log.hpp"
#include "storage/span_array.hpp"
#include "storage/write_entry.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

namespace cmem {

struct graph_builder_options {
  std::uint32_t vector_dimension = 0;
  bool association_times = true;
  timestamp_us strength_half_life = 0;                   ///< 0: strengths do not fade
  bool track_expiry = false;                             ///< concept_node::expires also of loaded
  std::uint64_t memory_budget_bytes = 0;                 ///< 0: none
  std::uint32_t concepts_max = cmem::concepts_max;       ///< placeholders included
  std::uint32_t degree_max = cmem::degree_max;           ///< of a concept, each direction
  bool track_changes = false;                            ///< for take_changes()
  bool pack_adjacency = false;                           ///< what is loaded comes up packed
  std::function<void(const write_entry&)> on_apply = {}; ///< may throw; for tests of W9
  std::uint32_t merge_threads = 1;                       ///< 2: long runs by two, as one would
  std::size_t parallel_entries_min = 4'000;              ///< of a run, to be a long one
};

class parallel_merge;

/// Applies entries in order to a private copy-on-write version (merge), then turns it into a
/// snapshot (publish) or takes everything back (discard). What a version replaces is retired and
/// freed by reclaim() when no live snapshot sees it. Costs follow the batch, not the graph (R3);
/// discard alone costs what the graph does. Threads: one at a time (the reconciler). Snapshots made
/// here die by reclaim() or with the builder.
class graph_builder {
public:
  using failed_callback = std::function<void(const write_entry& first, errc reason)>;

  /// Publishes an empty snapshot with `settled`.
  graph_builder(page_pool& pages, payload_pool& payloads, graph_builder_options options,
                std::shared_ptr<const settlements> settled);
  ~graph_builder();
  graph_builder(const graph_builder&) = delete;
  graph_builder& operator=(const graph_builder&) = delete;

  /// Applies the entries (first ones of batches, in log order). One that cannot be applied changes
  /// nothing and is reported; so is a batch, as a whole. Throws std::bad_alloc, or what on_apply
  /// throws: discard() then.
  void merge(std::span<const handle> entries, const failed_callback& failed);
  /// The snapshot of all that was merged; takes the payloads out of the entries. Throws
  /// std::bad_alloc (the heap's) before it changed anything.
  graph_snapshot* publish(std::uint64_t sequence, timestamp_us timestamp,
                          std::shared_ptr<const settlements> settled);
  /// From now on new things are held to these. For a store that is opened: what it holds was taken
  /// under the limits of its time.
  void set_limits(std::uint64_t memory_budget_bytes, std::uint32_t concepts_max,
                  std::uint32_t degree_max) noexcept {
    options_.memory_budget_bytes = memory_budget_bytes;
    options_.concepts_max = concepts_max;
    options_.degree_max = degree_max;
  }
  /// From the next publish() on.
  void set_strength_half_life(timestamp_us h) noexcept { options_.strength_half_life = h; }
  /// From the next publish() on, snapshots have a trail of what changed. It is as long as what
  /// changed since the index, or, where that falls far behind, begins anew without one.
  void keep_trail() noexcept { trail_kept_ = true; }
  [[nodiscard]] bool keeps_trail() const noexcept { return trail_kept_; }
  /// Of the next snapshots. False: it is of a trail that began anew since, or of a later version.
  bool set_index(const std::shared_ptr<const search_index>& index) noexcept;
  /// Back to the snapshot published last; the entries still own their payloads.
  void discard() noexcept;

  /// What changed since the last take_changes(), up to newest(). Empty if not tracked.
  [[nodiscard]] const changed_set& changes() const noexcept { return changes_; }
  struct changes_taken {
    std::vector<std::uint32_t> records;
    std::vector<std::uint32_t> lists;
    std::vector<concept_id> forgotten;
    std::uint64_t after = 0; ///< version: content and vectors that a later one brought are new
  };
  /// Precondition: nothing was merged since the last publish().
  [[nodiscard]] changes_taken take_changes() noexcept;

  /// Where a mapped file has what a concept consists of.
  struct mapped_parts {
    std::uint32_t index;
    concept_id id;
    bool payload; ///< content and vector, if any, lie there
    handle content;
    handle vector;
    handle extras;
  };
  /// What the snapshot of `version` has of these concepts lies in a mapped file too. Takes it from
  /// there wherever it is still the same, so that the blocks come back. Throws std::bad_alloc:
  /// discard() then.
  void adopt(std::span<const mapped_parts> parts, std::uint64_t version);

  struct moved_parts {
    concept_id id;
    handle content;
    handle vector;
    handle extras;
  };
  /// Mapped files lie there: [first, end).
  struct mapped_range {
    handle first;
    handle end;
  };
  /// A newer mapped file has what these concepts have in `old`: takes it from there. A vector that
  /// reads otherwise from then on (vector_comparison) counts as brought by this version, and is on
  /// the trail; to a store it is no change. Throws std::bad_alloc: discard() then.
  void relocate(std::span<const moved_parts> parts, std::span<const mapped_range> old);

  /// Packs lists that no version after `settled` has changed, of those that one after `looked_at`
  /// has: from `first` on (0, or where the last call stopped), until the list with which that was
  /// as much work as packing `work` associations. No list of more than pack_degree_max. Then there
  /// may be something to publish. Throws std::bad_alloc: discard() then. Precondition: nothing was
  /// merged since the last publish().
  struct packed_some {
    std::uint64_t next = 0;  ///< where to go on; 0 when it was over
    std::uint32_t lists = 0; ///< that were packed
  };
  packed_some pack_settled(std::uint64_t first, std::uint64_t looked_at, std::uint64_t settled,
                           std::uint32_t work);
  /// One list is packed in one step, and may not hold up the next merge for long.
  static constexpr std::uint32_t pack_degree_max = 4096;

  /// Snapshots published and not yet freed, ascending; the last is the newest.
  [[nodiscard]] const std::vector<graph_snapshot*>& live() const noexcept { return live_; }
  /// Frees what no snapshot sees, given which of live() are in use (the newest always is). Throws
  /// std::bad_alloc (the heap's): call it again before anything else is merged.
  void reclaim(const std::vector<bool>& in_use);

  /// Makes ready what the next versions will need if they are like the last, so that memory is
  /// touched between publishes and not within. Never throws.
  void provision() noexcept {
    pages_.provision();
    retired_.provision();
  }

  [[nodiscard]] const graph_snapshot& newest() const noexcept { return *live_.back(); }
  [[nodiscard]] bool over_budget() const noexcept;
  /// Bytes of everything here and in the two pools.
  [[nodiscard]] std::uint64_t bytes_in_use() const noexcept;
  [[nodiscard]] std::size_t bookkeeping_bytes() const noexcept;
  [[nodiscard]] std::size_t times_bytes() const noexcept { return out_.times_bytes(); }
  /// Parts of long runs that two threads applied.
  [[nodiscard]] std::uint64_t parallel_parts() const noexcept;
  [[nodiscard]] std::uint64_t retired_bytes() const noexcept {
    return retired_.page_bytes_waiting();
  }

private:
  friend class batch_check;
  friend class graph_loader;
  friend class parallel_merge;
  static constexpr std::uint32_t none = id_table::index_none;

  // What the prefetching stages found out about an entry; hints, verified when used.
  struct lookahead {
    write_entry* entry;
    std::uint64_t hash_a;
    std::uint64_t hash_b;
    std::uint32_t a;
    std::uint32_t b;
  };
  struct association_positions {
    std::uint32_t out = none;
    std::uint32_t in = none;
  };

  [[nodiscard]] write_entry* entry_at(handle h) const noexcept {
    return reinterpret_cast<write_entry*>(payloads_.data(h));
  }
  static bool has_target(entry_op op) noexcept;
  void look_up(lookahead& l) const noexcept;
  void prefetch_refs(const lookahead& l) const noexcept;
  void prefetch_roots(const lookahead& l) const noexcept;
  void prefetch_leaves(const lookahead& l) const noexcept;
  void prefetch_tails(const lookahead& l) const noexcept;
  void prepare();
  void add_to_run(write_entry* e);
  /// Applies what is in run_, and empties it. `checked`: entries of a batch that batch_check let
  /// through.
  void apply_run(const failed_callback& failed, bool checked);
  void apply_in_order(std::span<lookahead> run, const failed_callback& failed, bool checked);

  errc apply(const lookahead& l);
  errc learn_concept(const lookahead& l);
  errc learn_association(const lookahead& l);
  errc change_concept(const lookahead& l); // strengthen, record_access
  errc set_attributes(const lookahead& l);
  errc change_association(const lookahead& l);
  errc forget_concept(const lookahead& l);
  errc forget_if_due(const lookahead& l);
  errc forget_association(const lookahead& l);

  [[nodiscard]] const concept_node& node(std::uint32_t i) const noexcept {
    return node_page(
      pages_of_nodes_[i / graph_snapshot::page_nodes])[i % graph_snapshot::page_nodes];
  }
  [[nodiscard]] concept_node* node_page(handle page) const noexcept {
    return pages_.memory().as<concept_node>(page);
  }
  [[nodiscard]] concept_node& own_node(std::uint32_t i);
  /// The same for what is no change to a store.
  [[nodiscard]] concept_node& own_node_unmarked(std::uint32_t i);
  [[nodiscard]] bool learned(std::uint32_t i) const noexcept {
    return i != none && node(i).state == node_learned;
  }
  [[nodiscard]] std::uint32_t find(const concept_id& id, std::uint64_t hash,
                                   std::uint32_t hint) const noexcept;
  [[nodiscard]] std::uint32_t find(const concept_id& id) const noexcept;
  /// How many more concepts there is an index for.
  [[nodiscard]] std::uint64_t indices_left() const noexcept {
    const std::uint32_t fresh = // none, where a store holds more than it would now take
      options_.concepts_max > index_count_ ? options_.concepts_max - index_count_ : 0;
    return fresh + (free_indices_.size() - free_indices_taken_);
  }
  [[nodiscard]] std::uint32_t add_node(const concept_id& id, std::uint64_t hash);
  /// A placeholder that ids_ does not lead to yet.
  [[nodiscard]] std::uint32_t add_record(const concept_id& id);
  void revive(std::uint32_t i);
  void forget(std::uint32_t i);
  void touch(concept_node& n, timestamp_us time) const noexcept;
  void vacate_if_unused(std::uint32_t i);
  void vacate(std::uint32_t i);
  void free_index(std::uint32_t i, std::uint32_t token) noexcept;

  /// Precondition: it has some.
  [[nodiscard]] const node_extras& extras_of(const concept_node& n) const noexcept {
    return *reinterpret_cast<const node_extras*>(payloads_.data(n.extras));
  }
  [[nodiscard]] std::string_view name_of(const concept_node& n) const noexcept;
  [[nodiscard]] std::span<const std::byte> attributes_of(const concept_node& n) const noexcept;
  [[nodiscard]] bool name_collides(std::uint32_t i, handle name) const noexcept;
  void keep_name(std::uint32_t i, handle name);
  void set_extras(std::uint32_t i, std::string_view name, std::span<const std::byte> attributes,
                  std::span<const std::byte> updates);
  void leave_trail(std::uint32_t i) {
    if (trail_kept_)
      trail_.add(i);
  }
  void keep_names(const write_entry& e, std::uint32_t source, std::uint32_t target);
  [[nodiscard]] bool names_differ(const write_entry& e) const noexcept;
  handle take(handle& field);

  [[nodiscard]] bool has_association(std::uint32_t source, std::uint32_t target,
                                     kind_id kind) const noexcept;
  [[nodiscard]] association_positions find_association(std::uint32_t source, std::uint32_t target,
                                                       kind_id kind);
  void remove_associations_of(std::uint32_t i);
  [[nodiscard]] std::uint64_t learned_associations_of(std::uint32_t i) const noexcept;

  page_pool& pages_;
  payload_pool& payloads_;
  graph_builder_options options_; // const but for limits and half-life
  changed_set changes_;
  std::uint64_t changes_after_ = 0; // version: all up to it was taken
  change_trail_builder trail_;
  bool trail_kept_ = false;
  std::shared_ptr<const search_index> index_;
  reclaimer retired_;
  id_table ids_;
  cow_array_builder<handle, 32> pages_of_nodes_;
  span_array<std::uint64_t> node_page_version_; // version that made each page of records
  adjacency_builder out_;
  adjacency_builder in_;
  span_array<std::uint64_t> index_since_; // version in which each index was given out

  std::vector<std::uint32_t> free_indices_; // has room for all vacancies too
  std::size_t free_indices_taken_ = 0;      // from the back, by the version being built
  std::unordered_map<std::uint32_t, std::uint32_t>
    vacancies_; // vacant index -> token of its retirement
  std::uint32_t vacancy_token_ = 0;

  std::uint64_t version_ = 1; // being built
  std::uint32_t index_count_ = 0;
  std::uint64_t concept_count_ = 0;
  std::uint64_t edge_count_ = 0;
  std::uint64_t placeholder_count_ = 0;
  bool over_budget_ = false; // looked at once a run

  // To take a version back.
  struct vacancy_change {
    std::uint32_t index;
    std::unordered_map<std::uint32_t, std::uint32_t>::node_type before; // empty: none
  };
  std::vector<vacancy_change> vacancy_changes_;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> added_ids_; // hash, index
  std::vector<handle> added_payloads_;
  std::vector<handle*> taken_payloads_; // fields of entries, emptied by publish()

  std::vector<graph_snapshot*> live_;
  std::vector<lookahead> run_;        // reused
  std::vector<std::size_t> in_order_; // positions in run_ of entries that two threads do not take
  std::unique_ptr<parallel_merge> parallel_; // null with one thread
  std::unique_ptr<packing> packing_;         // made when it is first needed
  std::uint64_t packed_in_ = 0;              // version that pack_settled() was last at work on
};

} // namespace cmem
