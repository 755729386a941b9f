#pragma once
// The memory that subgraph() and activate() reuse.

#include <memory>

namespace cmem {

/// In the steady state only the answer is allocated. Sized by the largest snapshot it has seen (up
/// to 8 bytes a concept, touched only where searches went) and by the largest search. It keeps
/// nothing of a snapshot: any may follow any other. Threads: one for each thread; not thread-safe.
/// A search that throws (std::bad_alloc) leaves it usable; one that was moved from may only be
/// assigned to or destroyed.
class context_scratch {
public:
  context_scratch();
  ~context_scratch();
  context_scratch(context_scratch&&) noexcept;
  context_scratch& operator=(context_scratch&&) noexcept;

  struct impl; // context_search.hpp
  [[nodiscard]] impl& get() noexcept { return *impl_; }

private:
  std::unique_ptr<impl> impl_;
};

} // namespace cmem
