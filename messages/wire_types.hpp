#pragma once
// The type of each message: the number that its payload begins with (wire.hpp).

#include "messages/wire.hpp"

#include <cstdint>

namespace cmem::wire {

/// They stay as they are; new ones get new numbers.
template <class Message>
inline constexpr std::uint8_t type_of = 0; // none

template <>
inline constexpr std::uint8_t type_of<hello> = 1;
template <>
inline constexpr std::uint8_t type_of<ping> = 2;
template <>
inline constexpr std::uint8_t type_of<writes> = 3;

template <>
inline constexpr std::uint8_t type_of<msg::find> = 16;
template <>
inline constexpr std::uint8_t type_of<msg::neighbors> = 17;
template <>
inline constexpr std::uint8_t type_of<msg::find_path> = 18;
template <>
inline constexpr std::uint8_t type_of<msg::find_paths> = 19;
template <>
inline constexpr std::uint8_t type_of<msg::subgraph> = 20;
template <>
inline constexpr std::uint8_t type_of<msg::activate> = 21;
template <>
inline constexpr std::uint8_t type_of<msg::search> = 22;
template <>
inline constexpr std::uint8_t type_of<msg::register_kind> = 23;
template <>
inline constexpr std::uint8_t type_of<list_kinds> = 24;
template <>
inline constexpr std::uint8_t type_of<get_names> = 25;
template <>
inline constexpr std::uint8_t type_of<get_figures> = 26;
template <>
inline constexpr std::uint8_t type_of<get_health> = 27;

template <>
inline constexpr std::uint8_t type_of<welcome> = 129;
template <>
inline constexpr std::uint8_t type_of<refused> = 130;
template <>
inline constexpr std::uint8_t type_of<pong> = 131;
template <>
inline constexpr std::uint8_t type_of<visible> = 132;
template <>
inline constexpr std::uint8_t type_of<durable> = 133;
template <>
inline constexpr std::uint8_t type_of<not_taken> = 134;

template <>
inline constexpr std::uint8_t type_of<failed> = 143;
template <>
inline constexpr std::uint8_t type_of<concept_record> = 144;
template <>
inline constexpr std::uint8_t type_of<msg::neighbor_list> = 145;
template <>
inline constexpr std::uint8_t type_of<msg::path_answer> = 146;
template <>
inline constexpr std::uint8_t type_of<msg::path_list> = 147;
template <>
inline constexpr std::uint8_t type_of<msg::subgraph_found> = 148;
template <>
inline constexpr std::uint8_t type_of<msg::activation_found> = 149;
template <>
inline constexpr std::uint8_t type_of<msg::search_found> = 150;
template <>
inline constexpr std::uint8_t type_of<kind_registered> = 151;
template <>
inline constexpr std::uint8_t type_of<kind_names> = 152;
template <>
inline constexpr std::uint8_t type_of<names> = 153;
template <>
inline constexpr std::uint8_t type_of<figures> = 154;
template <>
inline constexpr std::uint8_t type_of<health> = 155;

/// Those of requests and of answers have an id behind them, in every version.
[[nodiscard]] constexpr bool is_request(std::uint8_t type) noexcept {
  return type >= 16 && type < 128;
}
[[nodiscard]] constexpr bool is_answer(std::uint8_t type) noexcept { return type >= 143; }

} // namespace cmem::wire
