#pragma once
// Errors of the outside world as values (no std::expected in this toolchain's C++20).

#include <cassert>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace cmem {

/// What went wrong. The numbers cross the wire and stay as they are.
enum class errc : std::uint8_t {
  ok = 0,
  invalid_argument = 1, ///< refused at the call: names field and value (W7)
  unknown_kind = 2,     ///< association kind that was never registered
  overloaded = 3,       ///< the write log is full and its policy is `reject` (W3)
  dropped = 4,          ///< discarded by the overflow policy `drop_oldest` (W3)
  not_found = 5, ///< no such concept or association in the snapshot it was applied to; no such file
  id_collision = 6,   ///< two different names hash to one id
  memory_budget = 7,  ///< over the memory budget: nothing new is taken, what is stored stays
  limit_exceeded = 8, ///< a public limit (limits.hpp): degree, kinds, concepts
  out_of_memory = 9,  ///< the address space reserved for this memory is used up
  closed = 10,        ///< after close()
  not_durable = 11,   ///< await_durable on a memory without storage
  unknown = 12,       ///< the bounded history has passed this ticket, or it is another memory's
  timed_out = 13,     ///< the deadline of an await
  unsupported = 14,   ///< a setting that this version refuses rather than ignores
  io_error = 15,      ///< file and cause in the detail
  parse_error = 16,   ///< file and line in the detail
  internal = 17,      ///< a merge that threw twice: its what() is in the report, and logged
  disk_full = 18,     ///< no space left for a write or a new file (D4)
  corrupt = 19,       ///< bytes that fail their checksum: file and offset in the detail (D3)
  locked = 20,        ///< another process writes this store: its pid in the detail (D6)
  read_only = 21,     ///< nothing more is written: the detail is the error that began it (D4)
  unavailable = 22,   ///< the node cannot be reached, or went away before it answered
};

/// The last code of this version: numbers above it come from a newer one.
inline constexpr errc errc_last = errc::unavailable;

/// The code's name as it is written in messages and JSON, e.g. "id_collision".
[[nodiscard]] std::string_view to_string(errc code) noexcept;

/// An error: a code for programs and a detail for people.
struct failure {
  errc code = errc::ok;
  std::string detail; ///< says what, where and what to do

  friend bool operator==(const failure&, const failure&) = default;
};

/// "id_collision: …"
[[nodiscard]] std::string to_string(const failure& f);

/// A value or the failure that kept it from being made.
template <class T>
class [[nodiscard]] result {
public:
  result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  result(failure f) : state_(std::in_place_index<1>, std::move(f)) {
    assert(std::get<1>(state_).code != errc::ok);
  }

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const failure& error() const& { return std::get<1>(state_); }

private:
  std::variant<T, failure> state_;
};

/// Success without a value, or a failure.
template <>
class [[nodiscard]] result<void> {
public:
  result() = default;
  result(failure f) : failure_(std::move(f)) { assert(failure_.code != errc::ok); }

  bool has_value() const noexcept { return failure_.code == errc::ok; }
  explicit operator bool() const noexcept { return has_value(); }
  const failure& error() const& { return failure_; }

private:
  failure failure_;
};

} // namespace cmem
