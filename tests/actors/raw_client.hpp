#pragma once
// The client's end of a connection to a node, byte by byte: for what no client of ours would send.

#include "actors/tcp_socket.hpp"
#include "messages/frame.hpp"
#include "messages/wire.hpp"
#include "tests/catch.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>

namespace cmem::test {

using namespace std::chrono_literals;

/// Asks again and again. False: it was not so within `timeout`.
inline bool eventually(const std::function<bool()>& holds,
                       std::chrono::milliseconds timeout = 10s) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until)
      return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

/// Any payload in a frame that is as it should be.
inline std::vector<char> framed(std::string_view payload) {
  std::vector<char> out;
  const std::size_t begin = begin_frame(out);
  out.insert(out.end(), payload.begin(), payload.end());
  REQUIRE(end_frame(out, begin, frame_bytes_max));
  return out;
}

inline std::vector<char> frame_to_node(const wire::to_node& m) {
  std::vector<char> out;
  REQUIRE(wire::put(out, m, frame_bytes_max));
  return out;
}

/// Writes from `first` on: strengthen(+1) of each name.
inline wire::writes increments(std::uint64_t first, const std::vector<std::string_view>& names) {
  wire::writes w;
  w.first = first;
  for (const std::string_view name : names)
    w.ops.push_back(op::strengthen{name, 1.0F});
  return w;
}

/// Threads: one.
class raw_client {
public:
  using clock = std::chrono::steady_clock;

  explicit raw_client(std::uint16_t port) {
    auto made = connect_tcp("127.0.0.1", port, 5s);
    INFO((made ? "" : to_string(made.error())));
    REQUIRE(made);
    socket_ = std::move(made).value();
  }

  /// False: not all of it went, within `timeout`.
  bool send(std::string_view bytes, std::chrono::milliseconds timeout = 5s) const {
    const auto until = clock::now() + timeout;
    while (!bytes.empty()) {
      const auto n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n > 0)
        bytes.remove_prefix(static_cast<std::size_t>(n));
      else if (errno != EAGAIN || !wait_for(POLLOUT, until))
        return false;
    }
    return true;
  }
  bool send(const std::vector<char>& bytes) const {
    return send(std::string_view(bytes.data(), bytes.size()));
  }
  bool say(const wire::to_node& m) const { return send(frame_to_node(m)); }

  /// The next message; nullopt: the connection ended, or nothing came.
  std::optional<wire::to_client> next(std::chrono::milliseconds timeout = 5s) {
    const auto until = clock::now() + timeout;
    for (;;) {
      const auto payload = in_.next(frame_bytes_max);
      REQUIRE(payload);
      if (*payload) {
        auto m = wire::read_to_client(**payload);
        REQUIRE(m);
        return std::move(m).value();
      }
      if (ended_ || !read(until))
        return std::nullopt;
    }
  }
  /// The next message of that type. Those before it are passed over.
  template <class Message>
  Message get(std::chrono::milliseconds timeout = 5s) {
    while (auto m = next(timeout))
      if (auto* of_type = std::get_if<Message>(&*m))
        return std::move(*of_type);
    FAIL((ended_ ? "the node closed the connection" : "the node did not answer in time"));
    return {};
  }
  wire::welcome greet(const concept_id& id, std::uint64_t next_write = 1) {
    wire::hello h;
    h.client = id;
    h.next_write = next_write;
    REQUIRE(say(h));
    return get<wire::welcome>();
  }
  /// Why the node ended the connection, which it must have done.
  std::string refusal() {
    const auto why = to_string(get<wire::refused>().why);
    CHECK(ended());
    return why;
  }
  /// Whether the node closes the connection within `timeout`. What it says until then is lost.
  bool ended(std::chrono::milliseconds timeout = 5s) {
    const auto until = clock::now() + timeout;
    while (!ended_ && read(until))
      in_.clear();
    return ended_;
  }
  /// Nothing more will come from here.
  void say_no_more() const { ::shutdown(socket_.get(), SHUT_WR); }
  /// Goes as a process that is killed does, with bytes unread: the node gets a reset.
  void vanish() {
    const linger at_once{1, 0};
    (void) ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    socket_ = tcp_socket();
  }
  [[nodiscard]] int fd() const { return socket_.get(); }

private:
  [[nodiscard]] bool wait_for(short what, clock::time_point until) const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now());
    pollfd waits{socket_.get(), what, 0};
    return left > 0ms && ::poll(&waits, 1, static_cast<int>(left.count())) > 0;
  }
  bool read(clock::time_point until) {
    if (!wait_for(POLLIN, until))
      return false;
    char bytes[1 << 16];
    const auto n = ::recv(socket_.get(), bytes, sizeof(bytes), 0);
    if (n > 0)
      in_.append({bytes, static_cast<std::size_t>(n)});
    else
      ended_ = n == 0 || errno != EAGAIN;
    return true;
  }

  tcp_socket socket_;
  frame_buffer in_;
  bool ended_ = false;
};

} // namespace cmem::test
