#pragma once

#include "storage/result.hpp"

#include <cstdint>

namespace cmem {

/// What close() did with the entries that were pending (D7).
struct close_report {
  std::uint64_t drained = 0;     ///< settled, failed ones included
  std::uint64_t failed = 0;      ///< of them, refused at the merge
  std::uint64_t left = 0;        ///< could not be taken; their awaits answered `unknown`
  std::uint64_t not_durable = 0; ///< merged, and not on the disk when the store was closed
  failure store_error = {};      ///< why not; ok without one

  friend bool operator==(const close_report&, const close_report&) = default;
};

} // namespace cmem
