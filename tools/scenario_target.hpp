#pragma once
// What a scenario runs against: the memory itself, or what it is compared with: a map behind a
// lock, and stores of others (peer_targets.hpp).

#include "storage/concept_id.hpp"
#include "storage/records.hpp"
#include "storage/result.hpp"
#include "storage/ticket.hpp"
#include "tools/found_edge.hpp"
#include "tools/scenario.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cmem {
class concurrent_memory;
} // namespace cmem

namespace cmem::tools {

/// Every entry is in exactly one of applied, failed, dropped and pending; rejected ones never were.
struct target_counters {
  std::uint64_t written = 0;
  std::uint64_t applied = 0;
  std::uint64_t failed = 0;
  std::uint64_t dropped = 0;
  std::uint64_t rejected = 0;
  std::uint64_t pending = 0;
  std::uint64_t concepts = 0;
  std::uint64_t associations = 0;
  std::uint64_t snapshots = 0;   ///< published; 0 where there are none
  std::uint64_t not_durable = 0; ///< of a store, once it is finished: entries not on the disk
};

/// One reading thread's access: holds what queries reuse. Every call answers from the newest state
/// and looks at what it found, as a caller would.
class target_reader {
public:
  virtual ~target_reader() = default;
  /// Whether the concept is there.
  virtual bool find(const concept_id& id) = 0;
  /// How many associations were returned, best first.
  virtual std::size_t neighbors(const concept_id& id, std::size_t limit) = 0;
  /// What the last neighbors() found, in its order. For who compares targets, not who times them.
  /// Precondition: nothing was written since.
  [[nodiscard]] virtual std::vector<found_edge> last_neighbors() const = 0;
  /// Hops of the shortest path; nullopt without one.
  virtual std::optional<std::size_t> find_path(const concept_id& from, const concept_id& to,
                                               std::uint32_t depth_max) = 0;
  /// confident_path and alternative_paths from one concept to another, subgraph and activation
  /// around one: how many paths, or concepts, were found. Only of kinds that the target offers.
  virtual std::size_t traverse(query_kind kind, const concept_id& from, const concept_id& to,
                               const phase& limits);
};

/// The kinds behind find_path are not for everyone.
[[nodiscard]] constexpr bool offered_by_all(query_kind kind) noexcept {
  return kind <= query_kind::find_path;
}
/// The map behind a mutex answers all that a graph does.
[[nodiscard]] constexpr bool offered_by_map(query_kind kind) noexcept {
  return kind != query_kind::search;
}

/// Threads: all calls from any thread; a reader belongs to one.
class scenario_target {
public:
  virtual ~scenario_target() = default;
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  /// How it is set up, for the report; empty: nothing to say.
  [[nodiscard]] virtual std::string settings() const { return {}; }
  virtual result<kind_id> register_kind(std::string_view kind) = 0;
  virtual result<ticket> write(const write_op& o) = 0;
  virtual std::unique_ptr<target_reader> make_reader() = 0;
  [[nodiscard]] virtual bool offers(query_kind kind) const noexcept { return offered_by_all(kind); }
  /// What the newest state knows of the entry. A poll: wakes nobody, waits for nobody.
  [[nodiscard]] virtual fate outcome(const ticket& t) const = 0;
  /// True where a write is visible when it returns: then outcome() is not worth asking.
  [[nodiscard]] virtual bool visible_at_return() const noexcept = 0;
  /// Between true and false one thread writes and nobody reads: what is written may wait for the
  /// end of that to be visible, and the disk. Fails when it can't be kept.
  virtual result<void> preloading(bool) { return {}; }
  /// Blocks until it is known what became of the entry. Fails: timed_out.
  virtual result<void> await(const ticket& t, std::chrono::nanoseconds timeout) = 0;
  /// Takes no more writes and settles all there are; reads and counters go on.
  virtual void finish() = 0;
  [[nodiscard]] virtual target_counters counters() const = 0;
  /// The first failure that no call could return: a query's, or of work in the background. Empty:
  /// there was none.
  [[nodiscard]] virtual std::string trouble() const { return {}; }
};

enum class target_kind : std::uint8_t { memory, mutex_map, lmdb, rocksdb, sqlite };
inline constexpr std::size_t target_kinds = 5;
/// In the order of target_kind; but for the memory, what `--against` knows.
inline constexpr std::array<std::string_view, target_kinds> target_names = {
  "concurrent_memory", "mutex_map", "lmdb", "rocksdb", "sqlite"};

/// The memory, by its facade. Fails as concurrent_memory does.
result<std::unique_ptr<scenario_target>> make_memory_target(const memory_spec& spec,
                                                            std::uint32_t vector_dimension);
/// One that is open already. Borrows it; finish() closes it.
std::unique_ptr<scenario_target> make_memory_target(concurrent_memory& memory);
/// A map of nodes with vector edges behind one std::shared_mutex, reserved for `concepts`.
std::unique_ptr<scenario_target> make_mutex_map_target(std::size_t concepts);

/// Fails (unsupported) when a phase asks for what the target does not offer.
result<void> check_offered(const scenario& s, const scenario_target& target);
/// The same before there is one.
result<void> check_offered(const scenario& s, target_kind kind);

} // namespace cmem::tools
