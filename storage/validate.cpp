#include "storage/validate.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

namespace cmem {

namespace {

// XXH3-128 of nothing: the id that an empty name gets.
constexpr concept_id id_of_empty_name{
  {0x99, 0xaa, 0x06, 0xd3, 0x01, 0x47, 0x98, 0xd8, 0x60, 0x01, 0xc3, 0x24, 0x46, 0x8d, 0x49, 0x7f}};

bool is_name(const concept_ref& ref) noexcept {
  return ref.name.size() <= name_bytes_max && !(ref.name.empty() && ref.id == id_of_empty_name);
}
// Written so that NaN fails.
bool is_confidence(float value) noexcept { return value >= 0.0F && value <= 1.0F; }
bool is_amount(float value) noexcept { return value >= 0.0F && std::isfinite(value); }

template <class... Parts>
[[gnu::cold, gnu::noinline]] failure bad(const Parts&... parts) {
  std::string detail;
  (detail.append(parts), ...);
  return {errc::invalid_argument, std::move(detail)};
}

[[gnu::cold, gnu::noinline]] failure bad_number(std::string_view field, float value,
                                                std::string_view rule) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
  return bad(field, " is ", text, ": must ", rule);
}
failure bad_confidence(float value) { return bad_number("confidence", value, "lie within [0, 1]"); }
failure bad_amount(std::string_view field, float value) {
  return bad_number(field, value, "be finite and at least 0");
}
failure not_finite(std::string_view field, float value) {
  return bad_number(field, value, "be finite");
}

[[gnu::cold, gnu::noinline]] failure bad_length(std::string_view field, std::size_t bytes,
                                                std::size_t bytes_min, std::size_t bytes_max) {
  return bad(field, " has ", std::to_string(bytes), " bytes: must have ", std::to_string(bytes_min),
             " to ", std::to_string(bytes_max));
}
failure bad_name(std::string_view field, const concept_ref& ref) {
  return bad_length(field, ref.name.size(), 1, name_bytes_max);
}

[[gnu::cold, gnu::noinline]] failure bad_kind(kind_id kind, const kind_registry& kinds) {
  return {errc::unknown_kind, "kind is " + std::to_string(kind) + ": only the kinds below "
                                + std::to_string(kinds.size()) + " are registered"};
}

result<void> check_vector(std::span<const float> vector, std::uint32_t dimension) {
  if (vector.empty())
    return {};
  if (dimension == 0)
    return bad("vector has ", std::to_string(vector.size()),
               " numbers: this memory keeps no vectors, its vector_dimension is 0");
  if (vector.size() != dimension)
    return bad("vector has ", std::to_string(vector.size()), " numbers: must have ",
               std::to_string(dimension), ", the memory's vector_dimension, or none");
  // Without a sign, floats order as their bits do, infinity and NaN last: one pass of integer
  // maxima.
  std::uint32_t largest = 0;
  for (const float x : vector)
    largest = std::max(largest, std::bit_cast<std::uint32_t>(x) & 0x7FFF'FFFFU);
  if (largest < std::bit_cast<std::uint32_t>(std::numeric_limits<float>::infinity()))
    return {};
  std::size_t i = 0;
  while (std::isfinite(vector[i]))
    ++i;
  return not_finite("vector[" + std::to_string(i) + "]", vector[i]);
}

result<void> check_mark(std::string_view key, std::string_view value) {
  if (key == expires_at_key && !parse_time(value))
    return bad("attribute `", key, "` is `", value,
               "`: must be a time in UTC, as 2027-01-31T08:00:00Z is");
  if (key == pinned_key && value != "true")
    return bad("attribute `", key, "` is `", value, "`: must be `true`, or be removed");
  return {};
}

result<void> check_attributes(std::span<const attribute_update> updates) {
  if (updates.size() > attributes_max)
    return bad("attributes are ", std::to_string(updates.size()), ": must be at most ",
               std::to_string(attributes_max));
  for (const auto& u : updates) {
    if (u.key.empty() || u.key.size() > attribute_key_bytes_max)
      return bad_length("attribute key", u.key.size(), 1, attribute_key_bytes_max);
    if (u.value && u.value->size() > attribute_value_bytes_max)
      return bad_length("value of attribute `" + std::string(u.key) + "`", u.value->size(), 0,
                        attribute_value_bytes_max);
    if (u.value && u.key.starts_with("cmem."))
      if (auto fine = check_mark(u.key, *u.value); !fine)
        return fine;
  }
  return {};
}

/// Source, target and kind: what every operation on an association has.
template <class Op>
result<void> check_ends(const Op& o, const validation_rules& rules) {
  if (!is_name(o.source))
    return bad_name("source name", o.source);
  if (!is_name(o.target))
    return bad_name("target name", o.target);
  if (!rules.kinds.contains(o.kind))
    return bad_kind(o.kind, rules.kinds);
  return {};
}

template <class Op>
result<void> check_concept(const Op& o) {
  if (!is_name(o.id))
    return bad_name("name", o.id);
  return {};
}

} // namespace

result<void> validate(const op::learn_concept& o, const validation_rules& rules) {
  if (!is_name(o.id))
    return bad_name("name", o.id);
  if (o.content.size() > content_bytes_max)
    return bad_length("content", o.content.size(), 0, content_bytes_max);
  if (!is_amount(o.strength))
    return bad_amount("strength", o.strength);
  if (!is_confidence(o.confidence))
    return bad_confidence(o.confidence);
  return check_vector(o.vector, rules.vector_dimension);
}

result<void> validate(const op::learn_association& o, const validation_rules& rules) {
  if (!is_confidence(o.confidence))
    return bad_confidence(o.confidence);
  if (!is_amount(o.weight))
    return bad_amount("weight", o.weight);
  return check_ends(o, rules);
}

result<void> validate(const op::strengthen& o, const validation_rules&) {
  if (!std::isfinite(o.delta))
    return not_finite("delta", o.delta);
  return check_concept(o);
}

result<void> validate(const op::strengthen_association& o, const validation_rules& rules) {
  if (!std::isfinite(o.delta))
    return not_finite("delta", o.delta);
  return check_ends(o, rules);
}

result<void> validate(const op::record_access& o, const validation_rules&) {
  return check_concept(o);
}

result<void> validate(const op::record_use& o, const validation_rules& rules) {
  return check_ends(o, rules);
}

result<void> validate(const op::set_attributes& o, const validation_rules&) {
  if (!is_name(o.id))
    return bad_name("name", o.id);
  return check_attributes(o.attributes);
}

result<void> validate(const op::forget_concept& o, const validation_rules&) {
  return check_concept(o);
}

result<void> validate(const op::forget_association& o, const validation_rules& rules) {
  return check_ends(o, rules);
}

result<void> validate(const retention_rules& rules) {
  if (!is_amount(rules.strength_min))
    return bad_amount("strength_min", rules.strength_min);
  if (rules.unused_max < 0)
    return bad("unused_max is ", std::to_string(rules.unused_max), " us: must be at least 0");
  return {};
}

result<void> validate(const op::forget_if_due& o, const validation_rules&) {
  if (auto valid = validate(o.rules); !valid)
    return valid;
  return check_concept(o);
}

result<void> validate(const write_op& o, const validation_rules& rules) {
  return std::visit([&](const auto& op) { return validate(op, rules); }, o);
}

} // namespace cmem
