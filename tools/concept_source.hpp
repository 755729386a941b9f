#pragma once
// Single concepts of a store: straight from its segments, or from the graph that it opens to. Both
// give the same answers.

#include "storage/cold_reader.hpp"
#include "tools/store_opening.hpp"

#include <memory>

namespace cmem::tools {

/// The other end of an association, as people read it.
struct found_neighbor {
  concept_id id;
  std::string name;
  std::string kind;
  float confidence = 0.0F;
  float weight = 0.0F;

  friend bool operator==(const found_neighbor&, const found_neighbor&) = default;
};

/// Fails: as cold_reader does; the graph never does, but with not_found. Threads: one.
class concept_source {
public:
  concept_source() = default;
  concept_source(const concept_source&) = delete;
  concept_source& operator=(const concept_source&) = delete;
  virtual ~concept_source() = default;

  /// A copy of the learned concept.
  virtual result<std::optional<concept_record>> get(const concept_id& id) const = 0;
  /// How many associations lead from it, also to what is not learned.
  virtual result<std::uint64_t> outgoing(const concept_id& id) const = 0;
  /// Best first. Fails: not_found. Incoming ones take a graph: unsupported without.
  virtual result<std::vector<found_neighbor>> neighbors(const concept_id& id, direction d,
                                                        const neighbor_filter& f) const = 0;
  [[nodiscard]] virtual const kind_registry& kinds() const noexcept = 0;
};

/// Fails: corrupt, a kind that cannot be.
result<std::unique_ptr<concept_source>> make_cold_source(cold_reader from);
std::unique_ptr<concept_source> make_graph_source(std::unique_ptr<concurrent_memory> from);

/// Cold, which takes milliseconds, if the segments hold all that the store has, or if another
/// process writes it: then their last checkpoint is what there is to see, and the console's `err`
/// says so. Else, or if incoming associations are asked for, the store is opened. Writes nothing.
result<std::unique_ptr<concept_source>> open_source(const std::string& directory, direction d,
                                                    const console& c);

} // namespace cmem::tools
