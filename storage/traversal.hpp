#pragma once
// What every traversal takes besides where it starts: the associations that it follows, the
// concepts that it enters, and when it gives up.

#include "storage/concept_id.hpp"
#include "storage/limits.hpp"
#include "storage/result.hpp"

#include <bitset>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string_view>

namespace cmem {

/// As seen from a concept.
enum class direction : std::uint8_t {
  outgoing, ///< from source to target
  incoming, ///< from target to source
  both,     ///< either
};

/// Some kinds of associations. Holds no memory of its own (512 bytes).
class kind_set {
public:
  kind_set() = default;
  kind_set(std::initializer_list<kind_id> kinds) {
    for (const kind_id kind : kinds)
      insert(kind);
  }
  /// Precondition: kind < kinds_max.
  void insert(kind_id kind) { members_.set(kind); }
  [[nodiscard]] bool contains(kind_id kind) const noexcept {
    return kind < kinds_max && members_[kind];
  }
  [[nodiscard]] bool empty() const noexcept { return members_.none(); }

  friend bool operator==(const kind_set&, const kind_set&) = default;

private:
  std::bitset<kinds_max> members_;
};

/// What a traversal goes along and into. Where it starts (and a path's target) need not pass.
struct traversal_filter {
  kind_set kinds = {};         ///< of associations; empty: every kind
  float confidence_min = 0.0F; ///< of an association, at least
  float strength_min = 0.0F;   ///< of a concept entered, at least, as of the snapshot's time
  direction along = direction::outgoing;

  /// Whether every association and every concept passes.
  [[nodiscard]] bool passes_all() const noexcept {
    return kinds.empty() && confidence_min <= 0.0F && strength_min <= 0.0F;
  }
};

/// When a traversal ends with what it has. Looked at after at most some thousands of associations,
/// or the associations of one concept.
struct traversal_limits {
  std::optional<std::chrono::steady_clock::time_point> deadline = std::nullopt;
  std::uint64_t visited_max = std::numeric_limits<std::uint64_t>::max(); ///< concepts reached

  /// From now on.
  [[nodiscard]] static traversal_limits within(std::chrono::nanoseconds time) {
    return {.deadline = std::chrono::steady_clock::now() + time};
  }
};

/// Why a traversal ended. All but `complete` say that there may be more, or better, than what it
/// returned.
enum class traversal_end : std::uint8_t {
  complete,
  deadline,
  visited_max,
};
/// As in JSON: "complete", "deadline", "visited_max".
[[nodiscard]] std::string_view to_string(traversal_end end) noexcept;

/// Fails (invalid_argument): NaN as a least confidence or strength. Bounds that nothing can meet
/// are no error.
[[nodiscard]] result<void> check(const traversal_filter& f);

} // namespace cmem
