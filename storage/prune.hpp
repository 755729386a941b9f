#pragma once
// Forgetting what retention.hpp lets go, when somebody asks for it.

#include "storage/engine.hpp"
#include "storage/graph_snapshot.hpp"
#include "storage/retention.hpp"

#include <chrono>
#include <functional>

namespace cmem {

struct prune_options {
  retention_rules rules = {};
  /// Nothing is forgotten.
  bool dry_run = false;
  /// Told of each concept that may be forgotten, and why, before it is. The view is good for the
  /// call.
  std::function<void(const concept_view&, retention_reason)> on_due = {};
};

struct prune_report {
  std::uint64_t examined = 0; ///< concepts
  std::uint64_t expired = 0;  ///< that may be forgotten, by the first reason that holds
  std::uint64_t faded = 0;
  std::uint64_t unused = 0;
  std::uint64_t pinned = 0; ///< that would be one of those above, and stay
  /// Of content and vectors of what may be forgotten.
  std::uint64_t payload_bytes = 0;
  std::uint64_t forgotten = 0; ///< the rest was touched or forgotten meanwhile, or not asked for

  [[nodiscard]] std::uint64_t due() const noexcept { return expired + faded + unused; }
};

/// Looks at every concept as of `now`, in the order of their indices; `found` is told of each that
/// may be forgotten. Forgets nothing. Threads: any that holds the snapshot.
[[nodiscard]] prune_report find_due(
  const graph_snapshot& s, const retention_rules& rules, timestamp_us now,
  const std::function<void(const concept_view&, retention_reason)>& found);

/// Forgets what may be as of now, by entries like any others, and waits until they are merged.
/// Fails: as engine::write() does; timed_out when none was merged for so long. What was forgotten
/// until then is. Not to be called on the thread that reconciles.
result<prune_report> prune(engine& memory, const prune_options& options,
                           std::chrono::nanoseconds timeout);

} // namespace cmem
