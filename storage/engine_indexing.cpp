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

result<bool> engine::index_some() {
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
  const auto read = m.read_index(*s);
  const auto made = m.indexer.update(*s);
  m.indexed_to.store(m.indexer.covers(), std::memory_order_relaxed);
  m.index_more.store(m.indexer.more(), std::memory_order_relaxed);
  m.index_bytes.store(m.indexer.bytes(), std::memory_order_relaxed);
  if (made != nullptr) {
    const std::lock_guard handing(m.index_mutex);
    m.index_made = made;
  }
  if (!read)
    return read.error();
  if (auto done = m.write_index(*s, false); !done)
    return done.error();
  return m.indexer.more();
}

result<void> engine::store_index() {
  const std::lock_guard lock(impl_->indexing_mutex);
  return impl_->write_index(*share(), true);
}

/// The first time, takes over what the store has.
result<void> engine::impl::read_index(const graph_snapshot& s) {
  if (!index_keeper)
    return {};
  auto stored = index_keeper->read(s, indexed.metric,
                                   [this] { return closed.load(std::memory_order_relaxed); });
  if (!stored)
    return stored.error().code == errc::closed ? result<void>() : stored.error();
  if (*stored)
    indexer.adopt(std::move(**stored));
  return {};
}

/// If it is time.
result<void> engine::impl::write_index(const graph_snapshot& s, bool last) {
  const auto newest = indexer.last();
  if (!index_keeper || refuses() || newest == nullptr || newest->vectors == nullptr)
    return {};
  const vector_index_keeper::progress p{indexer.vectors_taken(), indexer.vectors_are_complete(),
                                        last};
  const auto stop = [this, last] { return !last && closed.load(std::memory_order_relaxed); };
  const auto written = index_keeper->write(s, *newest->vectors, p, stop);
  if (!written && written.error().code != errc::closed) // else store_index() comes to it
    return written.error();
  return {};
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
