#pragma once

#include <cstdint>

namespace cmem {

/// What close() did with the entries that were pending (D7).
struct close_report {
  std::uint64_t drained = 0; ///< settled, failed ones included
  std::uint64_t failed = 0;  ///< of them, refused at the merge
  std::uint64_t left = 0;    ///< could not be taken; their awaits answered `unknown`

  friend bool operator==(const close_report&, const close_report&) = default;
};

} // namespace cmem
