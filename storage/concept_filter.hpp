#pragma once
// Which concepts a search may return: a function of the snapshot and the concept alone.

#include "storage/concept_id.hpp"
#include "storage/graph_snapshot.hpp"
#include "storage/result.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace cmem {

/// All of it must hold. By itself it lets every learned concept through.
struct concept_filter {
  /// Keys with the values they must have.
  std::vector<std::pair<std::string, std::string>> attributes = {};
  float confidence_min = 0.0F;
  float strength_min = 0.0F; ///< as of the snapshot's time
  /// One of these; an empty list lets nothing through. Unset: any.
  std::optional<std::vector<concept_id>> ids = std::nullopt;

  [[nodiscard]] bool passes_all() const noexcept {
    return attributes.empty() && confidence_min <= 0.0F && strength_min <= 0.0F && !ids;
  }
};

/// Fails (invalid_argument): NaN as a least confidence or strength. Bounds that nothing can meet,
/// and attributes that nothing has, are no error.
[[nodiscard]] result<void> check(const concept_filter& f);

/// A filter made ready for many concepts of one snapshot. Borrows both. Threads: any, but for what
/// is not const.
class filtered_concepts {
public:
  enum class naming : std::uint8_t { now, later };

  /// Looks up what `ids` names, tens of nanoseconds each, or leaves that to find_named().
  /// Precondition: check(f) is well.
  filtered_concepts(const graph_snapshot& s, const concept_filter& f, naming when = naming::now);
  filtered_concepts(const graph_snapshot& s, concept_filter&& f,
                    naming when = naming::now) = delete;

  /// Looks up what `ids` names, unless that is done.
  void find_named();
  /// Drops those that `ids` does not name, without looking up all that it does: a nanosecond for
  /// each of `ids`. Precondition: the filter has ids; all below s.index_count().
  void keep_named(std::vector<std::uint32_t>& indices) const;

  /// Whether the concept is learned and passes; until they are looked up, `ids` let all pass. What
  /// is looked at first costs least. Precondition: index < s.index_count().
  [[nodiscard]] bool contains(std::uint32_t index) const noexcept;
  /// False only where contains() is, told without a look at the record. Any index.
  [[nodiscard]] bool may_contain(std::uint32_t index) const noexcept {
    return !named_ || (index < s_.index_count() && is_named(index));
  }
  /// The learned concepts that `ids` names, ascending, each once; they need not pass otherwise.
  /// Unset where the filter has none, and until they are looked up.
  [[nodiscard]] const std::optional<std::vector<std::uint32_t>>& named() const noexcept {
    return named_;
  }
  [[nodiscard]] const graph_snapshot& snapshot() const noexcept { return s_; }
  [[nodiscard]] const concept_filter& filter() const noexcept { return filter_; }

private:
  [[nodiscard]] bool is_named(std::uint32_t index) const noexcept;
  [[nodiscard]] bool has_attributes(std::uint32_t index) const noexcept;

  const graph_snapshot& s_;
  const concept_filter& filter_;
  std::vector<attribute_update> wanted_; // views of the filter's, ascending keys
  std::optional<std::vector<std::uint32_t>> named_;
  std::vector<bool> is_named_; // by index, where many are named; else empty
};

} // namespace cmem
