#pragma once
// How readers get the newest snapshot without ever waiting (R1).

#include <atomic>
#include <cstdint>

namespace cmem {

/// Base of what a read_view publishes.
class view_target {
public:
  view_target() = default;
  view_target(const view_target&) = delete;
  view_target& operator=(const view_target&) = delete;

private:
  template <class, class>
  friend class basic_read_view;
  template <class>
  friend class shared_handle;
  mutable std::atomic<std::uint32_t> shares_{0}; // handles out; the reconciler frees at 0
};

} // namespace cmem
