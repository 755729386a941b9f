#pragma once
// Whether a batch can be applied as a whole (W8), found out before anything of it is.

#include "storage/concept_id.hpp"
#include "storage/result.hpp"
#include "storage/write_entry.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace cmem {

class graph_builder;

/// Plays a batch on the builder's state without changing it: what the batch has touched so far is
/// kept beside it. Good for one batch.
/// Threads: the reconciler alone.
class batch_check {
public:
  explicit batch_check(const graph_builder& base) : base_(base) {}

  /// ok, or why the first entry that cannot be applied cannot.
  [[nodiscard]] errc check(const write_entry* first);

private:
  using association = std::tuple<concept_id, concept_id, kind_id>;
  using associations = std::map<association, bool>;
  struct concept_state {
    bool exists = false;  ///< learned or a placeholder
    bool indexed = false; ///< has an index, vacant maybe, or has taken one in this batch
    bool learned = false;
    bool forgotten = false; ///< in this batch: all that the builder has of it is in `touched`
    std::string_view name;
    std::vector<std::byte> attributes; ///< encoded
    std::uint64_t out = 0;             ///< degrees
    std::uint64_t in = 0;
    std::vector<associations::iterator> touched; ///< those of associations_ that it is an end of
  };

  concept_state& at(const concept_id& id);
  [[nodiscard]] bool& exists(const association& a);
  [[nodiscard]] errc check_entry(const write_entry& e);
  [[nodiscard]] errc check_concept(const write_entry& e, concept_state& s);
  [[nodiscard]] errc check_association(const write_entry& e, concept_state& source,
                                       concept_state& target);
  [[nodiscard]] std::string_view text_of(handle name) const;
  [[nodiscard]] bool collides(const concept_state& s, handle name) const;
  void keep_name(concept_state& s, handle name) const;
  void forget(const concept_id& id, concept_state& s);
  void remove(const association& a, bool& there);
  static void clear(concept_state& s);
  void take_index(concept_state& s) noexcept;

  const graph_builder& base_;
  std::unordered_map<concept_id, concept_state> concepts_;
  associations associations_; // touched here: there or not
  std::uint64_t added_ = 0;   // indices taken
};

} // namespace cmem
