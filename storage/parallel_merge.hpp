#pragma once
// The merge of a long run of entries by two threads, with the result that one would have.

#include "storage/graph_builder.hpp"
#include "storage/helper_thread.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cmem {

/// Takes a run in parts of some 16,000 entries. Each goes through four steps:
///
///   1. both threads, by chunks: ids -> indices, as the graph was before the part;
///   2. one thread, in order: all that changes concepts, and every failure;
///   3. both, by hash: which associations are known, or come again within the part;
///   4. both, by direction: the lists, in order. Who has done a direction goes on with step 1 of
///      the next part, which reads no lists.
///
/// So the same entries fail, concepts get the same indices, and every list has the same order. Only
/// for entries whose fate step 2 can tell, hence takes(); and a part is applied by one thread when
/// it might reach a limit, is mostly about concepts, or stands alone.
/// Threads: one at a time (the reconciler). Throws as graph_builder::merge().
class parallel_merge {
public:
  explicit parallel_merge(graph_builder& to);

  /// Not those that remove, nor those that change an association only if there is one: their fate
  /// depends on the lists of that moment.
  [[nodiscard]] static bool takes(entry_op op) noexcept;
  /// Precondition: takes() all of them. `checked` as for graph_builder::apply_run().
  void apply(std::span<graph_builder::lookahead> run, const graph_builder::failed_callback& failed,
             bool checked);
  [[nodiscard]] std::size_t bookkeeping_bytes() const noexcept;

  /// Parts that two threads applied, since it was made.
  [[nodiscard]] std::uint64_t parts() const noexcept { return applied_; }

private:
  static constexpr std::uint32_t none = graph_builder::none;
  static constexpr std::size_t part_max = 1U << 14;
  /// Shorter ones are not worth the steps.
  [[nodiscard]] std::size_t part_min() const noexcept {
    return std::min<std::size_t>(1U << 10, to_.options_.parallel_entries_min);
  }
  static constexpr std::size_t table_size = 2 * part_max;

  enum class state : std::uint8_t {
    fresh,     // to be appended
    known_out, // `at` is its position in the source's list
    known_in,  // or in the target's
    again,     // `at` is the first one of the part with this source, target and kind
  };
  struct link {
    std::uint32_t source; // none: the entry is about a concept, or failed
    std::uint32_t target;
    std::uint32_t at;
    kind_id kind;
    state is;
    bool learned; // both ends, for certain
  };
  struct values {
    float confidence;
    float weight;
    timestamp_us time;
  };
  struct slot {
    std::uint32_t tag;
    std::uint32_t link; // number + 1; 0: empty
  };
  // What one of two halves has for itself.
  struct alignas(64) half {
    std::vector<slot> table;              // links by hash: open addressing
    std::vector<std::uint32_t> firsts;    // links that are the first of their kind
    std::vector<std::uint32_t> unindexed; // to be found in a hub that has no index yet
    std::vector<std::uint32_t> position;  // by link: in the list of that direction
    std::uint64_t edges = 0;
  };

  struct part {
    std::span<graph_builder::lookahead> entries;
    std::vector<link> links;            // by entry
    std::vector<values> given;          // by entry
    std::vector<std::uint64_t> special; // a bit an entry: step 2 has something to do
    std::atomic<std::size_t> next_chunk{0};
  };

  [[nodiscard]] std::size_t size_of_next(std::span<const graph_builder::lookahead> run,
                                         bool checked) const noexcept;
  static void begin(part& p, std::span<graph_builder::lookahead> entries);
  void resolve(part& p) noexcept;
  void resolve_chunk(part& p, std::size_t first) noexcept;
  void apply_concepts(part& p, const graph_builder::failed_callback& failed);
  errc place(link& k, const graph_builder::lookahead& l);
  void find_known(part& p, std::uint32_t h);
  void find_repeated(part& p, std::uint32_t h);
  void find_unindexed(part& p);
  void write(part& p, std::uint32_t direction);

  graph_builder& to_;
  helper_thread helper_;
  std::array<part, 2> parts_; // one is at steps 2 to 4, the next one at step 1
  std::vector<std::uint32_t> specials_;
  std::array<half, 2> halves_;
  std::uint64_t applied_ = 0;
};

} // namespace cmem
