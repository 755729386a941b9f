#pragma once
// Makes graphs of near neighbors (vector_graph.hpp), slot by slot.
//
// Source: Malkov and Yashunin 2018, with their heuristic for choosing neighbors (algorithm 4).
// Distances are those of codes, so nothing but the columns is read. The builder changes links of
// its own; readers get a copy of them now and then, and scan the slots that came since.

#include "storage/vector_graph.hpp"
#include "storage/vector_indexer.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace cmem {

struct vector_graph_options {
  vector_metric metric = vector_metric::cosine;
  std::uint32_t neighbors = 16;     ///< of a slot and level, twice as many at the lowest
  std::uint32_t breadth = 200;      ///< of the searches for them
  std::uint32_t slots_min = 50'000; ///< columns with fewer have no graph: a scan is as fast
  /// Slots that readers scan before they get a new copy; a 64th of all when that is more.
  std::uint32_t tail_max = 4096;
  std::uint32_t slots_a_step = 64;    ///< that one step adds: about 0.1 ms each
  std::uint32_t rows_a_step = 32'768; ///< that one step copies
};

/// Slots that are dead when it gets to them are left out; those that die later stay as way points
/// for as long as the lineage lasts. The order of slots decides what the graph becomes, and nothing
/// else: no clock, no chance (levels are drawn by a hash of the slot), not how steps are cut.
/// Memory: 140 bytes a slot at 16 neighbors, and as much for each copy that readers have.
/// Threads: one.
class vector_graph_builder final : public vector_graph_maker {
public:
  explicit vector_graph_builder(const vector_graph_options& options = {});
  /// Goes on from links that were stored, where they have as many neighbors; else from nothing.
  vector_graph_builder(const vector_graph_options& options, std::optional<graph_links> stored);

  /// One step: adds some slots, or copies some rows for readers. Returns the last whole copy.
  [[nodiscard]] std::shared_ptr<const vector_graph> extend(
    const graph_snapshot& s, const std::shared_ptr<const vector_columns>& columns) override;
  /// Another step has nothing to do: but for a tail of tail_max, all slots are in the copy.
  [[nodiscard]] bool complete() const noexcept override;
  [[nodiscard]] std::uint64_t memory_bytes() const noexcept override {
    return links_.memory_bytes();
  }

  // The same by hand, without regard to slots_min and tail_max.

  /// Adds the next slots, `count` at most. Throws std::bad_alloc: the next call goes on with what
  /// was not added then.
  void insert(const graph_snapshot& s, const vector_columns& columns, std::uint32_t count);
  /// A copy of all that was added.
  [[nodiscard]] std::shared_ptr<const vector_graph> publish() const;
  /// Slots [0, slots()) were added or left out.
  [[nodiscard]] std::uint32_t slots() const noexcept { return links_.slots; }

private:
  struct copy {
    graph_links links;
    std::uint32_t rows = 0; // of level 0 that it has; the others come last
  };

  void reserve(std::uint32_t slots);
  void add(const graph_snapshot& s, const vector_columns& columns, std::uint32_t slot);
  [[nodiscard]] bool add_twin(const graph_snapshot& s, const vector_columns& columns,
                              std::uint32_t slot) noexcept;
  void choose_neighbors(const vector_columns& columns, std::uint32_t slot, unsigned level) noexcept;
  void offer_to_neighbors(const vector_columns& columns, std::uint32_t slot,
                          unsigned level) noexcept;
  void offer(const vector_columns& columns, std::uint32_t to, std::uint32_t slot,
             unsigned level) noexcept;
  [[nodiscard]] std::size_t choose(const vector_columns& columns,
                                   std::span<const graph_scratch::entry> from, std::size_t count,
                                   std::uint32_t* row) const noexcept;
  [[nodiscard]] bool is_due() const noexcept;
  [[nodiscard]] copy begin_copy() const;
  /// Whether it is whole now.
  bool go_on(copy& c, std::uint32_t rows) const noexcept;

  vector_graph_options options_; // const
  graph_links links_;
  graph_scratch scratch_;
  std::uint32_t known_slots_ = 0; // of the columns given last
  std::optional<copy> copying_;   // of links_, which stay as they are meanwhile
  std::shared_ptr<const vector_graph> last_;
};

} // namespace cmem
