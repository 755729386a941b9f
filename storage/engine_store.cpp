// The engine's durable side: logging what was merged, awaiting the disk, closing.

#include "storage/engine_impl.hpp"
#include "storage/limits.hpp"

#include <algorithm>
#include <condition_variable>
#include <string_view>

namespace cmem {

namespace {

/// A batch of more bytes becomes several records.
constexpr std::size_t record_bytes = std::size_t{16} << 20;

failure not_stored() {
  return {errc::not_durable,
          "this memory keeps nothing on disk: give it a store, and a durability above `none`"};
}

} // namespace

// -- one step's part

std::size_t engine::impl::drain_limit() {
  const std::size_t limit = batch_entries_max.load(std::memory_order_relaxed);
  stalled.store(false, std::memory_order_relaxed);
  if (!store || store->broken())
    return limit;
  // First the note, then the look: whoever commits looks at the note afterwards.
  stalled.store(true, std::memory_order_seq_cst); // pairs with commit()
  const std::uint64_t room = store->reserved() - sequence;
  // One batch of learn_batch may come alone, whatever the limit is.
  if (!store->full() && room >= cmem::batch_entries_max) {
    stalled.store(false, std::memory_order_relaxed);
    return static_cast<std::size_t>(std::min<std::uint64_t>(limit, room));
  }
  store->ask_for_commit();
  return 0;
}

void engine::impl::refuse_batch() {
  failed.clear();
  for (const handle h : batch.entries) {
    const write_entry& e = log.entry(h);
    failed.push_back({e.writer, e.number, e.batch_count, errc::read_only});
  }
  batch_numbers = 0; // nobody may be shown numbers that no root can reserve any more
}

void engine::impl::log_batch() {
  std::vector<durable_log::record> records;
  std::uint64_t last = sequence;
  wal_batch_encoder record(core->payloads, batch_time, store->take_buffer());
  const std::size_t kinds_known = kinds.size();
  for (std::size_t k = kinds_logged; k != kinds_known; ++k)
    record.add({static_cast<kind_id>(k), kinds.name_of(static_cast<kind_id>(k))});
  auto failure_of = failed.begin(); // in the order of the log, as the batch
  bool together = false;            // this one and the one before
  for (const handle h : batch.entries) {
    const write_entry& e = log.entry(h);
    if (record.bytes() >= record_bytes && !together) {
      last += record.entries();
      records.push_back({last, std::move(record).finish()});
      record = wal_batch_encoder(core->payloads, batch_time, {});
    }
    together = e.goes_on != 0;
    if (failure_of != failed.end() && failure_of->writer == e.writer
        && failure_of->number == e.number) {
      record.skip(e.batch_count);
      ++failure_of;
    } else {
      record.add(e);
    }
  }
  last += record.entries();
  records.push_back({last, std::move(record).finish()});
  for (const durable_log::record& r : records)
    log_bytes += wal_record_bytes(r.payload.size());
  store->hand_over(std::move(records));
  kinds_logged = kinds_known;
}

// -- awaiting and storing

void engine::on_durable(const ticket& t, std::function<void(result<settlement>)> done) {
  if (!impl_->store || impl_->options.store->level == durability::none) {
    done(not_stored());
    return;
  }
  if (const settlement s = impl_->fate_on_disk(t); s.what == fate::applied) {
    done(s);
    return;
  }
  struct stored final : settlement_waiters::waiter {
    impl* memory;
    // Made here: nothing may throw on the reconciler's thread, which has others to tell.
    std::unique_ptr<durable_log::waiter> then;

    stored(const ticket& of, impl* m, std::function<void(result<settlement>)> f)
      : waiter(of),
        memory(m),
        then(std::make_unique<durable_log::waiter>(durable_log::waiter{std::move(f)})) {}
    void tell(settlement what) override {
      // The newest snapshot has what was applied, and everything that one has was handed over.
      if (what.what == fate::applied)
        memory->store->on_durable(memory->view.load()->sequence(), std::move(then));
      else
        then->done(what);
    }
  };
  impl_->await(std::make_unique<stored>(t, impl_.get(), std::move(done)));
}

result<settlement> engine::await_durable(const ticket& t, std::chrono::nanoseconds timeout) {
  struct waiting {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<result<settlement>> known; // guarded by mutex
  };
  auto state = std::make_shared<waiting>();
  on_durable(t, [state](result<settlement> s) {
    const std::lock_guard lock(state->mutex);
    state->known.emplace(std::move(s));
    state->changed.notify_all();
  });
  std::unique_lock lock(state->mutex);
  if (!state->changed.wait_for(lock, timeout, [&] { return state->known.has_value(); }))
    return failure{errc::timed_out,
                   "the entry was not durable in time: are reconciler and flusher running?"};
  return *state->known;
}

result<std::uint64_t> engine::commit() {
  if (!impl_->store)
    return not_stored();
  auto done = impl_->store->commit();
  impl_->after_commit(done ? *done : 0);
  return done;
}

void engine::impl::after_commit(std::uint64_t durable) {
  note_durable(durable);
  { const std::lock_guard lock(flush_mutex); } // who waits for a flush learns of a failure too
  flush_changed.notify_all();
  // Pairs with drain_limit(): either it saw room, or this sees its note.
  if (stalled.exchange(false, std::memory_order_seq_cst) && options.on_wake)
    options.on_wake();
}

failure engine::impl::refusal() const {
  return store ? store->refusal()
               : failure{errc::read_only, "the store was opened to be read only"};
}

bool engine::commit_wanted() const noexcept {
  return impl_->store && !impl_->store->broken() && impl_->store->commit_wanted();
}

void engine::impl::note_durable(std::uint64_t up_to) {
  const std::lock_guard lock(durable_mutex);
  for (; !logged.empty() && logged.front().first <= up_to; logged.pop_front())
    on_disk = std::move(logged.front().second);
}

settlement engine::impl::fate_on_disk(const ticket& t) {
  const std::lock_guard lock(durable_mutex);
  return on_disk ? on_disk->of(t) : settlement{};
}

result<void> engine::close_store() {
  if (!impl_->store)
    return {};
  // The log alone would do; with this the next opening has none to read.
  result<bool> flushed = true;
  while (flushed && *flushed)
    flushed = flush();
  {
    const std::lock_guard one(impl_->compacting_mutex);
    impl_->compacting.reset(); // its file goes
    impl_->compacting_over = true;
  }
  {
    const std::lock_guard one(impl_->indexing_mutex);
    impl_->index_keeper.reset();
  }
  // Nobody makes a file any more once another process may have the store.
  const std::lock_guard one(impl_->flushing_mutex);
  auto done = impl_->store->close();
  impl_->note_durable(impl_->store->figures().durable_sequence);
  impl_->store_lock.reset();
  { const std::lock_guard lock(impl_->flush_mutex); } // who still waits for a flush or compaction
  impl_->flush_changed.notify_all();
  return flushed ? done : flushed.error();
}

const recovery_report& engine::recovery() const noexcept { return impl_->recovered; }

} // namespace cmem
