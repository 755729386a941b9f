#pragma once
// Sockets of TCP, made before CAF gets them: with deadlines, and with errors that say what to do.

#include "storage/result.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace cmem {

/// Of nodes, where nothing else is said.
inline constexpr std::uint16_t node_port = 4747;

/// A descriptor, closed when it goes. Threads: one.
class tcp_socket {
public:
  tcp_socket() = default;
  explicit tcp_socket(int fd) noexcept : fd_(fd) {}
  tcp_socket(tcp_socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  tcp_socket& operator=(tcp_socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~tcp_socket();

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

private:
  int fd_ = -1;
};

/// Listens; port 0 takes one that is free. Fails: invalid_argument, when the address is none of
/// this machine; io_error.
[[nodiscard]] result<tcp_socket> listen_tcp(const std::string& address, std::uint16_t port);
[[nodiscard]] std::uint16_t port_of(const tcp_socket& s) noexcept;

/// Tries each address that the host has, until one takes the connection or the time is over. Fails
/// (unavailable).
[[nodiscard]] result<tcp_socket> connect_tcp(const std::string& host, std::uint16_t port,
                                             std::chrono::milliseconds timeout);

struct endpoint {
  std::string host;
  std::uint16_t port = 0; ///< 0, where one listens: one that is free
};
/// HOST:PORT, [IPV6]:PORT, or HOST alone. Fails: invalid_argument.
[[nodiscard]] result<endpoint> parse_endpoint(const std::string& text, std::uint16_t default_port);
[[nodiscard]] std::string to_string(const endpoint& e);

/// Whether only this machine reaches it: 127.0.0.0/8, ::1 or localhost.
[[nodiscard]] bool is_loopback(const std::string& address);

} // namespace cmem
