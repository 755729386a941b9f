#include "storage/retention.hpp"

#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace cmem {

namespace {

constexpr timestamp_us second = 1'000'000;

/// The number that all of `digits` spells.
std::optional<unsigned> number(std::string_view digits) noexcept {
  unsigned n = 0;
  for (const char d : digits) {
    if (d < '0' || d > '9')
      return std::nullopt;
    n = 10 * n + static_cast<unsigned>(d - '0');
  }
  return n;
}

} // namespace

std::string format_time(timestamp_us time) {
  const std::chrono::sys_time<std::chrono::microseconds> at{std::chrono::microseconds(time)};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(at - day);
  std::array<char, 48> text;
  int n = std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d",
                        static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                        static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                        static_cast<int>(clock.minutes().count()),
                        static_cast<int>(clock.seconds().count()));
  std::string shown(text.data(), static_cast<std::size_t>(n));
  if (const auto rest = clock.subseconds().count(); rest != 0) {
    n = std::snprintf(text.data(), text.size(), ".%06d", static_cast<int>(rest));
    shown.append(text.data(), static_cast<std::size_t>(n));
  }
  return shown + 'Z';
}

std::optional<timestamp_us> parse_time(std::string_view text) noexcept {
  constexpr std::string_view shape = "0000-00-00T00:00:00";
  if (text.size() <= shape.size() || text.back() != 'Z')
    return std::nullopt;
  for (const std::size_t mark : {4U, 7U, 10U, 13U, 16U})
    if (text[mark] != shape[mark])
      return std::nullopt;
  const auto year = number(text.substr(0, 4));
  const auto month = number(text.substr(5, 2));
  const auto day = number(text.substr(8, 2));
  const auto hour = number(text.substr(11, 2));
  const auto minute = number(text.substr(14, 2));
  const auto seconds = number(text.substr(17, 2));
  if (!year || !month || !day || !hour || !minute || !seconds)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(*month), std::chrono::day(*day)};
  if (!date.ok() || *year < 1970 || *hour > 23 || *minute > 59 || *seconds > 59)
    return std::nullopt;
  std::string_view fraction = text.substr(shape.size(), text.size() - shape.size() - 1);
  timestamp_us rest = 0;
  if (!fraction.empty()) {
    if (fraction.size() < 2 || fraction.front() != '.' || !number(fraction.substr(1)))
      return std::nullopt;
    fraction.remove_prefix(1);
    timestamp_us unit = second;
    for (const char d : fraction)
      rest += (unit /= 10) * (d - '0');
  }
  const std::chrono::sys_days days(date);
  return std::chrono::duration_cast<std::chrono::microseconds>(days.time_since_epoch()).count()
         + second * (static_cast<timestamp_us>(*hour) * 3600 + *minute * 60 + *seconds) + rest;
}

retention_marks marks_of(attribute_reader attributes) noexcept {
  retention_marks m;
  for (attribute_update a; attributes.next(a);)
    if (a.key == expires_at_key)
      m.expires_at = parse_time(a.value.value_or(std::string_view()));
    else if (a.key == pinned_key)
      m.pinned = a.value == "true";
  return m;
}

bool expires(attribute_reader attributes) noexcept {
  return marks_of(attributes).expires_at.has_value();
}

float strength_decay::faded(float strength, timestamp_us since) const noexcept {
  const double lives = static_cast<double>(as_of - since) / static_cast<double>(half_life);
  return static_cast<float>(strength * std::exp2(-lives));
}

std::string_view to_string(retention_reason r) noexcept {
  switch (r) {
    case retention_reason::expired: return "expired";
    case retention_reason::faded: return "faded";
    case retention_reason::unused: break;
  }
  return "unused";
}

std::optional<retention_reason> reason_to_forget(const retention_facts& c,
                                                 const retention_rules& rules,
                                                 timestamp_us now) noexcept {
  if (c.marks.pinned)
    return std::nullopt;
  if (rules.expired && c.marks.expires_at && *c.marks.expires_at <= now)
    return retention_reason::expired;
  if (c.strength < rules.strength_min)
    return retention_reason::faded;
  if (rules.unused_max != 0 && c.last_accessed < now && now - c.last_accessed > rules.unused_max)
    return retention_reason::unused;
  return std::nullopt;
}

} // namespace cmem
