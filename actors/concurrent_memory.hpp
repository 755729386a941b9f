#pragma once
// A memory that learns and answers at the same time: what most programs include.

#include "actors/close_report.hpp"
#include "actors/config.hpp"
#include "actors/health.hpp"
#include "messages/values.hpp"
#include "storage/backup.hpp"
#include "storage/engine.hpp"
#include "storage/prune.hpp"
#include "storage/queries.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace caf {
class actor_system;
} // namespace caf

namespace cmem {

struct actor_handles; // actors/handles.hpp

using named_seed = basic_activation_seed<concept_ref>;
using named_search = basic_search_query<concept_ref>;

/// Writes go to a log and return a ticket at once; a reconciler merges them every few milliseconds
/// into a new snapshot; reads use the newest snapshot and never wait. Calls here are direct: none
/// crosses a mailbox.
///
/// Threads: all calls from any thread, save the destructor. Writes fail with the errors of
/// storage/engine.hpp: invalid_argument, unknown_kind, overloaded, memory_budget, out_of_memory,
/// closed. Snapshots may outlive the memory. Actors end after close(), in their own time.
class concurrent_memory {
public:
  /// A memory with an actor system of its own. Fails as validate(config) does; out_of_memory when
  /// no address space can be reserved.
  static result<std::unique_ptr<concurrent_memory>> open(config c = {});
  /// A memory whose actors live in the host's system, beside any others, under any scheduler
  /// policy. Close it before the system goes: actors would keep that from ending.
  static result<std::unique_ptr<concurrent_memory>> open(caf::actor_system& host, config c = {});
  /// open() for programs that want exceptions: throws std::runtime_error with the failure's text.
  explicit concurrent_memory(config c = {});
  /// Closes.
  ~concurrent_memory();
  concurrent_memory(const concurrent_memory&) = delete;
  concurrent_memory& operator=(const concurrent_memory&) = delete;

  // -- writing (W1). What the operations mean: storage/records.hpp.

  result<ticket> learn_concept(const concept_ref& id, std::string_view content = {},
                               std::span<const float> vector = {}, float strength = 1.0F,
                               float confidence = 1.0F);
  result<ticket> learn_association(const concept_ref& source, const concept_ref& target,
                                   kind_id kind = kinds::semantic, float confidence = 1.0F,
                                   float weight = 1.0F);
  result<ticket> strengthen(const concept_ref& id, float delta);
  result<ticket> strengthen(const concept_ref& source, const concept_ref& target, kind_id kind,
                            float delta);
  result<ticket> record_access(const concept_ref& id);
  result<ticket> record_use(const concept_ref& source, const concept_ref& target,
                            kind_id kind = kinds::semantic);
  result<ticket> set_attributes(const concept_ref& id,
                                std::span<const attribute_update> attributes);
  result<ticket> forget_concept(const concept_ref& id);
  result<ticket> forget_association(const concept_ref& source, const concept_ref& target,
                                    kind_id kind = kinds::semantic);
  /// Any of the above.
  result<ticket> write(const write_op& o);
  /// All become visible in one snapshot, or none does (W8).
  result<ticket> learn_batch(std::span<const write_op> ops);
  /// All reach a snapshot, and the disk, together; each is applied, or fails, by itself and has a
  /// ticket: the first one's is returned, the next has the next number.
  result<ticket> write_together(std::span<const write_op> ops);
  /// The id of the kind of that name, new or not. Fails: invalid_argument, limit_exceeded, closed.
  result<kind_id> register_kind(std::string_view name);
  [[nodiscard]] const kind_registry& known_kinds() const noexcept;

  // -- reading. Answers come from the newest snapshot; ask several questions of one by snapshot().

  /// A copy. Fails: not_found.
  [[nodiscard]] result<concept_record> query_concept(const concept_ref& id) const;
  /// Best first. Fails: not_found.
  [[nodiscard]] result<std::vector<neighbor_record>> query_neighbors(
    const concept_ref& id, const neighbor_filter& f = {}, direction d = direction::outgoing) const;
  /// Fewest hops; nullopt when there is no path. Fails: not_found, invalid_argument (max_depth).
  [[nodiscard]] result<std::optional<path_record>> find_path(const concept_ref& source,
                                                             const concept_ref& target,
                                                             std::uint32_t max_depth = 6) const;
  /// As asked for in full: most confident paths, alternatives, filter, limits; maybe none. Fails:
  /// not_found, invalid_argument.
  [[nodiscard]] result<paths_record> find_paths(const concept_ref& source,
                                                const concept_ref& target,
                                                const path_query& query) const;
  /// What lies around some concepts, e.g. subgraph({"rain", "snow"}). Fails: not_found,
  /// invalid_argument.
  [[nodiscard]] result<subgraph_record> subgraph(const std::vector<concept_ref>& seeds,
                                                 const subgraph_query& query = {}) const;
  /// What comes to mind with some concepts, e.g. activate({{"rain", 1.0}, {"snow", 0.5}}). Fails:
  /// not_found, invalid_argument.
  [[nodiscard]] result<activation_record> activate(const std::vector<named_seed>& seeds,
                                                   const activation_query& query = {}) const;
  /// By words, vector, beginning of names and nearness, in one ranking, e.g.
  /// search({.text = "slow traffic", .near = {"rain"}}). Fails: not_found, invalid_argument.
  [[nodiscard]] result<std::vector<found_concept>> search(const named_search& query) const;
  /// The newest snapshot, held until the guard goes, on this thread. For storage/queries.hpp.
  [[nodiscard]] snapshot_guard snapshot() const noexcept;
  /// The newest snapshot as a handle that may be kept and mailed.
  [[nodiscard]] snapshot_handle share() const noexcept;

  // -- awaiting (W4)

  /// Blocks until it is known what became of the entry. Wakes the reconciler. Fails: timed_out.
  result<settlement> await_visible(
    const ticket& t, std::chrono::nanoseconds timeout = std::chrono::seconds(5)) const;
  /// Blocks until it is known and, if it was applied, on the disk. Wakes reconciler and flusher.
  /// Fails: timed_out; not_durable without storage or at level `none`; read_only once the store has
  /// failed (D4); closed.
  result<settlement> await_durable(
    const ticket& t, std::chrono::nanoseconds timeout = std::chrono::seconds(5)) const;
  /// Calls `done` once it is known: at once, or later on the reconciler's thread, where it must be
  /// short and must not close the memory.
  void on_settled(const ticket& t, std::function<void(settlement)> done);
  /// The same with what await_durable() answers; the later call may be on the flusher's thread.
  void on_durable(const ticket& t, std::function<void(result<settlement>)> done);

  // -- looking after it

  /// Flushes now, which makes a checkpoint: the sequence up to which segments hold everything, so
  /// that the next opening has no log to read. Fails: timed_out; not_durable without a store that
  /// is written; read_only.
  result<std::uint64_t> flush(std::chrono::nanoseconds timeout = std::chrono::minutes(10));
  /// Flushes, and merges all segments into one in which nothing is that was forgotten or replaced,
  /// visibly, by now; nor is it anywhere else in the store then. The background does most of that
  /// by itself (config.compaction). Fails: as flush() does; corrupt, io_error, disk_full: the store
  /// is as it was.
  result<void> compact(std::chrono::nanoseconds timeout = std::chrono::hours(1));
  /// Flushes, which `timeout` is for, and makes a backup of the store in `directory`: of all that
  /// is visible by now, and maybe of some that came later; the report says up to where. What
  /// storage/backup.hpp says holds. Blocks the caller alone: writers, readers and commits go on.
  /// Fails: as flush() and cmem::backup() do.
  result<backup_report> backup(const std::string& directory, const backup_options& options = {},
                               std::chrono::nanoseconds timeout = std::chrono::minutes(10));
  /// Forgets what may be by the rules as of now, and waits until that is visible. Who is touched
  /// meanwhile stays. Blocks the caller alone. Fails: as writes do, and timed_out when no entry was
  /// merged for so long; what was forgotten until then is.
  result<prune_report> prune(const prune_options& options,
                             std::chrono::nanoseconds timeout = std::chrono::minutes(1));
  /// What opening the store found. Constant.
  [[nodiscard]] const recovery_report& recovery() const noexcept;
  /// The clock of its entries and snapshots (config.clock).
  [[nodiscard]] timestamp_us now() const;
  [[nodiscard]] memory_stats stats() const;
  [[nodiscard]] health_report health() const;
  [[nodiscard]] const config& settings() const noexcept;
  [[nodiscard]] actor_handles actors() const;
  /// Drains what is pending and says what became of it; later writes are refused (closed), awaits
  /// still open resolve, reads go on (D7). The second and later calls return the same report.
  close_report close();

private:
  struct impl;
  explicit concurrent_memory(std::unique_ptr<impl> p);
  std::unique_ptr<impl> impl_;
};

} // namespace cmem
