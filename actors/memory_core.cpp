#include "actors/memory_core.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>

namespace cmem {

memory_core::memory_core(config c)
  : settings_(std::move(c)),
    sizer_(std::chrono::milliseconds(settings_.reconcile_interval_ms), settings_.max_batch_size) {}

result<std::shared_ptr<memory_core>> memory_core::create(config c) {
  if (auto valid = validate(c); !valid)
    return valid.error();
  const std::shared_ptr<memory_core> core(new memory_core(std::move(c)));
  auto options = storage_options(core->settings_);
  // The core outlives its engine.
  options.on_wake = [raw = core.get()] { raw->wake(); };
  if (options.store) {
    options.store->on_commit_due = [raw = core.get()] { raw->wake_flusher(); };
    options.store->on_flush_due = [raw = core.get()] { raw->wake_checkpointer(); };
  }
  auto made = engine::create(std::move(options));
  if (!made)
    return made.error();
  core->engine_ = std::move(made).value();
  return core;
}

void memory_core::wake() {
  if (const auto h = crew_.reconciler())
    cafx::post(h, msg::reconcile_now{});
}

void memory_core::wake_flusher() {
  if (const auto h = crew_.flusher())
    cafx::post(h, msg::commit_now{});
}

void memory_core::wake_checkpointer() {
  if (const auto h = crew_.checkpointer())
    cafx::post(h, msg::flush_now{});
}

void memory_core::wake_indexer() {
  // Relaxed: it only keeps messages from piling up; the mailbox orders everything else.
  if (const auto h = crew_.indexer(); h && !index_asked_.exchange(true, std::memory_order_relaxed))
    cafx::post(h, msg::index_now{});
}

bool memory_core::index() {
  index_asked_.store(false, std::memory_order_relaxed);
  const auto more = engine_->index_some();
  if (more)
    return *more;
  log(log_level::warning, to_string(more.error()));
  return true;
}

bool memory_core::flush() {
  const auto done = engine_->flush();
  if (!done && done.error().code != errc::read_only)
    log(log_level::error, "a flush failed: " + to_string(done.error()));
  return done && *done;
}

std::optional<std::chrono::nanoseconds> memory_core::compact() {
  constexpr std::uint64_t step_bytes = std::uint64_t{1} << 20;
  const auto more = engine_->compact(step_bytes);
  // One that close() cut off is begun anew by whoever opens the store next.
  if (!more && more.error().code != errc::read_only && more.error().code != errc::closed)
    log(log_level::error, "segments could not be merged: " + to_string(more.error()));
  if (!more || !*more)
    return std::nullopt;
  const bool hurry =
    engine_->compaction_is_late() || engine_->stats().store.segments > compaction_segments_max;
  if (hurry || settings_.compaction_bytes_per_s == 0)
    return std::chrono::nanoseconds(0);
  return std::chrono::nanoseconds(std::nano::den * step_bytes / settings_.compaction_bytes_per_s);
}

void memory_core::make_log_ready() {
  if (const auto done = engine_->make_log_ready(); !done)
    log(log_level::warning, "no log file could be made ahead: " + to_string(done.error()));
}

void memory_core::commit() {
  if (const auto done = engine_->commit(); !done && done.error().code != errc::read_only)
    log(log_level::error, "the store is read-only from here on: " + to_string(done.error()));
  if (engine_->log_wants_file())
    wake_checkpointer();
}

reconcile_report memory_core::reconcile() {
  auto report = step();
  if (!report.merge_error.empty())
    log(log_level::error, "a merge of " + std::to_string(report.entries)
                            + " entries failed, and they with it: " + report.merge_error);
  return report;
}

reconcile_report memory_core::step() {
  const std::lock_guard lock(baton_);
  const auto begin = std::chrono::steady_clock::now();
  const auto report = engine_->reconcile();
  sizer_.observe(report.entries, std::chrono::steady_clock::now() - begin);
  engine_->set_batch_entries_max(sizer_.limit());
  if (report.published)
    feed_.publish(engine_->share());
  if (engine_->index_due())
    wake_indexer();
  return report;
}

bool memory_core::has_work() const { return engine_->stats().log.pending != 0; }

result<kind_id> memory_core::register_kind(std::string_view name) {
  if (engine_->closed())
    return failure{errc::closed, "the memory is closed"};
  return engine_->kinds().add(name);
}

void memory_core::subscribe(const snapshot_subscriber& who) {
  const std::lock_guard lock(baton_);
  feed_.add(who, engine_->share());
}

void memory_core::unsubscribe(const caf::actor_addr& who) {
  const std::lock_guard lock(baton_);
  feed_.remove(who);
}

std::vector<snapshot_subscriber> memory_core::subscribers() const {
  const std::lock_guard lock(baton_);
  return feed_.subscribers();
}

memory_stats memory_core::stats() const { return to_memory_stats(engine_->stats()); }

health_report memory_core::health() const { return assess(stats(), settings_.health); }

void memory_core::watch_health() {
  const auto report = health();
  std::uint32_t now = 0;
  for (const auto& i : report.issues)
    now |= 1U << static_cast<unsigned>(i.what);
  const std::lock_guard lock(watch_mutex_);
  for (const auto& i : report.issues)
    if ((complaints_ & (1U << static_cast<unsigned>(i.what))) == 0)
      log(log_level::warning, std::string(to_string(i.what)) + ": " + i.advice);
  if (now == 0 && complaints_ != 0)
    log(log_level::info, "healthy again");
  complaints_ = now;
}

void memory_core::log(log_level level, std::string_view text) const {
  if (settings_.log)
    settings_.log(level, text);
  else if (level >= log_level::warning)
    std::fprintf(stderr, "cmem %s: %.*s\n", to_string(level).data(), static_cast<int>(text.size()),
                 text.data());
}

close_report memory_core::drain() {
  constexpr int failures_max = 3;
  close_report report;
  for (int failures = 0; failures < failures_max;) {
    try {
      const auto step = reconcile();
      report.drained += step.entries;
      report.failed += step.failed;
      if (step.stalled)
        commit();
      else if (!step.more_pending)
        break;
    } catch (const std::exception& e) {
      ++failures;
      log(log_level::error, std::string("a merge failed while closing: ") + e.what());
    }
  }
  report.left = engine_->stats().log.pending;
  return report;
}

close_report memory_core::close() {
  const std::lock_guard lock(close_mutex_);
  if (closed_)
    return *closed_;
  engine_->close();
  closed_ = drain();
  close_store();
  crew_.dismiss();
  log(closed_->left == 0 && closed_->not_durable == 0 ? log_level::info : log_level::warning,
      "closed: " + std::to_string(closed_->drained) + " pending entries drained, "
        + std::to_string(closed_->failed) + " of them failed, " + std::to_string(closed_->left)
        + " left"
        + (closed_->not_durable == 0
             ? ""
             : ", " + std::to_string(closed_->not_durable) + " not durable"));
  return *closed_;
}

void memory_core::store_index() {
  constexpr const char* text = "the next opening makes an index again: ";
  try {
    if (const auto done = engine_->store_index(); !done)
      log(log_level::warning, text + to_string(done.error()));
  } catch (const std::exception& e) {
    log(log_level::warning, std::string(text) + e.what());
  }
}

void memory_core::close_store() {
  if (settings_.storage_path.empty() || settings_.read_only)
    return;
  result<bool> flushed = engine_->flush();
  while (flushed && *flushed)
    flushed = engine_->flush();
  if (flushed)
    store_index();
  const auto done = engine_->close_store();
  if (!flushed || !done) {
    closed_->store_error = flushed ? done.error() : flushed.error();
    log(log_level::error, "the store was not closed well: " + to_string(closed_->store_error));
  }
  const auto s = engine_->stats();
  closed_->not_durable = s.sequence - std::min(s.sequence, s.store.durable_sequence);
}

} // namespace cmem
