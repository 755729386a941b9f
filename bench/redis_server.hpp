#pragma once
// Redis beside us: its own program, in a process of its own, spoken to over a plain socket.

#include "actors/tcp_socket.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace cmem::bench {

/// An append-only file, synced each second; nothing else is written. Threads: one.
class redis_server {
public:
  /// In `directory`, which it makes. Null: this machine has no redis-server. Throws
  /// std::runtime_error when it does not come up.
  static std::unique_ptr<redis_server> start(const std::string& directory);
  ~redis_server();
  redis_server(const redis_server&) = delete;
  redis_server& operator=(const redis_server&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] static std::string settings();

private:
  redis_server(pid_t process, std::uint16_t port) : process_(process), port_(port) {}

  const pid_t process_;
  const std::uint16_t port_;
};

/// Commands in pipelines. Throws std::runtime_error for what Redis refuses, or when it is gone.
/// Threads: one.
class redis_client {
public:
  explicit redis_client(std::uint16_t port);

  /// Begins a command of so many words, the first one's name among them.
  void command(std::uint32_t words);
  void word(std::string_view w);
  /// Sends what was begun since the last call, and waits until no more than so many replies are
  /// missing.
  void send(std::uint64_t commands, std::uint64_t missing_max);

private:
  void write_all();
  void read_some();

  tcp_socket socket_;
  std::string out_;
  bool at_line_ = true; // a reply begins here
  std::uint64_t missing_ = 0;
};

} // namespace cmem::bench
