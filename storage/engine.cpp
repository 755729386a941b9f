#include "storage/engine_impl.hpp"

#include "storage/limits.hpp"
#include "storage/validate.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <new>
#include <random>

namespace cmem {

namespace {

result<void> check_range(const char* name, std::uint64_t value, std::uint64_t low,
                         std::uint64_t high) {
  if (value >= low && value <= high)
    return {};
  return failure{errc::invalid_argument, std::string(name) + " is " + std::to_string(value)
                                           + ": must lie within [" + std::to_string(low) + ", "
                                           + std::to_string(high) + "]"};
}

} // namespace

// -- making one

result<std::unique_ptr<engine>> engine::create(engine_options options) {
  for (const auto& checked :
       {check_range("log_capacity", options.log_capacity, 1, log_capacity_max),
        check_range("batch_entries_max", options.batch_entries_max, 1, log_capacity_max),
        check_range("merge_threads", options.merge_threads, 1, merge_threads_max),
        check_range("parallel_entries_min", options.parallel_entries_min, 1, log_capacity_max),
        check_range("vector_dimension", options.vector_dimension, 0, vector_dimension_max),
        check_range("concepts_max", options.concepts_max, 1, concepts_max),
        check_range("degree_max", options.degree_max, 1, degree_max),
        check_range("arena_bytes", options.arena_bytes, arena_bytes_min, arena_bytes_max),
        check_range("settlement_history", options.settlement_history, 1, 1'000'000)})
    if (!checked)
      return checked.error();
  if (const timestamp_us h = options.strength_half_life.value_or(0); h < 0)
    return failure{errc::invalid_argument,
                   "strength_half_life is " + std::to_string(h) + " us: must be at least 0"};
  if (options.forget)
    if (auto valid = validate(*options.forget); !valid)
      return valid.error();
  if (options.store)
    if (const std::uint32_t ratio = options.store->vectors.ratio; ratio != 4 && ratio != 8)
      return failure{errc::invalid_argument,
                     "vectors.ratio is " + std::to_string(ratio) + ": must be 4 or 8"};
  std::unique_ptr<engine> made;
  try {
    std::uint32_t tag = 0;
    while (tag == 0)
      tag = std::random_device()();
    made.reset(new engine(std::make_unique<impl>(std::move(options), tag)));
  } catch (const std::bad_alloc&) {
    return failure{errc::out_of_memory,
                   "cannot reserve the memory's address space: raise the limit on virtual "
                   "memory (ulimit -v) or lower arena_bytes"};
  }
  if (made->impl_->options.store) {
    try {
      if (auto done = made->impl_->open_store(); !done)
        return done.error();
      if (auto done = made->impl_->change_half_life(); !done)
        return done.error();
    } catch (const std::bad_alloc&) {
      return failure{errc::out_of_memory, "no room for what the store in "
                                            + made->impl_->options.store->directory
                                            + " holds: raise arena_bytes"};
    }
  }
  return made;
}

engine::engine(std::unique_ptr<impl> p) : impl_(std::move(p)) {}

engine::~engine() = default;

// -- writing

template <class Op>
result<ticket> engine::write(const Op& o) {
  if (auto valid = validate(o, {impl_->kinds, impl_->options.vector_dimension}); !valid)
    return valid.error();
  if constexpr (std::is_same_v<Op, write_op>) {
    return std::visit([this](const auto& x) { return this->write(x); }, o);
  } else {
    if (impl_->refuses())
      return impl_->refusal();
    if constexpr (std::is_same_v<Op, op::learn_concept>)
      if (impl_->over_budget.load(std::memory_order_relaxed) && !load()->index_of(o.id.id))
        return failure{errc::memory_budget,
                       "the memory is over its budget of "
                         + std::to_string(impl_->options.memory_budget_bytes)
                         + " bytes: raise memory_budget_bytes or forget concepts"};
    return impl_->log.append(o, impl_->now());
  }
}

template result<ticket> engine::write(const op::learn_concept&);
template result<ticket> engine::write(const op::learn_association&);
template result<ticket> engine::write(const op::strengthen&);
template result<ticket> engine::write(const op::strengthen_association&);
template result<ticket> engine::write(const op::record_access&);
template result<ticket> engine::write(const op::record_use&);
template result<ticket> engine::write(const op::set_attributes&);
template result<ticket> engine::write(const op::forget_if_due&);
template result<ticket> engine::write(const op::forget_concept&);
template result<ticket> engine::write(const op::forget_association&);
template result<ticket> engine::write(const write_op&);

result<ticket> engine::learn_batch(std::span<const write_op> ops) {
  if (auto taken = impl_->takes(ops); !taken)
    return taken.error();
  return impl_->log.append_batch(ops, impl_->now());
}

result<ticket> engine::write_together(std::span<const write_op> ops) {
  if (auto taken = impl_->takes(ops); !taken)
    return taken.error();
  return impl_->log.append_together(ops, impl_->now());
}

result<void> engine::impl::takes(std::span<const write_op> ops) const {
  if (ops.size() > cmem::batch_entries_max)
    return failure{errc::invalid_argument,
                   "batch has " + std::to_string(ops.size()) + " entries: at most "
                     + std::to_string(cmem::batch_entries_max) + " go in one"};
  for (std::size_t i = 0; i < ops.size(); ++i)
    if (auto valid = validate(ops[i], {kinds, options.vector_dimension}); !valid)
      return failure{valid.error().code,
                     "entry " + std::to_string(i) + " of the batch: " + valid.error().detail};
  if (refuses())
    return refusal();
  if (store) {
    std::uint64_t bytes = sizeof(wal_batch_head) + 16 * kinds_max + kinds_max * name_bytes_max;
    for (const write_op& o : ops)
      bytes += encoded_bytes_max(o);
    if (bytes > wal_payload_bytes_max)
      return failure{errc::limit_exceeded, "batch has " + std::to_string(bytes) + " bytes: at most "
                                             + std::to_string(wal_payload_bytes_max)
                                             + " go in one log record"};
  }
  return {};
}

kind_registry& engine::kinds() noexcept { return impl_->kinds; }
const kind_registry& engine::kinds() const noexcept { return impl_->kinds; }

// -- reading

snapshot_guard engine::load() const noexcept { return impl_->view.load(); }
snapshot_handle engine::share() const noexcept { return impl_->view.share(); }

// -- awaiting

void engine::on_settled(const ticket& t, std::function<void(settlement)> done) {
  if (const settlement s = load()->outcome(t); s.what != fate::pending)
    done(s);
  else
    impl_->await(std::make_unique<settlement_waiters::callback>(t, std::move(done)));
}

void engine::impl::await(std::unique_ptr<settlement_waiters::waiter> w) {
  w->pushed = log.pushed();
  if (const settlement s = view.load()->outcome(w->of); s.what != fate::pending)
    return w->tell(s);
  if (!log.issued(w->of)) // it would never be known, and pass for dropped
    return w->tell({fate::unknown, errc::unknown});
  waiters.add(std::move(w));
  if (finished.load(std::memory_order_seq_cst)) // nobody else will look: pairs with reconcile()
    settle_waiters();
  else
    log.wake();
}

result<settlement> engine::await_visible(const ticket& t, std::chrono::nanoseconds timeout) {
  struct waiting {
    std::mutex mutex;
    std::condition_variable changed;
    settlement known; // guarded by mutex
  };
  auto state = std::make_shared<waiting>();
  on_settled(t, [state](settlement s) {
    const std::lock_guard lock(state->mutex);
    state->known = s;
    state->changed.notify_all();
  });
  std::unique_lock lock(state->mutex);
  if (!state->changed.wait_for(lock, timeout, [&] { return state->known.what != fate::pending; }))
    return failure{errc::timed_out,
                   "the entry was not reconciled in time: is the reconciler running?"};
  return state->known;
}

// -- figures

void engine::set_batch_entries_max(std::size_t n) noexcept {
  impl_->batch_entries_max.store(std::clamp<std::size_t>(n, 1, log_capacity_max),
                                 std::memory_order_relaxed);
}

void engine::close() {
  impl_->log.close();
  impl_->closed.store(true, std::memory_order_release);
  impl_->log.wake();
}

timestamp_us engine::now() const { return impl_->now(); }

bool engine::closed() const noexcept { return impl_->closed.load(std::memory_order_acquire); }

// -- figures

void engine::impl::publish_figures() {
  const graph_builder& b = core->builder;
  over_budget.store(b.over_budget(), std::memory_order_relaxed);
  trail_end.store(b.newest().trail().end(), std::memory_order_relaxed);
  parallel_parts.store(b.parallel_parts(), std::memory_order_relaxed);
  live_snapshots.store(b.live().size(), std::memory_order_relaxed);
  bookkeeping.store(b.bookkeeping_bytes(), std::memory_order_relaxed);
  times.store(b.times_bytes(), std::memory_order_relaxed);
  retired.store(b.retired_bytes(), std::memory_order_relaxed);
  const graph_snapshot& oldest = *b.live().front();
  held_sequence.store(oldest.sequence(), std::memory_order_relaxed);
  held_since.store(b.live().size() > 1 ? oldest.timestamp() : 0, std::memory_order_relaxed);
  std::uint64_t mapped = 0;
  for (const graph_core::leaving& l : core->unmapping)
    mapped += l.what.mapping.bytes().size();
  held_mapped.store(mapped, std::memory_order_relaxed);
}

engine_stats engine::stats() const {
  const impl& m = *impl_;
  engine_stats s;
  s.log = m.log.counters();
  s.reconciliations = m.reconciliations.load(std::memory_order_relaxed);
  s.entries_processed = m.entries_processed.load(std::memory_order_relaxed);
  s.entries_failed = m.entries_failed.load(std::memory_order_relaxed);
  s.forgets = m.forgets_asked.load(std::memory_order_relaxed);
  s.parallel_parts = m.parallel_parts.load(std::memory_order_relaxed);
  s.lists_packed = m.lists_packed.load(std::memory_order_relaxed);
  s.live_snapshots = m.live_snapshots.load(std::memory_order_relaxed);
  {
    const auto snapshot = load();
    s.sequence = snapshot->sequence();
    s.timestamp = snapshot->timestamp();
    s.concept_count = snapshot->concept_count();
    s.edge_count = snapshot->edge_count();
    s.placeholder_count = snapshot->placeholder_count();
  }
  timestamp_us oldest = m.in_hand_oldest.load(std::memory_order_relaxed);
  if (oldest == 0)
    oldest = m.log.oldest_pending();
  s.reconciliation_lag_us = oldest == 0 ? 0 : std::max<timestamp_us>(0, m.now() - oldest);

  const page_pool& pages = m.core->pages;
  memory_use& u = s.memory;
  u.records = pages.bytes_in_use(page_use::records);
  u.id_table = pages.bytes_in_use(page_use::id_table);
  u.adjacency = pages.bytes_in_use(page_use::adjacency) + pages.bytes_in_use(page_use::incoming);
  u.association_times = m.times.load(std::memory_order_relaxed);
  u.payloads = m.core->payloads.bytes_in_use();
  u.retired = m.retired.load(std::memory_order_relaxed);
  u.bookkeeping = m.bookkeeping.load(std::memory_order_relaxed);
  const std::uint64_t used = u.records + u.id_table + u.adjacency + u.payloads;
  u.reserved_free = std::max<std::uint64_t>(m.core->memory.bytes_handed_out(), used) - used;
  u.indexes = m.index_bytes.load(std::memory_order_relaxed);
  u.total = used + u.bookkeeping + u.reserved_free + u.indexes;
  s.held.oldest_sequence = m.held_sequence.load(std::memory_order_relaxed);
  if (const timestamp_us since = m.held_since.load(std::memory_order_relaxed); since != 0)
    s.held.oldest_age_us = std::max<timestamp_us>(0, m.now() - since);
  s.held.memory_bytes = u.retired;
  s.held.mapped_bytes = m.held_mapped.load(std::memory_order_relaxed);
  if (m.store)
    s.store = m.store->figures();
  return s;
}

} // namespace cmem
