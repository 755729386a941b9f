#pragma once
// The writing side of adjacency.hpp: one direction of all associations.

#include "storage/adjacency.hpp"
#include "storage/changed_set.hpp"
#include "storage/cow_array_builder.hpp"
#include "storage/hub_index.hpp"
#include "storage/page_pool.hpp"
#include "storage/reclaimer.hpp"

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

namespace cmem {

/// Properties of an association on their way into a leaf.
struct association_values {
  kind_id kind;
  float confidence;
  float weight;
  association_times times;

  bool operator==(const association_values&) const = default;
};

/// An association on its way into a list.
struct association_link {
  std::uint32_t target;
  association_values values;
};

/// What packing works with, reused. Threads: one.
struct packing {
  std::vector<association_link> links;
  std::vector<std::uint32_t> targets; // the columns of the links
  std::vector<float> confidence;
  std::vector<float> weight;
  std::vector<kind_id> kind;
  std::vector<association_times> times;
  leaf_packer packer;

  void sort_into_columns(bool with_times);
  [[nodiscard]] adjacency_chunk columns(std::uint32_t chunk, bool with_times) const noexcept;
};

/// Appending writes in place, beyond what older snapshots count. Changing and removing copy a leaf
/// (at most 256 associations) and the way to it, once a version: the cost does not grow with the
/// degree. The same is so for appending to a packed leaf: whatever is written to is plain. Finding
/// scans with SIMD up to hub_degree_min and asks a hub_index beyond.
/// Threads: the reconciler alone; two directions may be built at once, for they share nothing but
/// the pool and the reclaimer, which keep them apart by `use`. Throws std::bad_alloc.
class alignas(64) adjacency_builder {
public:
  using array = cow_array_builder<adjacency_ref, 16>;

  /// `changed`: told which lists change, or null. Outlives this.
  adjacency_builder(page_pool& pages, reclaimer& retired, bool with_times,
                    changed_indices* changed = nullptr, page_use use = page_use::adjacency)
    : pages_(pages),
      refs_(pages, retired, use),
      retired_(retired),
      use_(use),
      with_times_(with_times),
      changed_(changed) {}

  void extend(std::uint32_t index, std::uint64_t version) { refs_.extend(index, version); }
  [[nodiscard]] std::uint32_t degree(std::uint32_t index) const noexcept {
    return refs_[index].count;
  }
  [[nodiscard]] adjacency_list list(std::uint32_t index) const noexcept {
    return {pages_.memory().base(), refs_[index], with_times_};
  }
  /// Position of (target, kind) in the list of `index`, or `none`.
  [[nodiscard]] std::uint32_t find(std::uint32_t index, std::uint32_t target, kind_id kind);
  /// The same, without making the hub_index that a long list needs. Precondition: is_indexed().
  /// Threads: any, while nothing is changed.
  [[nodiscard]] std::uint32_t look_up(std::uint32_t index, std::uint32_t target,
                                      kind_id kind) const;
  [[nodiscard]] bool is_indexed(std::uint32_t index) const noexcept;
  /// No list was ever longer.
  [[nodiscard]] std::uint32_t longest() const noexcept { return longest_; }
  /// The same without a hub_index: costs the degree.
  [[nodiscard]] std::uint32_t scan(std::uint32_t index, std::uint32_t target,
                                   kind_id kind) const noexcept;
  /// Makes an empty list one of `count` associations, which fill() then writes.
  void make(std::uint32_t index, std::uint32_t count, std::uint64_t version);
  /// Writes the associations of a list that was just made: next() gives target and values of each.
  /// Threads: any, each on lists of its own, while nothing else is called.
  template <class Next>
  void fill(std::uint32_t index, Next&& next) noexcept {
    const adjacency_ref ref = refs_[index];
    for (std::uint32_t first = 0; first < ref.count; first += chunk_size) {
      const leaf_arrays to = arrays_of(leaf_at(ref, first / chunk_size));
      const std::uint32_t n = std::min(chunk_size, ref.count - first);
      for (std::uint32_t slot = 0; slot != n; ++slot) {
        const std::pair<std::uint32_t, association_values> a = next();
        to.write(slot, a.first, a.second);
      }
    }
  }
  /// Precondition: (target, kind) is not there.
  void append(std::uint32_t index, std::uint32_t target, const association_values& v,
              std::uint64_t version);
  [[nodiscard]] association_values at(std::uint32_t index, std::uint32_t position) const noexcept;
  void replace(std::uint32_t index, std::uint32_t position, const association_values& v,
               std::uint64_t version);
  /// The last one takes its place.
  void remove(std::uint32_t index, std::uint32_t position, std::uint64_t version);
  void remove_all(std::uint32_t index, std::uint64_t version);

  // Packing, in adjacency_packing.cpp. No change: nobody is told.

  /// Makes an empty list one of these, packed where that takes less. Sorts them by target.
  void assign(std::uint32_t index, packing& with, std::uint64_t version);
  /// Packs a list if that saves an eighth of it, or more. Other positions then.
  bool pack(std::uint32_t index, packing& with, std::uint64_t version);
  /// The version in which the list, or one of 15 beside it, was changed or packed last.
  [[nodiscard]] std::uint64_t touched_in(std::uint32_t index) const noexcept {
    return refs_.touched_in(index);
  }

  void prepare() { refs_.prepare(); }
  [[nodiscard]] array::view publish(std::uint64_t version) noexcept {
    published_times_bytes_ = times_bytes_;
    return refs_.publish(version);
  }
  void roll_back(std::uint64_t published);

  /// The list's root and count, then the head of the root, then where an append writes and what
  /// find() scans: each reads what the one before has fetched.
  void prefetch_ref(std::uint32_t index) const noexcept { refs_.prefetch(index); }
  /// For who only reads: the root and count alone.
  void prefetch_element(std::uint32_t index) const noexcept { refs_.prefetch_element(index); }
  void prefetch_root(std::uint32_t index) const noexcept;
  void prefetch_leaf(std::uint32_t index) const noexcept;
  void prefetch_tail(std::uint32_t index) const noexcept;
  void prefetch_targets(std::uint32_t index) const noexcept;

  [[nodiscard]] std::size_t times_bytes() const noexcept { return times_bytes_; }
  [[nodiscard]] std::size_t bookkeeping_bytes() const noexcept;

  static constexpr std::uint32_t none = hub_index::none;

private:
  [[nodiscard]] adjacency_ref& own(std::uint32_t index, std::uint64_t version) {
    if (changed_ != nullptr)
      changed_->mark(index);
    return refs_.own(index, version);
  }
  /// Of one leaf, to write to.
  struct leaf_arrays {
    std::uint32_t* targets;
    float* confidence;
    float* weight;
    kind_id* kind;
    association_times* times; // null without times

    void write(std::uint32_t slot, std::uint32_t target,
               const association_values& v) const noexcept {
      targets[slot] = target;
      confidence[slot] = v.confidence;
      weight[slot] = v.weight;
      kind[slot] = v.kind;
      if (times != nullptr)
        times[slot] = v.times;
    }
  };
  [[nodiscard]] leaf_arrays arrays_of(handle leaf) const noexcept;
  void unpack_leaf(const packed_leaf& from, const leaf_arrays& to,
                   std::uint32_t count) const noexcept;

  adjacency_leaf* node(handle h) const noexcept { return pages_.memory().as<adjacency_leaf>(h); }
  [[nodiscard]] handle new_leaf(std::uint32_t capacity, std::uint64_t version);
  [[nodiscard]] handle new_inner(std::uint64_t version);
  [[nodiscard]] handle new_packed_leaf(const adjacency_chunk& c, std::uint32_t plain_capacity,
                                       leaf_packer& packer, std::uint64_t version);
  [[nodiscard]] std::size_t bytes_of(const adjacency_ref& ref) const noexcept;
  [[nodiscard]] std::size_t plain_bytes(std::uint32_t capacity) const noexcept;
  [[nodiscard]] handle copy_leaf(handle from, std::uint32_t count, std::uint32_t capacity,
                                 std::uint64_t version);
  void retire_leaf(handle h);
  void retire_inner(handle h);
  void retire_tree(handle h, int levels, std::uint32_t chunks);
  void retire_all(const adjacency_ref& ref);
  void own_inner(handle& h, std::uint64_t version);
  handle own_leaf(adjacency_ref& ref, std::uint32_t chunk, std::uint64_t version);
  void attach(adjacency_ref& ref, std::uint32_t chunk, handle leaf, std::uint64_t version);
  bool detach(handle& h, int level, std::uint32_t chunk, std::uint64_t version);
  [[nodiscard]] handle leaf_at(const adjacency_ref& ref, std::uint32_t chunk) const noexcept;
  [[nodiscard]] std::uint32_t target_at(std::uint32_t index, std::uint32_t position) const noexcept;
  [[nodiscard]] std::uint32_t target_in(handle leaf, std::uint32_t slot) const noexcept;
  [[nodiscard]] kind_id kind_in(handle leaf, std::uint32_t slot) const noexcept;
  void write(handle leaf, std::uint32_t slot, std::uint32_t target,
             const association_values& v) noexcept;
  [[nodiscard]] association_values read(handle leaf, std::uint32_t slot) const noexcept;
  hub_index& hub(std::uint32_t index);
  [[nodiscard]] std::uint32_t find_in(const hub_index& hub, std::uint32_t index,
                                      std::uint32_t target, kind_id kind) const;

  page_pool& pages_;
  array refs_;
  reclaimer& retired_;
  page_use use_;             // const
  bool with_times_;          // const
  changed_indices* changed_; // const; may be null
  std::size_t times_bytes_ = 0;
  std::size_t published_times_bytes_ = 0;
  std::uint32_t longest_ = 0;
  std::unordered_map<std::uint32_t, hub_index>
    hubs_; // lists longer than hub_degree_min, made on demand
};

/// Lists longer than this are found in by a hub_index.
inline constexpr std::uint32_t hub_degree_min = 4096;

inline bool adjacency_builder::is_indexed(std::uint32_t index) const noexcept {
  return degree(index) <= hub_degree_min || hubs_.contains(index);
}

} // namespace cmem
