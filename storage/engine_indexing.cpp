// Hands indexes that one thread makes to the snapshots that another publishes.

#include "storage/engine_impl.hpp"

namespace cmem {

bool engine::indexes() const noexcept { return impl_->indexed.vectors || impl_->indexed.text; }

bool engine::index_due() const noexcept {
  const impl& m = *impl_;
  return indexes() && !closed()
         && (!m.trail_wanted.load(std::memory_order_relaxed)
             || m.trail_end.load(std::memory_order_relaxed)
                  != m.indexed_to.load(std::memory_order_relaxed)
             || m.index_more.load(std::memory_order_relaxed));
}

bool engine::index_some() {
  impl& m = *impl_;
  if (!index_due())
    return false;
  const std::lock_guard lock(m.indexing_mutex);
  m.trail_wanted.store(true, std::memory_order_relaxed);
  const snapshot_handle s = share();
  if (!s->trail().kept()) { // the next step brings it
    m.log.wake();
    return false;
  }
  m.indexer.free_unused();
  const auto made = m.indexer.update(*s);
  m.indexed_to.store(m.indexer.covers(), std::memory_order_relaxed);
  m.index_more.store(m.indexer.more(), std::memory_order_relaxed);
  m.index_bytes.store(m.indexer.bytes(), std::memory_order_relaxed);
  if (made != nullptr) {
    const std::lock_guard handing(m.index_mutex);
    m.index_made = made;
  }
  return m.indexer.more();
}

/// True if the next snapshot is to show something new of it.
bool engine::impl::take_index() {
  graph_builder& b = core->builder;
  if (!b.keeps_trail()) {
    if (!trail_wanted.load(std::memory_order_relaxed))
      return false;
    b.keep_trail();
    return true;
  }
  std::shared_ptr<const search_index> made;
  {
    const std::lock_guard lock(index_mutex);
    made = std::exchange(index_made, nullptr);
  }
  return made != nullptr && b.set_index(made);
}

} // namespace cmem
