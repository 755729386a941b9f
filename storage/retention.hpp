#pragma once
// What fades, and what may be forgotten by itself: strengths with a half-life, concepts that expire
// and concepts that are pinned. All of it is off until it is asked for.
//
// A strength is kept as of the time its concept was touched last: learned, strengthened, accessed
// (without a half-life accesses alone move that time: one that is set later acts on the time
// since). What it is at another time follows from that (lazy exponential decay): nothing is ever
// rewritten because time has passed.

#include "storage/attribute_codec.hpp"
#include "storage/records.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cmem {

// Attributes with a meaning to the memory; set_attributes() sets and removes them like others, and
// validate() refuses any other value. Those of other names mean nothing to it.
inline constexpr std::string_view expires_at_key = "cmem.expires_at"; ///< as format_time() has it
inline constexpr std::string_view pinned_key = "cmem.pinned";         ///< "true"

/// RFC 3339 in UTC, microseconds where there are any: "2027-01-31T08:00:00Z".
[[nodiscard]] std::string format_time(timestamp_us time);
/// Years 1970 to 9999; digits beyond microseconds are cut off. nullopt: it is none.
[[nodiscard]] std::optional<timestamp_us> parse_time(std::string_view text) noexcept;

struct retention_marks {
  std::optional<timestamp_us> expires_at;
  bool pinned = false;
};
[[nodiscard]] retention_marks marks_of(attribute_reader attributes) noexcept;
[[nodiscard]] bool expires(attribute_reader attributes) noexcept;

/// Half of a strength is left after each half-life.
struct strength_decay {
  timestamp_us half_life = 0; ///< 0: strengths do not fade
  timestamp_us as_of = 0;

  /// What is left of a strength that was this at `since`; all of it where `since` is not before
  /// `as_of`.
  [[nodiscard]] float operator()(float strength, timestamp_us since) const noexcept {
    return half_life == 0 || since >= as_of ? strength : faded(strength, since);
  }

private:
  [[nodiscard]] float faded(float strength, timestamp_us since) const noexcept;
};

/// What may be forgotten. Pinned concepts never are.
struct retention_rules {
  bool expired = true;       ///< those whose time to expire has come
  float strength_min = 0.0F; ///< those whose strength has faded below it; 0: none
  /// Those not accessed for longer, in microseconds; 0: none. Where strengths fade, learning and
  /// strengthening count as access.
  timestamp_us unused_max = 0;

  friend bool operator==(const retention_rules&, const retention_rules&) = default;
};

enum class retention_reason : std::uint8_t { expired, faded, unused };
[[nodiscard]] std::string_view to_string(retention_reason r) noexcept;

struct retention_facts {
  float strength; ///< now
  timestamp_us last_accessed;
  retention_marks marks;
};
/// Why it may be forgotten; nullopt: it may not. The first reason that holds, in the order above.
[[nodiscard]] std::optional<retention_reason> reason_to_forget(const retention_facts& c,
                                                               const retention_rules& rules,
                                                               timestamp_us now) noexcept;

namespace op {

/// Forgets a concept if it may be by the rules at the time of the call, judged when it is merged.
/// Fails (not_found) if it may not, or is unknown. Not for learn_batch.
struct forget_if_due {
  concept_ref id;
  retention_rules rules;
};

} // namespace op

} // namespace cmem
