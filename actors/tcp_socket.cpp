#include "actors/tcp_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace cmem {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int backlog = 1'024;
constexpr milliseconds longest = std::chrono::hours(1); // that poll() is to wait

using addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

std::string because(int error) { return std::strerror(error); }

/// Null, and why in `error`, when there are none.
addresses look_up(const std::string& host, std::uint16_t port, int flags, std::string& error) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (code != 0)
    error = code == EAI_SYSTEM ? because(errno) : ::gai_strerror(code);
  return {code == 0 ? found : nullptr, &::freeaddrinfo};
}

void set(int fd, int level, int option, int value) {
  (void) ::setsockopt(fd, level, option, &value, sizeof(value)); // none of them is vital
}

/// 0, or what errno was.
int connect_within(int fd, const addrinfo& to, milliseconds timeout) {
  if (::connect(fd, to.ai_addr, to.ai_addrlen) == 0)
    return 0;
  if (errno != EINPROGRESS)
    return errno;
  pollfd waits{fd, POLLOUT, 0};
  const int ready =
    ::poll(&waits, 1, static_cast<int>(std::min<milliseconds>(timeout, longest).count()));
  if (ready == 0)
    return ETIMEDOUT;
  if (ready < 0)
    return errno;
  int error = 0;
  socklen_t size = sizeof(error);
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

} // namespace

tcp_socket::~tcp_socket() {
  if (fd_ >= 0)
    ::close(fd_);
}

result<tcp_socket> listen_tcp(const std::string& address, std::uint16_t port) {
  const std::string where = to_string(endpoint{address, port});
  std::string error;
  const addresses found = look_up(address, port, AI_PASSIVE, error);
  if (!found)
    return failure{errc::invalid_argument, "address is `" + address + "`: " + error};
  tcp_socket s(::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (s.get() < 0)
    return failure{errc::io_error, "no socket for " + where + ": " + because(errno)};
  set(s.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (::bind(s.get(), found->ai_addr, found->ai_addrlen) != 0) {
    if (errno == EADDRNOTAVAIL)
      return failure{errc::invalid_argument,
                     "address is `" + address + "`: it is none of this machine"};
    return failure{errc::io_error,
                   "cannot listen at " + where + ": " + because(errno)
                     + (errno == EADDRINUSE ? "; another process does: choose another port" : "")};
  }
  if (::listen(s.get(), backlog) != 0)
    return failure{errc::io_error, "cannot listen at " + where + ": " + because(errno)};
  return s;
}

std::uint16_t port_of(const tcp_socket& s) noexcept {
  sockaddr_storage own{};
  socklen_t size = sizeof(own);
  if (::getsockname(s.get(), reinterpret_cast<sockaddr*>(&own), &size) != 0)
    return 0;
  const auto port = own.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(own).sin6_port
                                              : reinterpret_cast<sockaddr_in&>(own).sin_port;
  return ntohs(port);
}

result<tcp_socket> connect_tcp(const std::string& host, std::uint16_t port, milliseconds timeout) {
  const auto until = steady_clock::now() + timeout;
  const std::string where = to_string(endpoint{host, port});
  std::string error;
  const addresses found = look_up(host, port, 0, error);
  for (const addrinfo* a = found.get(); a != nullptr; a = a->ai_next) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    if (left <= milliseconds(0)) {
      error = because(ETIMEDOUT);
      break;
    }
    tcp_socket s(::socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (s.get() < 0) {
      error = because(errno);
      continue;
    }
    const int code = connect_within(s.get(), *a, left);
    if (code == 0) {
      set(s.get(), IPPROTO_TCP, TCP_NODELAY, 1);
      return s;
    }
    error = because(code);
  }
  return failure{errc::unavailable, "no node at " + where + ": " + error};
}

result<endpoint> parse_endpoint(const std::string& text, std::uint16_t default_port) {
  const auto bad = [&](const char* why) {
    return failure{errc::invalid_argument,
                   "`" + text + "` is no HOST:PORT: " + why + " (for example 127.0.0.1:4747)"};
  };
  endpoint e{text, default_port};
  std::string port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string::npos)
      return bad("a `]` is missing");
    e.host = text.substr(1, end - 1);
    if (end + 1 != text.size()) {
      if (text[end + 1] != ':')
        return bad("a `:` has to follow the `]`");
      port = text.substr(end + 2);
      if (port.empty())
        return bad("there is no port");
    }
  } else if (const std::size_t colon = text.find(':'); colon != std::string::npos) {
    if (text.find(':', colon + 1) != std::string::npos)
      return bad("an IPv6 address has to stand in brackets");
    e.host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (port.empty())
      return bad("there is no port");
  }
  if (e.host.empty())
    return bad("there is no host");
  if (!port.empty()) {
    const auto [end, code] = std::from_chars(port.data(), port.data() + port.size(), e.port);
    if (code != std::errc{} || end != port.data() + port.size() || port.size() > 5)
      return bad("the port has to be a number up to 65535");
  }
  return e;
}

std::string to_string(const endpoint& e) {
  const bool v6 = e.host.find(':') != std::string::npos;
  return (v6 ? "[" + e.host + "]" : e.host) + ":" + std::to_string(e.port);
}

bool is_loopback(const std::string& address) {
  if (address == "localhost")
    return true;
  in_addr v4{};
  if (::inet_pton(AF_INET, address.c_str(), &v4) == 1)
    return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return ::inet_pton(AF_INET6, address.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

} // namespace cmem
