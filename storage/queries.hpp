#pragma once
// Questions to a snapshot (R5). All are functions of the snapshot and their arguments: equal snapshots
// give equal answers, whatever order things were stored in.

#include "storage/concept_id.hpp"
#include "storage/graph_snapshot.hpp"
#include "storage/limits.hpp"
#include "storage/result.hpp"

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

namespace cmem {

enum class direction : std::uint8_t { outgoing, incoming };

/// One association as a query returns it; resolve indices by snapshot.at(index) (R6).
struct neighbor {
  std::uint32_t index = 0; ///< of the other end
  kind_id kind = kinds::semantic;
  float confidence = 0.0F;
  float weight = 0.0F;

  friend bool operator==(const neighbor&, const neighbor&) = default;
};

struct neighbor_filter {
  std::optional<kind_id> kind = std::nullopt;
  float confidence_min = 0.0F;
  std::size_t limit = std::numeric_limits<std::size_t>::max();
};

/// Associations of a learned concept whose other end is learned: highest confidence first, ties by id, then
/// kind. With a limit, the best `limit` of them. Precondition: index < s.index_count(), learned.
/// Time: the degree, plus the sorting of what is returned.
void neighbors(const graph_snapshot& s, std::uint32_t index, direction d, const neighbor_filter& f,
               std::vector<neighbor>& out);
/// The same by id. Fails: not_found.
result<std::vector<neighbor>> neighbors(const graph_snapshot& s, const concept_id& id, direction d = direction::outgoing,
                                        const neighbor_filter& f = {});

/// One step of a path: an association and the concept it leads to.
struct path_step {
  std::uint32_t index = 0; ///< of the concept reached
  kind_id kind = kinds::semantic;
  float confidence = 0.0F;

  friend bool operator==(const path_step&, const path_step&) = default;
};

struct path {
  std::uint32_t source = 0;       ///< index
  std::vector<path_step> steps;   ///< empty when source and target are one
  double confidence = 1.0;        ///< product along the way

  [[nodiscard]] std::size_t hops() const noexcept { return steps.size(); }
  friend bool operator==(const path&, const path&) = default;
};

/// Memory that path searches reuse: sized by the largest snapshot it has seen (8 bytes a concept), touched
/// only where searches went. One for each thread; not thread-safe.
class path_scratch {
public:
  path_scratch();
  ~path_scratch();
  path_scratch(path_scratch&&) noexcept;
  path_scratch& operator=(path_scratch&&) noexcept;

  struct impl;
  [[nodiscard]] impl& get() noexcept { return *impl_; }

private:
  std::unique_ptr<impl> impl_;
};

/// A path of fewest hops along outgoing associations, at most max_depth of them; nullopt when there is
/// none. Among those of fewest hops the one whose sequence of ids is least; of parallel kinds the most
/// confident, then the least kind. Bidirectional breadth-first search, smaller frontier first (Pohl 1971).
/// Preconditions: both learned, max_depth <= path_depth_max.
std::optional<path> find_path(const graph_snapshot& s, std::uint32_t source, std::uint32_t target,
                              std::uint32_t max_depth, path_scratch& scratch);
/// The same by ids. Fails: not_found (an end is not learned; the detail says which), invalid_argument (max_depth).
result<std::optional<path>> find_path(const graph_snapshot& s, const concept_id& source,
                                      const concept_id& target, std::uint32_t max_depth,
                                      path_scratch& scratch);

/// The path of greatest confidence (product), at most max_depth hops; ties: fewer hops, then least ids, then
/// least kinds. Dijkstra 1959 on -log(confidence) layered by nothing: depth bounds are checked along the way.
std::optional<path> most_confident_path(const graph_snapshot& s, std::uint32_t source, std::uint32_t target,
                                        std::uint32_t max_depth, path_scratch& scratch);

/// Up to k loopless paths in order of hops, then least ids (Yen 1971). The first is find_path's.
std::vector<path> alternative_paths(const graph_snapshot& s, std::uint32_t source, std::uint32_t target,
                                    std::uint32_t max_depth, std::size_t k, path_scratch& scratch);

/// Concepts within `hops` outgoing hops of a seed, by hops then id, at most `limit`.
struct subgraph_node {
  std::uint32_t index = 0;
  std::uint32_t hops = 0;

  friend bool operator==(const subgraph_node&, const subgraph_node&) = default;
};
std::vector<subgraph_node> neighborhood(const graph_snapshot& s, std::uint32_t seed, std::uint32_t hops,
                                        std::size_t limit, path_scratch& scratch);

/// The k concepts whose vectors are nearest by cosine, best first, ties by id; an exact scan.
/// Fails (invalid_argument): wrong dimension, a zero or non-finite query vector.
struct similar_concept {
  std::uint32_t index = 0;
  float cosine = 0.0F;
};
result<std::vector<similar_concept>> nearest(const graph_snapshot& s, std::span<const float> query, std::size_t k);

} // namespace cmem
