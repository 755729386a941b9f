#include "storage/write_log.hpp"

#include "storage/entry_maker.hpp"
#include "storage/limits.hpp"
#include "storage/sanitizers.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#ifdef CMEM_TSAN
// Part of ThreadSanitizer's runtime, though of no header.
extern "C" void AnnotateIgnoreReadsBegin(const char* file, int line);
extern "C" void AnnotateIgnoreReadsEnd(const char* file, int line);
extern "C" void AnnotateIgnoreWritesBegin(const char* file, int line);
extern "C" void AnnotateIgnoreWritesEnd(const char* file, int line);
#endif

namespace cmem {

namespace {

// Boost's queue reads nodes that another thread may be reusing, and throws the value away when its
// exchange then fails: races by the letter. While one of these lives, ThreadSanitizer does not
// look at this thread's accesses, but goes on to follow its atomics, so that what the queue orders
// is seen.
class inside_queue {
public:
#ifdef CMEM_TSAN
  inside_queue() noexcept {
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~inside_queue() {
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  }
#else
  inside_queue() noexcept {}
#endif
  inside_queue(const inside_queue&) = delete;
  inside_queue& operator=(const inside_queue&) = delete;
};

/// Adds to a counter that only this thread writes: no read-modify-write needed.
void add(std::atomic<std::uint64_t>& counter, std::uint64_t n) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_release);
}

/// Blocks of entries that are ready from the start, at most: one reconcile batch.
constexpr std::size_t entries_ready_max = 10'000;
/// Elements after which drain_batch() tells the writers of the room it made.
constexpr std::uint64_t entries_told = 64;

} // namespace

// Nodes: one for each entry that fits, Boost's dummy, and for every thread one that it may hold
// between queue and free list, and one that it may have pushed beyond the capacity (see admit()).
write_log::write_log(payload_pool& pool, write_log_options options)
  : pool_(pool),
    options_(std::move(options)),
    queue_(options_.capacity + 2 * writers_max + 2),
    slots_(writers_max) {
  assert(options_.capacity >= 1 && options_.capacity <= log_capacity_max);
  pool_.keep_ready(entry_bytes,
                   static_cast<std::uint32_t>(std::min(options_.capacity, entries_ready_max)));
}

write_log::~write_log() {
  const auto give_back = [this](handle b) { pool_.release(b); };
  for_each_block(pool_, carried_.first, give_back);
  for (element e{}; pop(e);)
    for_each_block(pool_, e.first, give_back);
}

// -- appending

auto write_log::glance(std::size_t entries) const noexcept -> admission {
  const std::uint64_t seen = pending_.load(std::memory_order_relaxed);
  if ((seen & closed_bit) != 0)
    return admission::closed;
  if (options_.overflow == overflow_policy::reject && seen + entries > options_.capacity)
    return admission::full;
  return admission::admitted;
}

auto write_log::admit(writer_slot& slot, std::size_t entries, timestamp_us now) noexcept
  -> admission {
  const std::uint64_t half = (options_.capacity + 1) / 2;
  std::uint64_t seen = pending_.load(std::memory_order_relaxed);
  for (;;) {
    if ((seen & closed_bit) != 0)
      return admission::closed;
    if (seen + entries > options_.capacity) {
      if (options_.overflow == overflow_policy::reject)
        return admission::full;
      if (drop_one(slot)) {
        seen = pending_.load(std::memory_order_relaxed);
        continue;
      }
      // Nothing to drop: what fills the log are entries of writers that stopped between here and
      // their push, or that the reconciler has just taken. Waiting for them is forbidden (W1), so
      // go beyond.
    }
    // Acquire pairs with the releases of drop_one() and drain_batch(): their nodes are back on
    // Boost's free list. Release pairs with appends_in_flight(): our flag is up.
    if (pending_.compare_exchange_weak(seen, seen + entries, std::memory_order_acq_rel,
                                       std::memory_order_relaxed))
      break;
  }
  if (seen == 0)
    oldest_.store(now, std::memory_order_relaxed);
  return seen < half && seen + entries >= half ? admission::crossed_half : admission::admitted;
}

bool write_log::drop_one(writer_slot& slot) noexcept {
  element e;
  if (!pop(e))
    return false;
  oldest_.store(entry(e.first).time, std::memory_order_relaxed);
  const std::uint32_t tickets = tickets_of(e);
  for_each_block(pool_, e.first, [this](handle b) { pool_.release(b); });
  add(slot.dropped, e.entries);
  add(slot.popped, tickets);
  pending_.fetch_sub(e.entries, std::memory_order_release); // pairs with admit()
  return true;
}

bool write_log::pop(element& e) noexcept {
  const inside_queue guard;
  return queue_.pop(e);
}

result<ticket> write_log::push(writer_slot& slot, element e, timestamp_us now) {
  slot.in_flight.store(true, std::memory_order_relaxed); // released by admit()
  const admission how = admit(slot, e.entries, now);
  if (how == admission::full || how == admission::closed) {
    slot.in_flight.store(false, std::memory_order_relaxed);
    for_each_block(pool_, e.first, [this](handle b) { pool_.release(b); });
    return refuse(how, slot, e.entries);
  }
  const std::uint64_t number = slot.last_ticket + 1;
  assert(entry(e.first).number == number);
  const std::uint32_t tickets = tickets_of(e);
  slot.last_ticket += tickets;
  add(slot.written, e.entries);
  add(slot.pushed, tickets);
  {
    const inside_queue guard;
    [[maybe_unused]] const bool pushed = queue_.bounded_push(e);
    assert(pushed); // the constructor made a node for everyone who gets here
  }
  slot.in_flight.store(false, std::memory_order_release); // pairs with appends_in_flight()
  if (how == admission::crossed_half)
    wake();
  return ticket{number, slot.number, options_.memory_tag};
}

// Details fit into std::string itself: under overload refusing must not cost a malloc.
result<ticket> write_log::refuse(admission why, writer_slot& slot, std::size_t entries) {
  if (why == admission::closed)
    return failure{errc::closed, "memory closed"};
  add(slot.rejected, entries);
  return failure{errc::overloaded, "write log full"};
}

template <class Op>
result<ticket> write_log::append(const Op& o, timestamp_us now) {
  writer_slot* slot = slots_.mine();
  if (slot == nullptr)
    return failure{errc::limit_exceeded,
                   "more than " + std::to_string(writers_max) + " threads write at the same time"};
  if (const admission why = glance(1); why != admission::admitted)
    return refuse(why, *slot, 1);
  const handle h = make_entry(pool_, o, {slot->last_ticket + 1, slot->number, now});
  if (h == 0)
    return failure{errc::out_of_memory, "arena used up"};
  return push(*slot, {h, 1}, now);
}

template result<ticket> write_log::append(const op::learn_concept&, timestamp_us);
template result<ticket> write_log::append(const op::learn_association&, timestamp_us);
template result<ticket> write_log::append(const op::strengthen&, timestamp_us);
template result<ticket> write_log::append(const op::strengthen_association&, timestamp_us);
template result<ticket> write_log::append(const op::record_access&, timestamp_us);
template result<ticket> write_log::append(const op::record_use&, timestamp_us);
template result<ticket> write_log::append(const op::set_attributes&, timestamp_us);
template result<ticket> write_log::append(const op::forget_if_due&, timestamp_us);
template result<ticket> write_log::append(const op::forget_concept&, timestamp_us);
template result<ticket> write_log::append(const op::forget_association&, timestamp_us);
template result<ticket> write_log::append(const write_op&, timestamp_us);

result<ticket> write_log::append_batch(std::span<const write_op> ops, timestamp_us now) {
  return append_chain(ops, now, chained::as_batch);
}

result<ticket> write_log::append_together(std::span<const write_op> ops, timestamp_us now) {
  return append_chain(ops, now, chained::together);
}

std::uint32_t write_log::tickets_of(const element& e) const noexcept {
  return e.entries == entry(e.first).batch_count ? 1 : e.entries;
}

result<ticket> write_log::append_chain(std::span<const write_op> ops, timestamp_us now,
                                       chained how) {
  if (ops.empty())
    return failure{errc::invalid_argument, "batch is empty: must have at least 1 operation"};
  writer_slot* slot = slots_.mine();
  if (slot == nullptr)
    return failure{errc::limit_exceeded,
                   "more than " + std::to_string(writers_max) + " threads write at the same time"};
  if (ops.size() > options_.capacity) {
    add(slot->rejected, ops.size());
    return failure{errc::overloaded, "batch has " + std::to_string(ops.size())
                                       + " operations: the write log holds "
                                       + std::to_string(options_.capacity)};
  }
  if (const admission why = glance(ops.size()); why != admission::admitted)
    return refuse(why, *slot, ops.size());
  const auto count = static_cast<std::uint32_t>(ops.size());
  handle first = 0;
  handle last = 0;
  std::uint64_t number = slot->last_ticket + 1;
  for (const write_op& o : ops) {
    const handle h = make_entry(pool_, o, {number, slot->number, now});
    if (h == 0) {
      for_each_block(pool_, first, [this](handle b) { pool_.release(b); });
      return failure{errc::out_of_memory, "arena used up"};
    }
    if (first == 0)
      first = h;
    else
      entry(last).next = h;
    last = h;
    if (how == chained::together) {
      entry(h).goes_on = number - slot->last_ticket != count ? 1 : 0;
      ++number;
    }
  }
  if (how == chained::as_batch)
    entry(first).batch_count = count;
  return push(*slot, {first, count}, now);
}

// -- draining

void write_log::drain_batch(std::size_t entries_max, drained_batch& out) {
  assert(entries_max >= 1);
  assert(out.entries.empty() && out.entry_count == 0);
  // Before the first pop: an append that found the flag up was queued before this exchange, which
  // acquires it (pairs with wake()), so it is popped below or by the next drain.
  woken_.exchange(false, std::memory_order_acq_rel);
  element e = carried_;
  const std::uint64_t pending = pending_.load(std::memory_order_relaxed) & ~closed_bit;
  const std::size_t tickets_max = std::min<std::size_t>(entries_max, pending + e.entries);
  out.entries.reserve(tickets_max); // what may throw does so before anything is popped
  carry({0, 0});
  std::uint64_t untold = 0;
  const auto tell = [&] {
    pending_.fetch_sub(std::exchange(untold, 0), std::memory_order_release); // pairs with admit()
  };
  while (out.entries.size() < tickets_max) {
    if (e.first == 0) {
      if (!pop(e))
        break;
      untold += e.entries;
    }
    const std::size_t tickets = out.entries.size() + tickets_of(e);
    if (!out.entries.empty()
        && (out.entry_count + e.entries > entries_max || tickets > out.entries.capacity())) {
      carry(e);
      break;
    }
    if (tickets > out.entries.capacity()) { // should it throw, the next call begins with it
      carry(e);
      tell();
      out.entries.reserve(tickets);
      carry({0, 0});
    }
    take(e, out.entries);
    out.entry_count += e.entries;
    e.first = 0;
    if (untold >= entries_told)
      tell();
    if (out.entry_count >= entries_max)
      break;
  }
  if (out.entries.empty())
    return;
  out.oldest_time = entry(out.entries.front()).time;
  oldest_.store(entry(out.entries.back()).time, std::memory_order_relaxed);
  tell();
  add(drained_tickets_, out.entries.size());
}

void write_log::carry(const element& e) noexcept {
  carried_ = e;
  carried_entries_.store(e.entries, std::memory_order_relaxed);
}

void write_log::take(const element& e, std::vector<handle>& out) noexcept {
  if (tickets_of(e) == 1) {
    out.push_back(e.first);
    return;
  }
  // Each is released by itself from here on.
  for (handle h = e.first; h != 0;) {
    out.push_back(h);
    h = std::exchange(entry(h).next, 0);
  }
}

void write_log::release(drained_batch& batch) noexcept {
  payload_pool::returns back(pool_);
  for (const handle first : batch.entries)
    for_each_block(pool_, first, [&](handle b) { back.add(b); });
  batch.entries.clear();
  batch.entry_count = 0;
  batch.oldest_time = 0;
}

void write_log::wake() {
  if (!woken_.exchange(true, std::memory_order_acq_rel)
      && options_.on_wake) // pairs with drain_batch()
    options_.on_wake();
}

void write_log::close() noexcept { pending_.fetch_or(closed_bit, std::memory_order_acq_rel); }

// An append whose exchange in admit() comes after close()'s in the order of pending_ finds the bit.
// One that comes before released its flag with that exchange, and we acquire it here: the flag
// reads as up until the push is done. So no fence is needed on the writers' side.
bool write_log::appends_in_flight() const noexcept {
  (void) pending_.load(std::memory_order_acquire); // pairs with admit()
  bool any = false;
  slots_.for_each([&](const writer_slot& s) {
    any = any || s.in_flight.load(std::memory_order_acquire); // pairs with push()
  });
  return any;
}

// -- figures

write_log_counters write_log::counters() const noexcept {
  write_log_counters sum;
  slots_.for_each([&](const writer_slot& s) {
    sum.written += s.written.load(std::memory_order_relaxed);
    sum.dropped += s.dropped.load(std::memory_order_relaxed);
    sum.rejected += s.rejected.load(std::memory_order_relaxed);
  });
  sum.pending = (pending_.load(std::memory_order_relaxed) & ~closed_bit)
                + carried_entries_.load(std::memory_order_relaxed);
  return sum;
}

std::uint64_t write_log::pushed() const noexcept {
  std::uint64_t sum = 0;
  slots_.for_each([&](const writer_slot& s) { sum += s.pushed.load(std::memory_order_acquire); });
  return sum;
}

// Acquire: whoever learns that an element is gone also sees what was done with it.
std::uint64_t write_log::popped() const noexcept {
  std::uint64_t sum = drained_tickets_.load(std::memory_order_acquire);
  slots_.for_each([&](const writer_slot& s) { sum += s.popped.load(std::memory_order_acquire); });
  return sum;
}

// Whoever has a ticket has seen the push that it is for: a slot's pushes are its tickets' numbers.
bool write_log::issued(const ticket& t) const noexcept {
  bool found = false;
  slots_.for_each([&](const writer_slot& s) {
    found = found
            || (s.number == t.writer && t.number != 0
                && t.number <= s.pushed.load(std::memory_order_acquire)); // pairs with push()
  });
  return found && t.memory == options_.memory_tag;
}

timestamp_us write_log::oldest_pending() const noexcept {
  const bool any = (pending_.load(std::memory_order_relaxed) & ~closed_bit) != 0
                   || carried_entries_.load(std::memory_order_relaxed) != 0;
  return any ? oldest_.load(std::memory_order_relaxed) : 0;
}

} // namespace cmem
