#include "storage/engine.hpp"

#include "storage/graph_builder.hpp"
#include "storage/limits.hpp"
#include "storage/page_pool.hpp"
#include "storage/settlement_log.hpp"
#include "storage/settlement_waiters.hpp"
#include "storage/validate.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <new>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace cmem {

namespace {

/// What snapshots need, and so what guards and handles keep alive.
struct graph_core {
  graph_core(const engine_options& o, std::shared_ptr<const settlements> settled)
    : memory(o.arena_bytes),
      payloads(memory),
      pages(memory),
      builder(pages, payloads,
              {o.vector_dimension, o.association_times, o.memory_budget_bytes, o.concepts_max,
               o.degree_max, o.on_apply},
              std::move(settled)) {}

  arena memory;
  payload_pool payloads;
  page_pool pages;
  graph_builder builder;
};

struct failed_entry {
  std::uint32_t writer;
  std::uint64_t number;
  std::uint32_t entries;
  errc reason;
};

/// What entries fail with when their merge threw, and the exception's what().
std::pair<errc, std::string> reason_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::bad_alloc& e) {
    return {errc::out_of_memory, e.what()};
  } catch (const std::exception& e) {
    return {errc::internal, e.what()};
  } catch (...) { // on_apply's own
    return {errc::internal, "not an exception of the standard library"};
  }
}

result<void> check_range(const char* name, std::uint64_t value, std::uint64_t low,
                         std::uint64_t high) {
  if (value >= low && value <= high)
    return {};
  return failure{errc::invalid_argument, std::string(name) + " is " + std::to_string(value)
                                           + ": must lie within [" + std::to_string(low) + ", "
                                           + std::to_string(high) + "]"};
}

} // namespace

struct engine::impl {
  impl(engine_options o, std::uint32_t tag)
    : options(std::move(o)),
      memory_tag(tag),
      settled(options.settlement_history, tag),
      core(std::make_shared<graph_core>(options, settled.publish())),
      log(core->payloads, {options.log_capacity, options.overflow, tag, options.on_wake}),
      view(core, core->builder.live().back()),
      batch_entries_max(options.batch_entries_max) {
    publish_figures();
  }

  timestamp_us now() const {
    if (options.clock)
      return options.clock();
    const auto t = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(t).count();
  }

  void take_batch();
  void merge_batch();
  void publish(const reconcile_report& report);
  void settle_waiters();
  void reclaim();
  void publish_figures();

  const engine_options options;
  const std::uint32_t memory_tag;
  settlement_log settled; // the reconciler's, as all of this block
  const std::shared_ptr<graph_core> core;
  kind_registry kinds;
  write_log log;
  read_view view;
  drained_batch batch; // in hand: survives a reconciler that dies (W9)
  enum class stage { none, drained, merged, settled };
  stage at = stage::none; // how far the batch in hand has come
  std::vector<failed_entry> failed;
  std::string merge_error; // of the batch in hand
  std::vector<bool> in_use;
  settlement_waiters waiters;
  std::uint64_t sequence = 0;
  // What a step that threw left to the next one.
  bool publish_due = false;
  bool reclaim_due = false;

  std::atomic<std::size_t> batch_entries_max;
  std::atomic<bool> closed{false};
  std::atomic<bool> finished{false}; // closed, and nothing is left to drain
  std::mutex finish_mutex; // guards `waiters` but for add(): at the end, awaits look for themselves
  // Figures, written by the reconciler.
  std::atomic<bool> over_budget{false};
  std::atomic<std::uint64_t> reconciliations{0};
  std::atomic<std::uint64_t> entries_processed{0};
  std::atomic<std::uint64_t> entries_failed{0};
  std::atomic<std::uint64_t> live_snapshots{1};
  std::atomic<timestamp_us> in_hand_oldest{0};
  std::atomic<std::uint64_t> bookkeeping{0};
  std::atomic<std::uint64_t> times{0};
  std::atomic<std::uint64_t> retired{0};
};

// -- making one

result<std::unique_ptr<engine>> engine::create(engine_options options) {
  for (const auto& checked :
       {check_range("log_capacity", options.log_capacity, 1, log_capacity_max),
        check_range("batch_entries_max", options.batch_entries_max, 1, log_capacity_max),
        check_range("vector_dimension", options.vector_dimension, 0, vector_dimension_max),
        check_range("concepts_max", options.concepts_max, 1, concepts_max),
        check_range("degree_max", options.degree_max, 1, degree_max),
        check_range("arena_bytes", options.arena_bytes, arena_bytes_min, arena_bytes_max),
        check_range("settlement_history", options.settlement_history, 1, 1'000'000)})
    if (!checked)
      return checked.error();
  try {
    std::uint32_t tag = 0;
    while (tag == 0)
      tag = std::random_device()();
    return std::unique_ptr<engine>(new engine(std::make_unique<impl>(std::move(options), tag)));
  } catch (const std::bad_alloc&) {
    return failure{errc::out_of_memory,
                   "cannot reserve the memory's address space: raise the limit on virtual "
                   "memory (ulimit -v) or lower arena_bytes"};
  }
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
template result<ticket> engine::write(const op::forget_concept&);
template result<ticket> engine::write(const op::forget_association&);
template result<ticket> engine::write(const write_op&);

result<ticket> engine::learn_batch(std::span<const write_op> ops) {
  if (ops.size() > batch_entries_max)
    return failure{errc::invalid_argument,
                   "batch has " + std::to_string(ops.size()) + " entries: at most "
                     + std::to_string(cmem::batch_entries_max) + " go in one"};
  for (std::size_t i = 0; i < ops.size(); ++i)
    if (auto valid = validate(ops[i], {impl_->kinds, impl_->options.vector_dimension}); !valid)
      return failure{valid.error().code,
                     "entry " + std::to_string(i) + " of the batch: " + valid.error().detail};
  return impl_->log.append_batch(ops, impl_->now());
}

kind_registry& engine::kinds() noexcept { return impl_->kinds; }
const kind_registry& engine::kinds() const noexcept { return impl_->kinds; }

// -- reading

snapshot_guard engine::load() const noexcept { return impl_->view.load(); }
snapshot_handle engine::share() const noexcept { return impl_->view.share(); }

// -- awaiting

void engine::on_settled(const ticket& t, std::function<void(settlement)> done) {
  const std::uint64_t pushed = impl_->log.pushed();
  if (const settlement s = load()->outcome(t); s.what != fate::pending) {
    done(s);
    return;
  }
  if (!impl_->log.issued(t)) { // it would never be known, and pass for dropped
    done({fate::unknown, errc::unknown});
    return;
  }
  impl_->waiters.add(t, pushed, std::move(done));
  if (impl_->finished.load(
        std::memory_order_seq_cst)) { // nobody else will look: pairs with reconcile()'s store
    impl_->settle_waiters();
    return;
  }
  impl_->log.wake();
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

// -- reconciling

reconcile_report engine::reconcile() {
  impl& m = *impl_;
  reconcile_report report;
  if (m.reclaim_due)
    m.reclaim(); // before more is retired
  if (m.finished.load(std::memory_order_relaxed)) {
    m.settle_waiters();
    return report;
  }
  m.take_batch();
  report.entries = m.batch.entry_count;
  for (const failed_entry& f : m.failed)
    report.failed += f.entries;
  report.merge_error = m.merge_error;
  if (m.at != impl::stage::none || m.settled.changed() || m.publish_due) {
    m.publish(report);
    report.published = true;
  }
  m.in_hand_oldest.store(0, std::memory_order_relaxed);
  m.settle_waiters();
  m.reclaim();
  m.core->payloads.provision();
  if (report.published)
    m.core->builder.provision();
  m.publish_figures();
  if (closed()) {
    report.more_pending = m.log.appends_in_flight() || m.log.counters().pending > 0;
    if (!report.more_pending) {
      m.finished.store(true, std::memory_order_seq_cst); // pairs with on_settled()
      m.settle_waiters();
    }
  } else {
    report.more_pending =
      m.log.counters().pending >= m.batch_entries_max.load(std::memory_order_relaxed);
  }
  return report;
}

void engine::impl::take_batch() {
  if (at == stage::none) {
    log.drain_batch(batch_entries_max.load(std::memory_order_relaxed), batch);
    if (!batch.entries.empty())
      at = stage::drained;
  }
  in_hand_oldest.store(batch.oldest_time, std::memory_order_relaxed);
  if (at == stage::drained) {
    merge_batch();
    at = stage::merged;
  }
  if (at == stage::merged) {
    for (const handle h : batch.entries)
      settled.saw(log.entry(h).writer, log.entry(h).number);
    for (const failed_entry& f : failed)
      settled.failed(f.writer, f.number, f.reason);
    at = stage::settled;
  }
  // Who waits for an entry that has left the log, and came with no batch, waits for a dropped one.
  // What the log carries over to the next batch is out of the queue as well: drops behind it count.
  const std::uint64_t popped = log.popped();
  const write_entry* carried = log.carried();
  const auto may_come = [carried](const ticket& t) {
    return carried != nullptr && t.writer == carried->writer && t.number >= carried->number;
  };
  const std::lock_guard lock(finish_mutex);
  for (const auto& w : waiters.collect())
    if (popped >= w->pushed && !may_come(w->of))
      settled.left(w->of.writer, w->of.number);
}

void engine::impl::publish(const reconcile_report& report) {
  publish_due = true;
  const timestamp_us time = std::max(core->builder.newest().timestamp(), now());
  (void) view.publish(core->builder.publish(sequence + batch.entry_count, time, settled.publish()));
  publish_due = false;
  reclaim_due = true;
  sequence += batch.entry_count;
  reconciliations.fetch_add(1, std::memory_order_relaxed);
  entries_processed.fetch_add(report.entries, std::memory_order_relaxed);
  entries_failed.fetch_add(report.failed, std::memory_order_relaxed);
  failed.clear();
  merge_error.clear();
  log.release(batch);
  at = stage::none;
}

void engine::impl::merge_batch() {
  std::exception_ptr thrown;
  for (int attempt = 1; attempt <= 2; ++attempt) {
    failed.clear();
    try {
      core->builder.merge(batch.entries, [this](const write_entry& e, errc why) {
        failed.push_back({e.writer, e.number, e.batch_count, why});
      });
      return;
    } catch (...) {
      thrown = std::current_exception();
    }
    core->builder.discard(); // before anything else can throw
  }
  const auto [reason, what] = reason_of(thrown);
  failed.clear();
  for (const handle h : batch.entries) {
    const write_entry& e = log.entry(h);
    failed.push_back({e.writer, e.number, e.batch_count, reason});
  }
  merge_error = what;
}

void engine::impl::settle_waiters() {
  std::vector<settlement_waiters::known> known;
  {
    const std::lock_guard lock(finish_mutex);
    (void) waiters.collect();
    const bool last = finished.load(std::memory_order_relaxed);
    const graph_snapshot& newest = core->builder.newest();
    known = waiters.take_known([&](const settlement_waiters::waiter& w) {
      const settlement s = newest.outcome(w.of);
      // What is still pending when nothing can come any more was never appended here.
      return last && s.what == fate::pending ? settlement{fate::unknown, errc::unknown} : s;
    });
  }
  for (const auto& k : known)
    k.tell();
}

void engine::impl::reclaim() {
  const auto& live = core->builder.live();
  if (live.size() == 1)
    return;
  in_use.assign(live.size(), false);
  view.scan(std::span<graph_snapshot* const>(live),
            [this](std::size_t i, bool used) { in_use[i] = used; });
  core->builder.reclaim(in_use);
  reclaim_due = false;
}

void engine::set_batch_entries_max(std::size_t n) noexcept {
  impl_->batch_entries_max.store(std::clamp<std::size_t>(n, 1, log_capacity_max),
                                 std::memory_order_relaxed);
}

void engine::close() {
  impl_->log.close();
  impl_->closed.store(true, std::memory_order_release);
  impl_->log.wake();
}

bool engine::closed() const noexcept { return impl_->closed.load(std::memory_order_acquire); }

// -- figures

void engine::impl::publish_figures() {
  const graph_builder& b = core->builder;
  over_budget.store(b.over_budget(), std::memory_order_relaxed);
  live_snapshots.store(b.live().size(), std::memory_order_relaxed);
  bookkeeping.store(b.bookkeeping_bytes(), std::memory_order_relaxed);
  times.store(b.times_bytes(), std::memory_order_relaxed);
  retired.store(b.retired_bytes(), std::memory_order_relaxed);
}

engine_stats engine::stats() const {
  const impl& m = *impl_;
  engine_stats s;
  s.log = m.log.counters();
  s.reconciliations = m.reconciliations.load(std::memory_order_relaxed);
  s.entries_processed = m.entries_processed.load(std::memory_order_relaxed);
  s.entries_failed = m.entries_failed.load(std::memory_order_relaxed);
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
  u.adjacency = pages.bytes_in_use(page_use::adjacency);
  u.association_times = m.times.load(std::memory_order_relaxed);
  u.payloads = m.core->payloads.bytes_in_use();
  u.retired = m.retired.load(std::memory_order_relaxed);
  u.bookkeeping = m.bookkeeping.load(std::memory_order_relaxed);
  const std::uint64_t used = u.records + u.id_table + u.adjacency + u.payloads;
  u.reserved_free = std::max<std::uint64_t>(m.core->memory.bytes_handed_out(), used) - used;
  u.total = used + u.bookkeeping + u.reserved_free;
  return s;
}

} // namespace cmem
