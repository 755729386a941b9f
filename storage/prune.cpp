#include "storage/prune.hpp"

#include "storage/validate.hpp"

#include <utility>
#include <vector>

namespace cmem {

prune_report find_due(const graph_snapshot& s, const retention_rules& rules, timestamp_us now,
                      const std::function<void(const concept_view&, retention_reason)>& found) {
  constexpr std::uint32_t ahead = 16;
  const strength_decay decay{s.decay().half_life, now};
  prune_report r;
  for (std::uint32_t i = 0; i != s.index_count(); ++i) {
    if (i + ahead < s.index_count())
      s.prefetch_payloads(i + ahead);
    if (!s.is_learned(i))
      continue;
    ++r.examined;
    const concept_view c = s.at(i);
    retention_facts facts{decay(c.stored_strength(), c.last_accessed()), c.last_accessed(),
                          c.marks()};
    const bool pinned = std::exchange(facts.marks.pinned, false);
    const auto why = reason_to_forget(facts, rules, now);
    if (!why)
      continue;
    if (pinned) {
      ++r.pinned;
      continue;
    }
    switch (*why) {
      case retention_reason::expired: ++r.expired; break;
      case retention_reason::faded: ++r.faded; break;
      case retention_reason::unused: ++r.unused; break;
    }
    r.payload_bytes += c.content().size() + c.vector().bytes();
    found(c, *why);
  }
  return r;
}

namespace {

/// Waits for all of them: how many were applied.
result<std::uint64_t> settle(engine& memory, std::vector<ticket>& tickets,
                             std::chrono::nanoseconds timeout) {
  if (tickets.empty())
    return std::uint64_t{0};
  if (const auto known = memory.await_visible(tickets.back(), timeout); !known)
    return known.error(); // one thread's entries are merged in its order
  const auto snapshot = memory.share();
  std::uint64_t applied = 0;
  for (const ticket& t : tickets)
    applied += snapshot->outcome(t).what == fate::applied ? 1U : 0U;
  tickets.clear();
  return applied;
}

} // namespace

result<prune_report> prune(engine& memory, const prune_options& options,
                           std::chrono::nanoseconds timeout) {
  constexpr std::size_t at_once = 100; // where full logs drop, they drop these too
  if (auto valid = validate(options.rules); !valid)
    return valid.error();
  std::vector<concept_id> due;
  prune_report r;
  {
    const auto snapshot = memory.share();
    r = find_due(*snapshot, options.rules, memory.now(),
                 [&](const concept_view& c, retention_reason why) {
                   if (options.on_due)
                     options.on_due(c, why);
                   if (!options.dry_run)
                     due.push_back(c.id());
                 });
  }
  std::vector<ticket> tickets;
  const auto settle_all = [&]() -> result<void> {
    const auto applied = settle(memory, tickets, timeout);
    r.forgotten += applied ? *applied : 0;
    return applied ? result<void>() : applied.error();
  };
  for (auto c = due.begin(); c != due.end();) {
    const auto t = memory.write(op::forget_if_due{*c, options.rules});
    if (t) {
      tickets.push_back(*t);
      ++c;
    } else if (t.error().code != errc::overloaded || tickets.empty()) {
      return t.error();
    }
    if (!t || tickets.size() == at_once)
      if (auto done = settle_all(); !done)
        return done.error();
  }
  if (auto done = settle_all(); !done)
    return done.error();
  return r;
}

} // namespace cmem
