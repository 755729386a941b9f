#pragma once
// What path searches return, and the memory that they reuse.

#include "storage/concept_id.hpp"
#include "storage/traversal.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace cmem {

/// One step of a path: an association and the concept it leads to.
struct path_step {
  std::uint32_t index = 0; ///< of the concept reached
  kind_id kind = kinds::semantic;
  float confidence = 0.0F;
  /// How the association was followed: incoming where it leads from here to the concept before.
  direction along = direction::outgoing;

  friend bool operator==(const path_step&, const path_step&) = default;
};

/// A path in the snapshot that it was found in; resolve indices by snapshot.at(index) (R6).
struct path {
  std::uint32_t source = 0;     ///< index
  std::vector<path_step> steps; ///< empty when source and target are one
  double confidence = 1.0;      ///< product along the way, multiplied from the source on

  [[nodiscard]] std::size_t hops() const noexcept { return steps.size(); }
  friend bool operator==(const path&, const path&) = default;
};

/// Memory that path searches reuse, so that in the steady state only the path returned is
/// allocated. Sized by the largest snapshot it has seen (8 bytes a concept, 16 once both orders
/// were asked for), and touched only where searches went. It keeps nothing of a snapshot: any may
/// follow any other. Threads: one for each thread; not thread-safe. A search that throws
/// (std::bad_alloc) leaves it usable; one that was moved from may only be assigned to or destroyed.
class path_scratch {
public:
  path_scratch();
  ~path_scratch();
  path_scratch(path_scratch&&) noexcept;
  path_scratch& operator=(path_scratch&&) noexcept;

  struct impl; // path_search.hpp
  [[nodiscard]] impl& get() noexcept { return *impl_; }

private:
  std::unique_ptr<impl> impl_;
};

} // namespace cmem
