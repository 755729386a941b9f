// One step of the reconciler: drain, merge, log, settle, publish, tell, reclaim.

#include "storage/engine_impl.hpp"
#include "storage/seeded_bug.hpp"

#include <algorithm>
#include <exception>
#include <new>

namespace cmem {

namespace {

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

} // namespace

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
  const bool indexed = m.take_index();
  if (m.at != impl::stage::none || indexed || m.settled.changed() || m.publish_due
      || m.snapshot_is_old()) {
    m.publish(report);
    report.published = true;
  }
  m.in_hand_oldest.store(0, std::memory_order_relaxed);
  m.settle_waiters();
  m.reclaim();
  m.unmap_unseen();
  m.core->payloads.provision();
  if (report.published)
    m.core->builder.provision();
  m.publish_figures();
  report.stalled = m.stalled.load(std::memory_order_relaxed);
  if (report.stalled) {
    report.more_pending = false; // asking again is of no use before a commit
  } else if (closed()) {
    report.more_pending = m.log.appends_in_flight() || m.log.counters().pending > 0;
    if (!report.more_pending) {
      m.finished.store(true, std::memory_order_seq_cst); // pairs with on_settled()
      m.settle_waiters();
    }
  } else {
    report.more_pending =
      m.log.counters().pending >= m.batch_entries_max.load(std::memory_order_relaxed);
  }
  m.cut_if_due();
  if (!report.more_pending && !m.finished.load(std::memory_order_relaxed))
    report.more_pending =
      m.adopt_some() || m.relocate_some() || (!report.stalled && m.forget_some()) || m.pack_some();
  return report;
}

void engine::impl::take_batch() {
  if (at == stage::none) {
    if (const std::size_t limit = drain_limit(); limit != 0)
      log.drain_batch(limit, batch);
    if (!batch.entries.empty())
      at = stage::drained;
  }
  in_hand_oldest.store(batch.oldest_time, std::memory_order_relaxed);
  if (at == stage::drained) {
    if (store && store->broken())
      refuse_batch();
    else
      merge_batch();
    at = stage::merged;
  }
  if (at == stage::merged) {
    batch_time = std::max(core->builder.newest().timestamp(), now());
    if (store && batch_numbers != 0)
      log_batch(); // before publish() takes the payloads
    at = stage::logged;
  }
  if (at == stage::logged) {
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
  const timestamp_us time =
    at == stage::none ? std::max(core->builder.newest().timestamp(), now()) : batch_time;
  const auto known = settled.publish();
  decltype(logged) note; // made before, for nothing may throw between the publish and its end
  if (store && batch_numbers != 0)
    note.emplace_back(sequence + batch_numbers, known);
  (void) view.publish(core->builder.publish(sequence + batch_numbers, time, known));
  publish_due = false;
  reclaim_due = true;
  {
    const std::lock_guard lock(durable_mutex);
    logged.splice(logged.end(), note);
  }
  sequence += batch_numbers;
  batch_numbers = 0;
  reconciliations.fetch_add(1, std::memory_order_relaxed);
  entries_processed.fetch_add(report.entries, std::memory_order_relaxed);
  entries_failed.fetch_add(report.failed, std::memory_order_relaxed);
  failed.clear();
  merge_error.clear();
  log.release(batch);
  at = stage::none;
}

void engine::impl::publish_own() {
  publish({});
  core->pages.keep_unmeasured();
  reclaim();
}

void engine::impl::merge_batch() {
  std::exception_ptr thrown;
  batch_numbers = batch.entry_count;
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
    if (!seeded("failed_merge_not_discarded"))
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

} // namespace cmem
