#pragma once
// Which writes of which clients a node has taken, so that each is applied once.

#include "messages/wire.hpp"
#include "storage/concept_id.hpp"
#include "storage/graph_snapshot.hpp"
#include "storage/records.hpp"
#include "storage/ticket.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace cmem {

/// What was taken of a client in one piece, and is not visible or not durable yet.
struct taken_writes {
  std::uint64_t first = 0; ///< the client's numbers
  std::uint64_t last = 0;
  ticket marker; ///< of what marks them as taken
  ticket begin;  ///< of the first that was not refused; the others have the next ones
  std::vector<wire::failed_write> failed; ///< refused before they were written; ascending
};

/// A client, as long as the node runs.
struct client_record {
  std::uint64_t taken = 0;   ///< the highest number that is in the log, or was refused for good
  std::uint64_t visible = 0; ///< the highest number that met its fate
  std::uint64_t durable = 0; ///< and is on the disk
  std::uint64_t refused = 0; ///< the highest number that will not be there, and why
  failure refusal;
  std::deque<taken_writes> unseen;         ///< not visible yet, ascending
  std::deque<wire::failed_write> failures; ///< the last ones, ascending: for frames that come again
  bool marked = false;                     ///< the store has a marker of it
};

/// The store remembers a client by a concept, its marker, whose content is the number of the last
/// write that was taken of it. A marker is written together with what it tells of, so that after a
/// crash either both are there or neither is. Markers hang on one concept, `root_name`, by which a
/// node that starts finds them; they are pinned, so that no rule forgets them. At most clients_max
/// are kept: those that have not written for longest go first.
/// Threads: one at a time.
class client_ledger {
public:
  static constexpr std::string_view root_name = "cmem.clients";
  static constexpr std::string_view marker_prefix = "cmem.client.";
  static constexpr std::size_t mark_ops_max = 6;      ///< that mark() appends
  static constexpr std::size_t failures_max = 10'000; ///< kept of one client

  /// Reads the markers of a snapshot. Markers that say nothing sensible are passed over.
  client_ledger(const graph_snapshot& s, std::size_t clients_max);

  /// Null: it has written nothing, or was forgotten.
  [[nodiscard]] client_record* find(const concept_id& client);
  [[nodiscard]] std::size_t size() const noexcept { return clients_.size(); }

  /// Appends to `ops` what marks `last` as taken; the operations borrow from here until the next
  /// call. Over clients_max they also forget the client that has not written for longest, unless
  /// it has writes under way.
  void mark(const concept_id& client, std::uint64_t last, std::vector<write_op>& ops);
  /// What mark() appended is in the log. Whether the store has the marker is known when it is
  /// visible (client_record::marked).
  client_record& marked(const concept_id& client, std::uint64_t last);

private:
  struct entry {
    client_record record;
    std::uint64_t written_at = 0; // by clock_
  };

  void forget_oldest(const concept_id& but, std::vector<write_op>& ops);

  const std::size_t clients_max_;
  std::unordered_map<concept_id, entry> clients_;
  std::map<std::uint64_t, concept_id> by_age_; // those that wrote, by written_at
  std::uint64_t clock_ = 0;
  std::optional<concept_id> forgotten_; // by what mark() appended last
  std::string marker_;                  // what that borrows
  std::string number_;
  std::string old_marker_;
};

} // namespace cmem
