#pragma once
// From an operation to an entry in pool blocks, and back to the pool.

#include "storage/payload_pool.hpp"
#include "storage/write_entry.hpp"

#include <cstdint>

namespace cmem {

/// Who writes, which number the entry will have if it is admitted, and when.
struct entry_stamp {
  std::uint64_t number;
  std::uint32_t writer;
  timestamp_us time;
};

/// An entry alone (batch_count 1) with copies of all that `o` borrows; 0, and nothing kept, when
/// the arena is used up. What is empty takes no block. `Op` is any of op:: or a write_op.
/// Threads: any.
/// Precondition: valid (validate.hpp).
template <class Op>
[[nodiscard]] handle make_entry(payload_pool& pool, const Op& o, const entry_stamp& stamp) noexcept;

/// Calls f with every block of a batch: the payloads that its entries still own, then each entry,
/// which is not looked at afterwards. f may release them, and must accept 0.
template <class F>
void for_each_block(const payload_pool& pool, handle first, F&& f) {
  for (handle h = first; h != 0;) {
    const auto& e = *reinterpret_cast<const write_entry*>(pool.data(h));
    const handle next = e.next;
    f(e.content);
    f(e.vector);
    f(e.name_a);
    f(e.name_b);
    f(e.attributes);
    f(h);
    h = next;
  }
}

} // namespace cmem
