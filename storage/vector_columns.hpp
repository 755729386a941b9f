#pragma once
// The vectors of a memory, one byte a component, as scans and graphs of neighbors read them.
//
// A slot has the codes of one vector (vector_kernels.hpp), whose they are, and when it was brought.
// Slots are only ever appended. A concept that is learned anew gets a new slot, the older one stays
// for older snapshots: which of them a snapshot means, is_current() tells from the record.

#include "storage/graph_snapshot.hpp"
#include "storage/growing_array.hpp"
#include "storage/prefetch.hpp"
#include "storage/vector_kernels.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace cmem {

/// What all generations of one lineage share: see growing_array for who may read what.
struct vector_slots {
  explicit vector_slots(std::uint32_t vector_dimension);
  /// About what so many slots take, of concepts with indices below `indices`.
  [[nodiscard]] std::uint64_t bytes(std::uint32_t slots, std::uint32_t indices) const noexcept;

  std::uint32_t dimension;
  std::size_t stride; // code_stride(dimension)
  growing_array<std::int8_t> codes;
  growing_array<float> unit_scales;       // this, …
  growing_array<float> unit_residuals;    // this, …
  growing_array<double> norms;            // and this: see quantized_vector
  growing_array<float> confidences;       // constant for a version, as is the vector
  growing_array<float> confidence_maxima; // of each confidence_group slots, once there are so many
  growing_array<std::uint32_t> owners;    // indices of concepts
  growing_array<std::uint64_t> versions;  // concept_node::payload_version
  growing_array<std::uint32_t> before;    // 1 + the slot that its owner had before; 0: none
  growing_array<std::uint32_t> newest;    // by index of a concept: 1 + its newest slot; 0: none.
                                          // Written while others read: by std::atomic_ref
};

/// The slots [0, slots()) of a lineage. Immutable: what is appended later lies beyond.
/// Threads: any that came by it through an acquire (a snapshot it is attached to).
class vector_columns {
public:
  static constexpr std::uint32_t slot_none = 0xFFFF'FFFF;
  static constexpr std::uint32_t confidence_group = 64; ///< divides where runs begin

  vector_columns(std::shared_ptr<const vector_slots> shared, std::uint32_t slots,
                 std::uint32_t indices) noexcept
    : shared_(std::move(shared)), slots_(slots), indices_(indices) {}

  [[nodiscard]] std::uint32_t slots() const noexcept { return slots_; }
  [[nodiscard]] std::uint32_t dimension() const noexcept { return shared_->dimension; }
  [[nodiscard]] std::size_t stride() const noexcept { return shared_->stride; }
  /// Two of one lineage have the same slots, up to the smaller count of them.
  [[nodiscard]] bool same_lineage(const vector_columns& other) const noexcept {
    return shared_ == other.shared_;
  }

  /// What tells lineages apart; it keeps what it is of.
  [[nodiscard]] std::shared_ptr<const void> lineage() const noexcept { return shared_; }

  // Precondition: slot < slots().
  [[nodiscard]] const std::int8_t* codes(std::uint32_t slot) const noexcept {
    return shared_->codes.at(slot);
  }
  [[nodiscard]] const float& unit_scale(std::uint32_t slot) const noexcept {
    return shared_->unit_scales[slot];
  }
  [[nodiscard]] const float& unit_residual(std::uint32_t slot) const noexcept {
    return shared_->unit_residuals[slot];
  }
  [[nodiscard]] const double& norm(std::uint32_t slot) const noexcept {
    return shared_->norms[slot];
  }
  [[nodiscard]] const std::uint32_t& owner(std::uint32_t slot) const noexcept {
    return shared_->owners[slot];
  }
  [[nodiscard]] const std::uint64_t& version(std::uint32_t slot) const noexcept {
    return shared_->versions[slot];
  }
  [[nodiscard]] const float& confidence(std::uint32_t slot) const noexcept {
    return shared_->confidences[slot];
  }
  /// Of slots [group * confidence_group, (group + 1) * confidence_group), all below slots().
  [[nodiscard]] const float& confidence_max(std::uint32_t group) const noexcept {
    return shared_->confidence_maxima[group];
  }
  /// The slot that its owner had before, or slot_none.
  [[nodiscard]] std::uint32_t before(std::uint32_t slot) const noexcept {
    return shared_->before[slot] - 1;
  }
  /// It has the vector that its owner has in this snapshot. At most one slot of a concept does.
  [[nodiscard]] bool is_current(const graph_snapshot& s, std::uint32_t slot) const noexcept {
    const std::uint32_t i = owner(slot);
    return i < s.index_count() && s.node(i).state == node_learned
           && s.node(i).payload_version == version(slot);
  }

  /// The newest slot of the concept with this index, or slot_none: it had no vector by then. Any
  /// index.
  [[nodiscard]] std::uint32_t slot_of(std::uint32_t index) const noexcept;

  /// Fetches what slot_of() reads first, for a call some time later.
  void prefetch_slot_of(std::uint32_t index) const noexcept {
    if (index < indices_)
      prefetch_line(&shared_->newest[index]);
  }

  /// Of what it was made of, with all of its lineage that lies below.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return shared_->bytes(slots_, indices_); }

  /// Slots [first, first + count) have their columns behind one another: codes(first),
  /// &norm(first) and so on are the beginnings of arrays. `first` < slots().
  [[nodiscard]] std::uint32_t run_of(std::uint32_t first) const noexcept {
    const std::uint64_t together = growing_array<std::uint32_t>::run_of(first);
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(together, slots_ - first));
  }

private:
  std::shared_ptr<const vector_slots> shared_;
  std::uint32_t slots_;
  std::uint32_t indices_; // `newest` has those below it
};

/// Appends to a lineage. Threads: one.
class vector_columns_builder {
public:
  /// An empty lineage. Precondition: dimension > 0.
  explicit vector_columns_builder(std::uint32_t dimension);

  /// Brings the lineage up to date with one concept: appends a slot where the concept has a vector
  /// in `s` and its version is not that of its newest slot. Whether it did. Throws std::bad_alloc,
  /// also where slots have no more numbers: then nothing is changed.
  bool take(const graph_snapshot& s, std::uint32_t index);
  /// Whose slot restore() appends where no concept has its vector any more.
  static constexpr std::uint32_t nobody = 0xFFFF'FFFF;
  /// Appends a slot with these codes of code_stride(dimension) bytes, as another lineage had it:
  /// for the vector that the concept with this index has in `s`, or for nobody. An older slot of
  /// the concept becomes nobody's. Precondition: the index is that of a learned concept, or
  /// `nobody`; all that is restored comes before the first take() and publish(). Throws
  /// std::bad_alloc, and then has changed nothing.
  void restore(const graph_snapshot& s, std::uint32_t index, const quantized_vector& form,
               const std::int8_t* codes);
  /// All taken so far.
  [[nodiscard]] std::shared_ptr<const vector_columns> publish() const;

  [[nodiscard]] std::uint32_t slots() const noexcept { return slots_; }
  /// Slots that no concept had in the snapshot with which it was taken last.
  [[nodiscard]] std::uint32_t dead() const noexcept { return slots_ - live_; }
  /// As vector_columns::bytes().
  [[nodiscard]] std::uint64_t bytes() const noexcept { return shared_->bytes(slots_, indices_); }

private:
  void reserve(std::uint32_t indices);
  void append(std::uint32_t owner, std::uint64_t version, float confidence, std::uint32_t before,
              const quantized_vector& form) noexcept;
  void set_live(std::uint32_t index, bool live);

  std::shared_ptr<vector_slots> shared_;
  std::uint32_t slots_ = 0;
  std::uint32_t indices_ = 0;
  std::uint32_t live_ = 0;
  std::vector<bool> is_live_; // by index of a concept: its newest slot was current
  std::vector<float> room_;   // reused
};

class vector_graph; // vector_graph.hpp

/// A generation of the index of vectors.
struct vector_index {
  std::shared_ptr<const vector_columns> columns; ///< never null
  /// Over some or all of the slots of `columns`; may be null.
  std::shared_ptr<const vector_graph> graph;
};

} // namespace cmem
