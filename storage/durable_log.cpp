#include "storage/durable_log.hpp"

#include "storage/seeded_bug.hpp"

#include <algorithm>
#include <cassert>
#include <exception>
#include <utility>

namespace cmem {

namespace {

constexpr std::size_t buffers_max = 4;
constexpr std::size_t buffer_bytes_max = std::size_t{8} << 20;
constexpr settlement on_disk{fate::applied, errc::ok};

failure too_late() { return {errc::closed, "the store was closed before this became durable"}; }

} // namespace

result<std::unique_ptr<durable_log>> durable_log::open(const env& e, manifest_file m, wal_writer w,
                                                       durable_log_options options,
                                                       std::uint64_t sequence) {
  std::unique_ptr<durable_log> log(
    new durable_log(e, std::move(m), std::move(w), std::move(options), sequence));
  if (auto done = log->reserve(sequence + reserved_at_once); !done)
    return done.error();
  return log;
}

durable_log::durable_log(env e, manifest_file m, wal_writer w, durable_log_options options,
                         std::uint64_t sequence)
  : env_(std::move(e)),
    options_(std::move(options)),
    store_id_(m.current().store),
    manifest_(std::move(m)),
    writer_(std::move(w)),
    next_segment_(manifest_.current().next_segment),
    taken_last_(sequence),
    totals_(manifest_.current().written),
    durable_(sequence),
    reserved_(manifest_.current().reserved) {
  figures_.files = writer_.live_files();
  buffers_.reserve(buffers_max);
}

durable_log::~durable_log() { tell(true, too_late()); }

// -- the reconciler's side

void durable_log::hand_over(std::vector<record> records) {
  std::uint64_t bytes = 0;
  for (const record& r : records)
    bytes += wal_record_bytes(r.payload.size());
  {
    const std::lock_guard lock(mutex_);
    assert(!closed_);
    if (broken_by_)
      return;
    if (waiting_.capacity() - waiting_.size() < records.size())
      waiting_.reserve(2 * (waiting_.size() + records.size())); // may throw; nothing below does
    for (record& r : records) {
      assert(r.sequence <= reserved());
      waiting_.push_back(std::move(r));
    }
    waiting_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  }
  if (options_.level == durability::sync
      || waiting_bytes_.load(std::memory_order_relaxed) >= options_.waiting_bytes_max / 2)
    ask_for_commit();
}

std::vector<std::byte> durable_log::take_buffer() {
  const std::lock_guard lock(mutex_);
  if (buffers_.empty())
    return {};
  auto buffer = std::move(buffers_.back());
  buffers_.pop_back();
  return buffer;
}

void durable_log::ask_for_commit() {
  // Acquire and release: pairs with store(), which takes all that was there before this.
  if (!asked_.exchange(true, std::memory_order_acq_rel) && options_.on_commit_due)
    options_.on_commit_due();
}

// -- the flusher's side

result<std::uint64_t> durable_log::commit() {
  const std::lock_guard disk(disk_mutex_);
  if (auto done = store(options_.level != durability::none); !done)
    return done.error();
  const std::lock_guard lock(mutex_);
  return durable_;
}

result<void> durable_log::store(bool synced) {
  if (broken())
    return refusal();
  if (ended_)
    return {};
  asked_.exchange(false, std::memory_order_acq_rel); // pairs with ask_for_commit()
  std::uint64_t bytes = 0;
  const std::int64_t begin = env_.monotonic_ns();
  try {
    {
      const std::lock_guard lock(mutex_);
      std::swap(taken_, waiting_);
      bytes = waiting_bytes_.load(std::memory_order_relaxed);
    }
    if (auto done = append_all(); !done)
      return break_with(done.error());
    if (synced && !seeded("acknowledged_before_sync")) {
      if (const auto done = writer_.sync(); !done)
        return break_with(done.error());
    } else if (auto done = writer_.write(); !done) {
      return break_with(done.error());
    }
    if (manifest_.current().reserved - taken_last_ < reserved_at_once / 2)
      if (auto done = reserve(taken_last_ + reserved_at_once); !done)
        return break_with(done.error());
  } catch (const std::exception& e) { // a record may be half in the writer's buffer
    return break_with({errc::out_of_memory, e.what()});
  }
  waiting_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    for (record& r : taken_)
      if (buffers_.size() < buffers_max && r.payload.capacity() <= buffer_bytes_max)
        buffers_.push_back(std::move(r.payload));
    if (synced)
      durable_ = std::max(durable_, taken_last_);
    figures_.appended_bytes += bytes;
    figures_.files = writer_.live_files();
    if (synced && !taken_.empty()) {
      ++figures_.syncs;
      figures_.last_sync = env_.wall_us();
      figures_.last_sync_us = static_cast<std::uint64_t>(env_.monotonic_ns() - begin) / 1'000;
    }
  }
  taken_.clear();
  wants_file_.store(writer_.wants_spare(), std::memory_order_relaxed);
  tell(false, on_disk);
  return {};
}

result<void> durable_log::append_all() {
  for (const record& r : taken_) {
    if (auto done = writer_.append(wal_type::batch, r.sequence, r.payload); !done)
      return done;
    taken_last_ = r.sequence;
    totals_.learned_bytes += r.payload.size();
  }
  return {};
}

result<void> durable_log::reserve(std::uint64_t up_to) {
  manifest next = manifest_.current();
  next.reserved = up_to;
  if (seeded("reservation_not_kept"))
    return reserved_.store(up_to, std::memory_order_relaxed), result<void>{};
  return update(std::move(next));
}

result<void> durable_log::update(manifest next) {
  next.durable = writer_.durable();
  next.written = totals_;
  next.written.log_bytes += writer_.written_bytes();
  if (auto done = manifest_.update(next); !done)
    return done;
  reserved_.store(next.reserved, std::memory_order_release); // pairs with reserved()
  std::uint64_t bytes = 0;
  for (const segment_ref& s : next.segments)
    bytes += s.bytes;
  const std::lock_guard lock(mutex_);
  figures_.checkpoint = next.checkpoint;
  figures_.segments = next.segments.size();
  figures_.segment_bytes = bytes;
  figures_.oldest_segment_bytes = next.segments.empty() ? 0 : next.segments.front().bytes;
  figures_.files = writer_.live_files();
  return {};
}

result<void> durable_log::make_file_ready() {
  std::uint64_t number = 0;
  {
    const std::lock_guard disk(disk_mutex_);
    wants_file_.store(false, std::memory_order_relaxed);
    if (ended_ || !writer_.wants_spare())
      return {};
    number = writer_.take_number();
  }
  if (auto done = writer_.make_file(number); !done) // reads what never changes
    return done;
  const std::lock_guard disk(disk_mutex_);
  writer_.add_spare(number);
  return {};
}

segment_identity durable_log::next_segment() {
  const std::lock_guard disk(disk_mutex_);
  const manifest& m = manifest_.current();
  segment_identity next;
  next.store = m.store;
  next.number = next_segment_++;
  next.first_sequence = m.checkpoint + 1;
  return next;
}

result<void> durable_log::add_checkpoint(const std::optional<segment_ref>& added,
                                         std::uint64_t sequence, timestamp_us time,
                                         std::vector<std::string> kinds) {
  const std::lock_guard disk(disk_mutex_);
  if (auto done = store(true); !done)
    return done;
  assert(!ended_ && taken_last_ >= sequence);
  manifest next = manifest_.current();
  if (added) {
    next.segments.push_back(*added);
    totals_.flushed_bytes += added->bytes;
    next.next_segment = std::max(next.next_segment, added->number + 1);
  }
  next.checkpoint = seeded("checkpoint_beyond_snapshot") ? taken_last_ : sequence;
  if (seeded("log_released_before_checkpoint"))
    (void) writer_.release(sequence);
  next.timestamp = time;
  next.kinds = std::move(kinds);
  if (auto done = update(std::move(next)); !done)
    return break_with(done.error());
  auto released = writer_.release(sequence);
  const std::lock_guard lock(mutex_);
  ++figures_.flushes;
  figures_.flushed_bytes += added ? added->bytes : 0;
  figures_.files = writer_.live_files();
  return released;
}

result<void> durable_log::set_strength_half_life(timestamp_us h) {
  const std::lock_guard disk(disk_mutex_);
  manifest next = manifest_.current();
  next.strength_half_life_us = h;
  if (auto done = update(std::move(next)); !done)
    return break_with(done.error());
  return {};
}

std::vector<segment_ref> durable_log::segments() {
  const std::lock_guard disk(disk_mutex_);
  return manifest_.current().segments;
}

result<void> durable_log::replace_segments(std::span<const segment_ref> run,
                                           const std::optional<segment_ref>& made) {
  const std::lock_guard disk(disk_mutex_);
  if (broken())
    return refusal();
  if (ended_)
    return failure{errc::closed, "the store was closed before segments were replaced"};
  manifest next = manifest_.current();
  const auto at = std::search(next.segments.begin(), next.segments.end(), run.begin(), run.end());
  assert(!run.empty() && at != next.segments.end());
  const auto after = next.segments.erase(at, at + static_cast<std::ptrdiff_t>(run.size()));
  if (made) {
    next.segments.insert(after, *made);
    totals_.compacted_bytes += made->bytes;
    next.next_segment = std::max(next.next_segment, made->number + 1);
  }
  if (auto done = update(std::move(next)); !done)
    return break_with(done.error());
  const std::lock_guard lock(mutex_);
  ++figures_.compactions;
  figures_.compacted_bytes += made ? made->bytes : 0;
  return {};
}

result<void> durable_log::begin_file() {
  std::uint64_t number = 0;
  {
    const std::lock_guard disk(disk_mutex_);
    if (ended_ || broken())
      return {};
    number = writer_.take_number();
  }
  if (auto done = writer_.make_file(number); !done) // as make_file_ready()
    return done;
  const std::lock_guard disk(disk_mutex_);
  writer_.add_spare(number);
  if (auto done = store(true); !done)
    return done;
  if (ended_)
    return {};
  if (auto done = writer_.begin_file(); !done)
    return break_with(done.error());
  return {};
}

result<void> durable_log::remove_used_files() {
  const std::lock_guard disk(disk_mutex_);
  if (ended_ || broken())
    return {};
  return writer_.remove_used_spares();
}

void durable_log::fail(const failure& f) {
  const std::lock_guard disk(disk_mutex_);
  (void) break_with(f);
}

result<void> durable_log::close() {
  const std::lock_guard disk(disk_mutex_);
  auto done = store(true);
  if (done && !ended_)
    if (done = reserve(taken_last_); !done)
      done = break_with(done.error());
  ended_ = true;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  tell(true, too_late());
  return done;
}

failure durable_log::break_with(const failure& f) {
  {
    const std::lock_guard lock(mutex_);
    if (!broken_by_)
      broken_by_ =
        failure{errc::read_only, "nothing more is stored, and what is there stays readable, since "
                                 "this failed: "
                                   + f.detail};
    waiting_.clear();
    waiting_bytes_.store(0, std::memory_order_relaxed);
    figures_.read_only = true;
  }
  taken_.clear();
  broken_.store(true, std::memory_order_release); // pairs with broken()
  tell(true, refusal());
  return f;
}

failure durable_log::refusal() const {
  const std::lock_guard lock(mutex_);
  assert(broken_by_);
  return *broken_by_;
}

// -- those who wait

void durable_log::on_durable(std::uint64_t sequence, std::unique_ptr<waiter> w) {
  std::optional<result<settlement>> known;
  {
    const std::lock_guard lock(mutex_);
    if (options_.level == durability::none)
      known = failure{errc::not_durable, "the store's durability is `none`"};
    else if (sequence <= durable_)
      known = on_disk;
    else if (broken_by_)
      known = *broken_by_;
    else if (closed_)
      known = too_late();
    else {
      w->sequence = sequence;
      w->next = std::move(waiters_);
      waiters_ = std::move(w);
    }
  }
  if (known)
    w->done(*std::move(known));
  else
    ask_for_commit();
}

void durable_log::tell(bool all, const result<settlement>& what) {
  std::unique_ptr<waiter> told;
  {
    const std::lock_guard lock(mutex_);
    for (std::unique_ptr<waiter>* at = &waiters_; *at;) {
      if (!all && (*at)->sequence > durable_) {
        at = &(*at)->next;
        continue;
      }
      std::unique_ptr<waiter> one = std::move(*at);
      *at = std::move(one->next);
      one->next = std::move(told);
      told = std::move(one);
    }
  }
  while (told) {
    told->done(what);
    told = std::move(told->next);
  }
}

durable_log_figures durable_log::figures() const {
  const std::lock_guard lock(mutex_);
  durable_log_figures f = figures_;
  f.durable_sequence = durable_;
  f.waiting_bytes = waiting_bytes_.load(std::memory_order_relaxed);
  return f;
}

} // namespace cmem
