// What time does: the half-life of a store's strengths, and forgetting what is due.

#include "storage/engine_impl.hpp"
#include "storage/seeded_bug.hpp"

#include <algorithm>

namespace cmem {

namespace {

/// Records that a step looks at: a fraction of a millisecond.
constexpr std::uint32_t looked_at_once = 4096;
/// A pass begins so long after the last one began, and so many times as long as it worked.
constexpr std::chrono::seconds pass_every{1};
constexpr int rest_factor = 20;
/// Strengths are shown as of a snapshot's time: it is renewed when they may be off by a thousandth.
constexpr timestamp_us renewals_in_half_life = 1'000;
constexpr timestamp_us renewal_min = 1'000'000;

} // namespace

result<void> engine::impl::change_half_life() {
  const timestamp_us now_kept = core->builder.newest().decay().half_life;
  if (read_only || options.strength_half_life.value_or(now_kept) == now_kept)
    return {};
  if (store) {
    // The log's entries were merged with the old one, and would be merged with the new one if the
    // log were read again: they go to a segment first.
    {
      const std::lock_guard lock(flush_mutex);
      flushes_asked += seeded("half_life_changed_without_flush") ? 0U : 1U;
    }
    cut_if_due();
    while (!flush_jobs.empty()) { // nobody else has this engine yet
      auto done = write_checkpoint(flush_jobs.front());
      flushes_done = flush_jobs.front().asked;
      flush_jobs.pop_front();
      if (!done)
        return done;
    }
    if (auto done = store->set_strength_half_life(*options.strength_half_life); !done)
      return done;
  }
  core->builder.set_strength_half_life(*options.strength_half_life);
  publish({});
  reclaim();
  return {};
}

bool engine::impl::snapshot_is_old() const {
  const graph_snapshot& s = core->builder.newest();
  const timestamp_us half_life = s.decay().half_life;
  return half_life != 0 && s.concept_count() != 0 && !finished.load(std::memory_order_relaxed)
         && now() - s.timestamp() >= std::max(renewal_min, half_life / renewals_in_half_life);
}

/// True if the pass goes on.
bool engine::impl::forget_some() {
  if (!options.forget || refuses() || closed.load(std::memory_order_relaxed))
    return false;
  const auto began = std::chrono::steady_clock::now();
  const timestamp_us at = now();
  if (pass_next == 0) {
    if (at < pass_due && at >= pass_began)
      return false;
    pass_began = at;
    pass_work = {};
  }
  const graph_snapshot& s = core->builder.newest();
  const retention_rules& rules = *options.forget;
  const bool all = rules.strength_min > 0 || rules.unused_max != 0;
  const strength_decay decay{s.decay().half_life, at};
  const std::uint32_t end =
    s.index_count() - pass_next > looked_at_once ? pass_next + looked_at_once : s.index_count();
  for (; pass_next != end; ++pass_next) {
    const concept_node& n = s.node(pass_next);
    if (n.state != node_learned || (!all && n.expires == 0))
      continue;
    const retention_facts facts{decay(n.strength, n.last_accessed), n.last_accessed,
                                s.at(pass_next).marks()};
    if (!reason_to_forget(facts, rules, at))
      continue;
    // Writers go first: half of the log is theirs.
    if (log.counters().pending >= (options.log_capacity + 1) / 2
        || !log.append(op::forget_if_due{n.id, rules}, at))
      break;
    forgets_asked.fetch_add(1, std::memory_order_relaxed);
  }
  pass_work += std::chrono::steady_clock::now() - began;
  if (pass_next != end)
    return false; // goes on there when the log has room
  if (pass_next < s.index_count())
    return true;
  pass_next = 0;
  const auto rest = std::max<std::chrono::nanoseconds>(pass_every, rest_factor * pass_work);
  pass_due = pass_began + std::chrono::duration_cast<std::chrono::microseconds>(rest).count();
  return false;
}

} // namespace cmem
