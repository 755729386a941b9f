#pragma once
// The associations of a snapshot in plain static arrays: what queries on the snapshot are measured
// against.

#include "bench/huge_pages.hpp"
#include "storage/concept_id.hpp"
#include "storage/graph_snapshot.hpp"
#include "storage/prefetch.hpp"

#include <algorithm>
#include <cstdint>
#include <span>

namespace cmem::bench {

/// Parallel arrays of the associations of one concept.
struct csr_chunk {
  std::span<const std::uint32_t> targets; ///< indices; sources when incoming
  const float* confidence;
  const kind_id* kind;
};

/// All associations of a concept in one direction. Has the visitors of adjacency_list, so that one
/// template searches both.
class csr_list {
public:
  explicit csr_list(const csr_chunk& all) noexcept : all_(all) {}

  [[nodiscard]] std::uint32_t size() const noexcept {
    return static_cast<std::uint32_t>(all_.targets.size());
  }
  [[nodiscard]] bool empty() const noexcept { return all_.targets.empty(); }
  [[nodiscard]] auto begin() const noexcept { return all_.targets.begin(); }
  [[nodiscard]] auto end() const noexcept { return all_.targets.end(); }
  [[nodiscard]] std::span<const std::uint32_t> targets() const noexcept { return all_.targets; }
  [[nodiscard]] std::span<const float> confidences() const noexcept {
    return {all_.confidence, size()};
  }
  [[nodiscard]] std::span<const kind_id> kinds() const noexcept { return {all_.kind, size()}; }

  /// As adjacency_list::prefetch(): the first targets, in one line or two.
  void prefetch() const noexcept { fetch(all_.targets.data()); }
  void prefetch_confidences() const noexcept { fetch(all_.confidence); }

  template <class F>
  bool any_targets(F&& f) const {
    return !empty() && f(all_.targets);
  }
  template <class F>
  bool any_chunk(F&& f) const {
    return !empty() && f(all_);
  }
  template <class F>
  void for_each_target(F&& f) const {
    for (const std::uint32_t t : all_.targets)
      f(t);
  }
  template <class F>
  void for_each_chunk(F&& f) const {
    if (!empty())
      f(all_);
  }

private:
  template <class T>
  void fetch(const T* first) const noexcept {
    if (empty())
      return;
    prefetch_line(first);
    prefetch_line(first + std::min<std::size_t>(size(), 64 / sizeof(T)) - 1);
  }

  csr_chunk all_;
};

/// Compressed sparse rows in both directions, by the indices of the snapshot, in its order within a
/// list. Only associations whose ends are both learned; lists of others are empty. Owns its arrays,
/// needs the snapshot no more. Threads: any.
class csr_graph {
public:
  /// Precondition: fewer than 2^32 associations.
  explicit csr_graph(const graph_snapshot& s);

  [[nodiscard]] std::uint32_t index_count() const noexcept {
    return static_cast<std::uint32_t>(out_.first.size()) - 1;
  }
  [[nodiscard]] std::uint64_t edge_count() const noexcept { return out_.targets.size(); }
  /// Precondition for both: index < index_count().
  [[nodiscard]] csr_list out(std::uint32_t index) const noexcept { return out_.list(index); }
  [[nodiscard]] csr_list in(std::uint32_t index) const noexcept { return in_.list(index); }
  /// Fetches where a list lies. Precondition for both: index < index_count().
  void prefetch_out(std::uint32_t index) const noexcept { prefetch_line(&out_.first[index]); }
  void prefetch_in(std::uint32_t index) const noexcept { prefetch_line(&in_.first[index]); }
  [[nodiscard]] bool is_learned(std::uint32_t index) const noexcept { return learned_[index]; }

private:
  struct rows {
    huge_vector<std::uint32_t> first; // by index, and one behind the last
    huge_vector<std::uint32_t> targets;
    huge_vector<float> confidence;
    huge_vector<kind_id> kind;

    [[nodiscard]] csr_list list(std::uint32_t index) const noexcept {
      const std::size_t from = first[index];
      return csr_list({std::span(targets).subspan(from, first[index + 1] - from), &confidence[from],
                       &kind[from]});
    }
  };
  static void fill(rows& to, const graph_snapshot& s, const huge_vector<bool>& learned,
                   bool outgoing);

  huge_vector<bool> learned_;
  rows out_;
  rows in_;
};

} // namespace cmem::bench
