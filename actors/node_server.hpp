#pragma once
// The broker of a node: the one actor that owns its connections.

#include "actors/client_ledger.hpp"
#include "actors/concurrent_memory.hpp"
#include "actors/node.hpp"
#include "actors/node_connection.hpp"
#include "messages/cafx.hpp"
#include "messages/interfaces.hpp"

#include <caf/io/broker.hpp>

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>

namespace cmem {

/// What a node counts; read from any thread.
struct node_counters {
  std::atomic<std::uint64_t> connections = 0;
  std::atomic<std::uint64_t> accepted = 0;
  std::atomic<std::uint64_t> refused = 0;
  std::atomic<std::uint64_t> requests = 0;
  std::atomic<std::uint64_t> writes = 0;
  std::atomic<std::uint64_t> repeated = 0;
};

/// Reads frames, hands requests to the memory's readers, one of each connection in turn, and
/// appends writes to its log. All of it on CAF's one thread for sockets, which waits for nothing.
class node_server {
public:
  static inline const char* name = "cmem.node";
  using pointer = caf::io::stateful_broker<node_server>*;
  using connection_handle = caf::io::connection_handle;

  /// `listener` is a socket that listens, taken over.
  caf::behavior start(pointer self, concurrent_memory& memory, const node_options& options,
                      std::shared_ptr<node_counters> counters, int listener);

private:
  using connections = std::unordered_map<connection_handle, node_connection>;

  // -- connections and frames: node_server.cpp
  void accept(connection_handle h);
  void read(connection_handle h, std::span<const char> bytes);
  void work(connection_handle h, node_connection& c);
  /// Takes whole frames of what was read. False: there was none.
  bool take_frames(connection_handle h, node_connection& c);
  result<void> take(connection_handle h, node_connection& c, std::string_view payload);
  result<void> greet(connection_handle h, node_connection& c, const wire::hello& m);
  void send(connection_handle h, node_connection& c, const wire::to_client& m);
  void sent(connection_handle h, std::uint64_t bytes);
  void refuse(connection_handle h, node_connection& c, const failure& why);
  /// It has not taken what it was answered.
  [[nodiscard]] bool is_behind(const node_connection& c) const noexcept;
  void pause_or_go_on(node_connection& c) const noexcept;
  void halt_or_trigger(connection_handle h, node_connection& c);
  void loosen(connection_handle h, node_connection& c);
  void close(connection_handle h);
  void forget(connection_handle h);
  void drain();
  void drop_waiting(node_connection& c);
  void look_around();
  void end_if_drained();

  // -- requests: node_requests.cpp
  void dispatch();
  void dispatch(std::deque<connection_handle>& turns);
  void answered(connection_handle h, node_connection& c);
  void release(node_connection& c);
  void ask(connection_handle h, node_connection& c, wire::asked&& m);
  void reply(connection_handle h, std::uint64_t serial, std::uint64_t id, wire::answer&& what);

  // -- writes: node_writes.cpp
  /// `none` where there is no store: then nothing is acknowledged as durable.
  [[nodiscard]] durability level() const noexcept;
  result<void> take_writes(connection_handle h, node_connection& c, const wire::writes& w);
  void repeat(connection_handle h, node_connection& c, const client_record& r,
              const wire::writes& w);
  result<ticket> append(const concept_id& client, const wire::writes& w, taken_writes& taken,
                        std::uint64_t& marker_ticket);
  void await(const concept_id& client, const ticket& marker, const wire::writes& w);
  void acknowledge(const msg::acknowledged& m);
  void show(client_record& r, std::uint64_t up_to, wire::visible& told);
  void tell(const concept_id& client, const wire::to_client& m);

  pointer self_ = nullptr;
  concurrent_memory* memory_ = nullptr;
  node_options options_;
  std::shared_ptr<node_counters> counters_;
  concept_id incarnation_; // random
  std::optional<client_ledger> ledger_;
  connections connections_;
  std::unordered_map<concept_id, connection_handle> at_; // where a client is now
  std::deque<connection_handle> first_;                  // connections that ask once in a while
  std::deque<connection_handle> turns_;                  // the others whose requests wait
  std::size_t firsts_ = 0;                               // dispatched in a row
  std::size_t asked_ = 0;                                // of readers, not answered yet
  std::size_t asked_max_ = 0;
  std::size_t under_way_max_ = 0; // of those in turns_
  std::size_t under_way_ = 0;     // requests that are asked, or whose answers CAF has not sent yet
  std::size_t unseen_ = 0; // pieces of writes that are not acknowledged yet, visible and durable
  std::uint64_t serial_ = 0;
  std::uint64_t unread_bytes_ = 0;  // of all connections
  std::uint64_t waiting_bytes_ = 0; // and these
  caf::io::accept_handle doorman_;
  bool draining_ = false;
};

} // namespace cmem
