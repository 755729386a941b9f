#pragma once
// Serves a memory to clients in other processes: frames (messages/wire.hpp) over TCP.

#include "actors/tcp_socket.hpp"
#include "messages/frame.hpp"
#include "storage/result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace caf {
class actor_system;
} // namespace caf

namespace cmem {

class concurrent_memory; // actors/concurrent_memory.hpp

struct node_options {
  std::string address = "127.0.0.1";               ///< loopback: nobody is asked who he is
  std::uint16_t port = node_port;                  ///< 0: one that is free
  std::uint32_t frame_bytes = frame_bytes_default; ///< of a payload, at most, either way
  std::size_t connections_max = 4'096;
  /// Requests of one connection that wait for a reader, at most; it is not read from meanwhile.
  std::size_t requests_max = 64;
  /// Answers of one connection that it has not taken yet: over so many bytes it is not read from.
  std::size_t unread_bytes_max = std::size_t{4} << 20;
  std::size_t unread_bytes_total = std::size_t{256} << 20; ///< the same of all of them
  /// A connection that takes none of what waits for it, or says nothing, for so long is closed.
  std::chrono::milliseconds silence_max = std::chrono::seconds(10);
  /// Clients whose writes the store remembers (client_ledger.hpp).
  std::size_t clients_max = 10'000;
};

/// Fails (invalid_argument) naming field and value.
result<void> validate(const node_options& o);

struct node_figures {
  std::uint64_t connections = 0; ///< open now
  std::uint64_t accepted = 0;    ///< ever
  std::uint64_t refused = 0;     ///< that were no clients, or spoke no version of ours
  std::uint64_t requests = 0;    ///< answered
  std::uint64_t writes = 0;      ///< taken
  std::uint64_t repeated = 0;    ///< writes that came again and were not applied again
};

/// What a client sends is bounded before it is believed, and what it does not read is bounded too:
/// it is not read from, and closed when it does not move. Nothing of CAF's own protocol (BASP) is
/// offered: one header of that makes a node reserve 4 GiB.
/// Threads: all calls from any thread, save the destructor. The memory and the system must outlive
/// it.
class node {
public:
  /// Listens when it returns. `system` must have loaded caf::io::middleman. Fails: as validate();
  /// io_error, when the address cannot be bound.
  static result<std::unique_ptr<node>> open(caf::actor_system& system, concurrent_memory& memory,
                                            node_options options = {});
  /// Closes at once what drain() has not.
  ~node();
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  /// False once it has ended, by drain() or because of an error.
  [[nodiscard]] bool running() const;
  [[nodiscard]] std::uint16_t port() const noexcept;
  [[nodiscard]] node_figures figures() const noexcept;

  /// Accepts nobody, reads nothing any more, answers what it has read and acknowledges what it has
  /// taken, on the disk where there is one; then closes. False: not within `timeout`.
  bool drain(std::chrono::milliseconds timeout);

private:
  struct impl;
  explicit node(std::unique_ptr<impl> p);
  std::unique_ptr<impl> impl_;
};

} // namespace cmem
