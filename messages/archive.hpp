#pragma once
// Values as bytes, for files and foreign wires: cereal's portable binary archive, the same on every
// machine. CAF's own inspection (inspect.hpp) serves mailboxes and CAF's network.
//
//   archive := version:u8 body        body as cereal writes the fields below, in their order
//
// Bytes that come from outside are not trusted: lengths are checked against limits.hpp before
// anything is allocated, and bytes left over are an error.

#include "messages/values.hpp"
#include "storage/limits.hpp"
#include "storage/records.hpp"
#include "storage/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cmem {

/// 2 says of neighbors and of the hops of a path which way the association leads; archives of
/// version 1 are read still, theirs as outgoing.
inline constexpr std::uint8_t archive_version = 2;
inline constexpr std::size_t archive_list_max = 1U << 24; ///< of a list of records

/// Defined for concept_record, association_record, neighbor_record, path_record, and vectors of
/// each.
template <class T>
[[nodiscard]] std::string to_bytes(const T& value);

/// Fails (parse_error): a version that is not known, cut short, bytes left over, or a length over
/// its limit.
template <class T>
[[nodiscard]] result<T> from_bytes(std::string_view bytes);

} // namespace cmem
