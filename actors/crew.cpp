#include "actors/crew.hpp"

namespace cmem {

reader_actor crew::reader(std::size_t turn) const {
  const std::lock_guard lock(mutex_);
  return readers_.empty() ? reader_actor{} : readers_[turn % readers_.size()];
}

void crew::set(std::size_t place, reader_actor h) {
  count(h);
  const std::lock_guard lock(mutex_);
  if (dismissed_) {
    cafx::tell_to_exit(h);
    return;
  }
  if (place >= readers_.size())
    readers_.resize(place + 1);
  readers_[place] = std::move(h);
}

void crew::dismiss() {
  const std::lock_guard lock(mutex_);
  dismissed_ = true;
  // The supervisor first: it must not take what follows for deaths.
  cafx::tell_to_exit(supervisor_);
  cafx::tell_to_exit(writer_);
  cafx::tell_to_exit(reader_pool_);
  cafx::tell_to_exit(reconciler_);
  if (flusher_)
    cafx::tell_to_exit(flusher_);
  if (checkpointer_)
    cafx::tell_to_exit(checkpointer_);
  if (indexer_)
    cafx::tell_to_exit(indexer_);
  for (const auto& r : readers_)
    cafx::tell_to_exit(r);
  supervisor_ = nullptr;
  writer_ = nullptr;
  reader_pool_ = nullptr;
  reconciler_ = nullptr;
  flusher_ = nullptr;
  checkpointer_ = nullptr;
  indexer_ = nullptr;
  readers_.clear();
}

void crew::await_end() const {
  std::unique_lock lock(present_->mutex);
  present_->changed.wait(lock, [this] { return present_->count == 0; });
}

} // namespace cmem
