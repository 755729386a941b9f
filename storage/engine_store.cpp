// The engine's durable side: opening a store, logging what was merged, awaiting the disk, closing.

#include "storage/engine_impl.hpp"
#include "storage/limits.hpp"

#include <algorithm>
#include <condition_variable>
#include <string_view>

namespace cmem {

namespace {

/// Log entries that recovery merges at a time, at least.
constexpr std::size_t replay_entries = 10'000;
/// A batch of more bytes becomes several records.
constexpr std::size_t record_bytes = std::size_t{16} << 20;

std::string parent_of(std::string_view directory) {
  while (directory.size() > 1 && directory.back() == '/')
    directory.remove_suffix(1);
  const std::size_t slash = directory.rfind('/');
  if (slash == std::string_view::npos)
    return ".";
  return std::string(directory.substr(0, std::max<std::size_t>(slash, 1)));
}

failure not_stored() {
  return {errc::not_durable,
          "this memory keeps nothing on disk: give it a store, and a durability above `none`"};
}

/// The root of the store there, or of a new one.
result<store_root> root_of(const store_options& o, std::uint32_t vector_dimension, bool& created) {
  const auto known = read_store_root(o.files, o.directory);
  if (!known)
    return known.error();
  if (*known) {
    if ((*known)->vector_dimension != vector_dimension)
      return failure{errc::invalid_argument,
                     "vector_dimension is " + std::to_string(vector_dimension) + ": the store in "
                       + o.directory + " has " + std::to_string((*known)->vector_dimension)};
    return **known;
  }
  const auto names = o.files.list(o.directory);
  if (!names)
    return names.error();
  for (const std::string& name : *names)
    if (wal_file_number(name))
      return failure{errc::corrupt, o.directory + "/ROOT is missing, and " + name
                                      + " is there; restore the store from a copy"};
  const auto random = o.files.random_seed();
  if (!random)
    return random.error();
  created = true;
  store_root made;
  made.vector_dimension = vector_dimension;
  made.store = *random;
  if (auto done = write_store_root(o.files, o.directory, made); !done)
    return done.error();
  return made;
}

} // namespace

// -- opening

result<void> engine::impl::open_store() {
  const store_options& o = *options.store;
  // A root that is there came after the directory's name was on the disk.
  const auto before = read_store_root(o.files, o.directory);
  if (!before)
    return before.error();
  if (!*before) {
    if (auto done = o.files.make_directory(o.directory); !done)
      return done;
    if (auto done = o.files.sync_directory(parent_of(o.directory)); !done)
      return done;
  }
  auto lock = o.files.lock(o.directory + "/LOCK");
  if (!lock)
    return lock.error();
  store_lock.emplace(std::move(*lock));
  const auto root = root_of(o, options.vector_dimension, recovered.created);
  if (!root)
    return root.error();
  auto log_files = wal_reader::open(o.files, o.directory, {root->store, 0, root->durable});
  if (!log_files)
    return log_files.error();
  recovery_progress progress;
  progress.bytes_total = log_files->bytes();
  core->builder.set_limits(0, cmem::concepts_max, cmem::degree_max);
  if (auto done = replay(*log_files, progress); !done)
    return done;
  core->builder.set_limits(options.memory_budget_bytes, options.concepts_max, options.degree_max);
  const wal_report& found = log_files->report();
  recovered.log_sequence = found.last;
  recovered.discarded_bytes = found.discarded_bytes;
  recovered.discarded_offset = found.discarded_offset;
  recovered.discarded_file = found.discarded_file;
  recovered.missing_bytes = found.missing_bytes;
  recovered.unfinished = found.unfinished;
  auto writer = wal_writer::open(o.files, o.directory, o.log, log_files->end());
  if (!writer)
    return writer.error();
  const std::uint64_t first = std::max(found.last, root->reserved);
  recovered.first_sequence = first;
  if (first != sequence)
    if (auto done = apply_replayed(first, core->builder.newest().timestamp()); !done)
      return done;
  kinds_logged = kinds.size();
  auto opened = durable_log::open(o.files, o.directory, *root, std::move(*writer),
                                  {o.level, o.waiting_bytes_max, o.on_commit_due}, first);
  if (!opened)
    return opened.error();
  store = std::move(*opened);
  publish_figures();
  return {};
}

result<void> engine::impl::replay(wal_reader& log_files, recovery_progress progress) {
  const auto& report_progress = options.store->on_progress;
  std::uint64_t last = 0;
  timestamp_us time = 0;
  for (wal_record r;;) {
    const auto more = log_files.next(r);
    if (!more)
      return more.error();
    if (!*more)
      break;
    const auto unusable = [&](const failure& f) {
      log.release(batch);
      return failure{f.code, log_files.path() + " at offset " + std::to_string(r.offset)
                               + ": the record of sequence " + std::to_string(r.sequence) + ": "
                               + f.detail};
    };
    if (r.type != wal_type::batch)
      return unusable({errc::unsupported, "its type belongs to a newer version of this program"});
    const auto read =
      replay_batch(r.payload, kinds, options.vector_dimension, core->payloads, batch);
    if (!read)
      return unusable(read.error());
    if (read->entries > r.sequence - last)
      return unusable({errc::corrupt, "it covers numbers of the record before"});
    last = r.sequence;
    time = std::max(time, read->time);
    ++recovered.records;
    recovered.bytes += wal_record_bytes(r.payload.size());
    if (batch.entry_count < replay_entries)
      continue;
    progress.bytes_done = recovered.bytes;
    if (auto done = apply_replayed(last, time); !done)
      return done;
    progress.entries = recovered.entries;
    if (report_progress)
      report_progress(progress);
  }
  if (last != sequence)
    if (auto done = apply_replayed(last, time); !done)
      return done;
  progress = {recovered.bytes, std::max(progress.bytes_total, recovered.bytes), recovered.entries};
  if (report_progress)
    report_progress(progress);
  return {};
}

result<void> engine::impl::apply_replayed(std::uint64_t up_to, timestamp_us time) {
  errc bad = errc::ok;
  core->builder.merge(batch.entries, [&](const write_entry&, errc why) { bad = why; });
  recovered.entries += batch.entry_count;
  if (bad == errc::ok) {
    (void) view.publish(core->builder.publish(up_to, time, settled.publish()));
    sequence = up_to;
  } else {
    core->builder.discard();
  }
  log.release(batch);
  if (bad != errc::ok)
    return failure{errc::corrupt, "the log up to sequence " + std::to_string(up_to)
                                    + " holds an entry that cannot be applied ("
                                    + std::string(to_string(bad))
                                    + "), though it was; restore the store from a copy"};
  reclaim();
  core->payloads.provision();
  core->builder.provision();
  return {};
}

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
  for (const handle h : batch.entries) {
    const write_entry& e = log.entry(h);
    if (record.bytes() >= record_bytes) {
      last += record.entries();
      records.push_back({last, std::move(record).finish()});
      record = wal_batch_encoder(core->payloads, batch_time, {});
    }
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
  // Made here: nothing may throw on the reconciler's thread, which has others to tell.
  auto w = std::make_shared<std::unique_ptr<durable_log::waiter>>(
    std::make_unique<durable_log::waiter>(durable_log::waiter{std::move(done)}));
  on_settled(t, [m = impl_.get(), w](settlement s) {
    // The newest snapshot has what was applied, and everything that one has was handed over.
    if (s.what == fate::applied)
      m->store->on_durable(m->view.load()->sequence(), std::move(*w));
    else
      (*w)->done(s);
  });
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
  if (done)
    impl_->note_durable(*done);
  // Pairs with drain_limit(): either it saw room, or this sees its note.
  if (impl_->stalled.exchange(false, std::memory_order_seq_cst) && impl_->options.on_wake)
    impl_->options.on_wake();
  return done;
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
  auto done = impl_->store->close();
  impl_->note_durable(impl_->store->figures().durable_sequence);
  impl_->store_lock.reset();
  return done;
}

const recovery_report& engine::recovery() const noexcept { return impl_->recovered; }

} // namespace cmem
