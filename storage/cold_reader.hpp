#pragma once
// Single concepts straight from the segments of a store: no graph is built, no lock is taken.

#include "storage/checkpoint.hpp"
#include "storage/neighbors.hpp"

#include <atomic>

namespace cmem {

/// Sees the checkpoint that the manifest named when it was opened (D6), also while a writer goes
/// on: what is mapped stays, whatever is removed. Segments are asked from the newest on, each
/// through its filter first. Owns their files and mappings; memory and the time to open follow the
/// number of segments and 8 bytes for each 64 KiB of them. Fails: `corrupt` with file and offset,
/// `io_error`. Threads: any, at the same time.
class cold_reader {
public:
  /// Fails: `not_found`, `unsupported`, `corrupt`, `io_error`.
  static result<cold_reader> open(const env& e, const std::string& directory);

  [[nodiscard]] const manifest& store() const noexcept { return from_.store; }
  /// What the manifest names, oldest first.
  [[nodiscard]] std::span<const segment_reader> segments() const noexcept { return from_.segments; }

  /// A copy of the learned concept.
  result<std::optional<concept_record>> get(const concept_id& id) const;
  result<bool> learned(const concept_id& id) const;
  /// Of a concept or placeholder; empty when it was only ever named by id, or is not there.
  result<std::string> name(const concept_id& id) const;
  /// How many associations lead from the learned concept, also to what is not learned: as
  /// graph_snapshot::out() has them. 0 if it is not there.
  result<std::uint64_t> outgoing(const concept_id& id) const;
  /// Copies of its outgoing associations whose targets are learned, as cmem::neighbors() orders and
  /// filters them. Fails too: `not_found`; `unsupported` with a least strength. Time: its degree,
  /// and a look-up for each target that passes the filter.
  result<std::vector<association_record>> neighbors(const concept_id& id,
                                                    const neighbor_filter& f = {}) const;

  /// How often a segment was asked for an id, how often its filter let that through, and how often
  /// the id was there.
  struct counts {
    std::uint64_t asked = 0;
    std::uint64_t passed = 0;
    std::uint64_t found = 0;
  };
  [[nodiscard]] counts counted() const noexcept;
  /// For measuring what they are worth. Not beside other calls.
  void use_filters(bool use) noexcept { use_filters_ = use; }

private:
  struct counters {
    std::atomic<std::uint64_t> asked{0};
    std::atomic<std::uint64_t> passed{0};
    std::atomic<std::uint64_t> found{0};
  };

  explicit cold_reader(checkpoint_files from) : from_(std::move(from)) {}
  result<const segment_concept*> find(const segment_reader& in, const concept_id& id) const;
  /// `all`: not the newest record alone.
  result<concept_parts> locate(const concept_id& id, bool all) const;

  checkpoint_files from_;
  std::unique_ptr<counters> counters_ = std::make_unique<counters>();
  bool use_filters_ = true;
};

} // namespace cmem
