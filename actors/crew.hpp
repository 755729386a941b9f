#pragma once
// Who works for a memory at the moment.

#include "messages/interfaces.hpp"

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace cmem {

/// Handles of the actors of one memory; the supervisor replaces those that died. Actors own the
/// core that owns this: dismiss() breaks the circle. Threads: all calls from any thread, under a
/// short mutex that only actors and the exceptional wake take (W1).
class crew {
public:
  [[nodiscard]] writer_actor writer() const { return get(writer_); }
  [[nodiscard]] reader_pool_actor reader_pool() const { return get(reader_pool_); }
  [[nodiscard]] reconciler_actor reconciler() const { return get(reconciler_); }
  /// Empty without a store.
  [[nodiscard]] flusher_actor flusher() const { return get(flusher_); }
  [[nodiscard]] checkpointer_actor checkpointer() const { return get(checkpointer_); }
  /// Empty where nothing is indexed.
  [[nodiscard]] indexer_actor indexer() const { return get(indexer_); }
  [[nodiscard]] supervisor_actor supervisor() const { return get(supervisor_); }
  [[nodiscard]] std::vector<reader_actor> readers() const { return get(readers_); }
  /// The readers in turn; an empty handle when there are none any more.
  [[nodiscard]] reader_actor reader(std::size_t turn) const;

  void set(writer_actor h) { put(writer_, std::move(h)); }
  void set(reader_pool_actor h) { put(reader_pool_, std::move(h)); }
  void set(reconciler_actor h) { put(reconciler_, std::move(h)); }
  void set(flusher_actor h) { put(flusher_, std::move(h)); }
  void set(checkpointer_actor h) { put(checkpointer_, std::move(h)); }
  void set(indexer_actor h) { put(indexer_, std::move(h)); }
  void set(supervisor_actor h) { put(supervisor_, std::move(h)); }
  void set(std::size_t place, reader_actor h);

  /// Sends everybody home, after what is in their mailboxes, and forgets them. Later set() calls
  /// send the newcomer home at once.
  void dismiss();
  /// Blocks until all who were ever set have ended. An actor that a system still holds when it goes
  /// is never freed. Precondition: dismissed, and not on a thread that they run on.
  void await_end() const;

private:
  /// Shared with those who end.
  struct presence {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t count = 0; // guarded by mutex
  };

  template <class T>
  T get(const T& member) const {
    const std::lock_guard lock(mutex_);
    return member;
  }
  template <class T>
  void put(T& member, T h) {
    count(h);
    const std::lock_guard lock(mutex_);
    if (dismissed_)
      cafx::tell_to_exit(h);
    else
      member = std::move(h);
  }

  template <class T>
  void count(const T& h) {
    {
      const std::lock_guard lock(present_->mutex);
      ++present_->count;
    }
    cafx::on_end(h, [present = present_](const caf::error&) {
      const std::lock_guard lock(present->mutex);
      --present->count;
      present->changed.notify_all();
    });
  }

  const std::shared_ptr<presence> present_ = std::make_shared<presence>();

  mutable std::mutex mutex_; // guards all below
  bool dismissed_ = false;
  writer_actor writer_;
  reader_pool_actor reader_pool_;
  reconciler_actor reconciler_;
  flusher_actor flusher_;
  checkpointer_actor checkpointer_;
  indexer_actor indexer_;
  supervisor_actor supervisor_;
  std::vector<reader_actor> readers_;
};

} // namespace cmem
