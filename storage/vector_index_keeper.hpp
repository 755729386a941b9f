#pragma once
// When the index of vectors of a store is read from its file, and when it is written there.

#include "storage/env.hpp"
#include "storage/vector_index_file.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace cmem {

struct vector_index_place {
  env files;
  std::string directory;
  std::uint64_t store = 0;       ///< its number (manifest.hpp)
  std::uint64_t spare_bytes = 0; ///< that writing must leave of the disk
  bool read_only = false;        ///< nothing is written
};

/// Writing reads every vector of the memory, and writes of each as many bytes as it has components
/// and some 200. So while the memory is open it is done when half of the vectors and of the graph
/// over them is new and all is there, and at a quarter and half of a graph that grows; at the end,
/// when a sixteenth is new. Without a graph there is nothing worth keeping: codes are made as fast
/// as they are read. Threads: one at a time.
class vector_index_keeper {
public:
  struct progress {
    std::uint64_t taken = 0; ///< vectors that became slots and were not stored before
    bool complete = false;   ///< the graph has them all, but for a tail
    bool last = false;       ///< the memory is about to be closed
  };

  explicit vector_index_keeper(vector_index_place place);

  /// What the file has for `s`, at the first call; nothing at later ones, and where there is no
  /// file. Fails: as read_vector_index() does.
  result<std::optional<stored_vectors>> read(const graph_snapshot& s, vector_metric metric,
                                             const std::function<bool()>& stop);
  /// Writes it if it is time: whether it did. `s` is the snapshot that the index was brought up to
  /// date with. Fails: as write_vector_index() does; while the memory is open it is not tried again
  /// before as much is new again.
  result<bool> write(const graph_snapshot& s, const vector_index& index, const progress& p,
                     const std::function<bool()>& stop);

private:
  /// What an index had.
  struct state {
    std::uint64_t taken = 0;
    std::uint32_t graph_slots = 0;
    std::weak_ptr<const void> lineage;
  };
  [[nodiscard]] static std::uint64_t new_since(const state& before, const vector_index& index,
                                               std::uint64_t taken) noexcept;
  [[nodiscard]] bool is_time(const vector_index& index, const progress& p) const noexcept;

  vector_index_place place_;
  bool was_read_ = false;
  bool may_be_good_ = false; // a file that could not be read, and is not known to be damaged
  state stored_;
  state tried_; // to store
};

} // namespace cmem
