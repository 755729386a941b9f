#pragma once
// Clients of a node without one of our own behind them: a thousand sockets on one thread.

#include "actors/tcp_socket.hpp"
#include "messages/frame.hpp"
#include "messages/wire.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace cmem::bench {

/// Connections to one node, driven by whoever calls poll(). Throws std::runtime_error when one is
/// lost. Threads: one.
class wire_clients {
public:
  /// Connects so many, and waits until each is welcome.
  wire_clients(std::uint16_t port, std::size_t count);
  ~wire_clients();
  wire_clients(const wire_clients&) = delete;
  wire_clients& operator=(const wire_clients&) = delete;

  [[nodiscard]] std::size_t size() const noexcept { return clients_.size(); }
  void ask(std::size_t client, std::uint64_t id, const wire::request& what);
  /// Waits for answers, no longer than that; calls `answered(client, id)` for each.
  void poll(std::int64_t wait_ns,
            const std::function<void(std::size_t client, std::uint64_t id)>& answered);

private:
  struct one {
    tcp_socket socket;
    frame_buffer in;
  };

  void send(one& c, const wire::to_node& m);
  void receive(std::size_t client,
               const std::function<void(std::size_t client, std::uint64_t id)>& answered);

  std::vector<one> clients_;
  int epoll_ = -1;
  std::size_t welcome_ = 0;
  std::vector<char> frame_; // kept for its capacity
};

} // namespace cmem::bench
