#include "bench/wire_client.hpp"

#include "bench/workbench.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

namespace cmem::bench {

namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

} // namespace

wire_clients::wire_clients(std::uint16_t port, std::size_t count)
  : clients_(count), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0)
    fail("no epoll");
  tools::random_numbers random(port + count);
  for (std::size_t i = 0; i < count; ++i) {
    one& c = clients_[i];
    c.socket = or_throw(connect_tcp("127.0.0.1", port, std::chrono::seconds(5)));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, c.socket.get(), &event) != 0)
      fail("epoll");
    wire::hello h;
    h.client = concept_id::from_halves(random.next(), random.next());
    h.software = "cmem bench";
    send(c, h);
    while (welcome_ <= i)
      poll(1'000'000'000, [](std::size_t, std::uint64_t) {});
  }
}

wire_clients::~wire_clients() { ::close(epoll_); }

void wire_clients::ask(std::size_t client, std::uint64_t id, const wire::request& what) {
  send(clients_[client], wire::asked{id, what});
}

// What is asked is short and answered before more is: it fits into the socket.
void wire_clients::send(one& c, const wire::to_node& m) {
  frame_.clear();
  if (const auto put = wire::put(frame_, m, frame_bytes_default); !put)
    throw std::logic_error(to_string(put.error()));
  const ssize_t n = ::send(c.socket.get(), frame_.data(), frame_.size(), MSG_NOSIGNAL);
  if (n != static_cast<ssize_t>(frame_.size()))
    fail("a request was not sent");
}

void wire_clients::poll(std::int64_t wait_ns,
                        const std::function<void(std::size_t client, std::uint64_t id)>& answered) {
  std::array<epoll_event, 64> events;
  const timespec wait{wait_ns / 1'000'000'000, wait_ns % 1'000'000'000};
  const int n =
    ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &wait, nullptr);
  if (n < 0 && errno != EINTR)
    fail("epoll");
  for (int i = 0; i < n; ++i)
    receive(static_cast<std::size_t>(events[static_cast<std::size_t>(i)].data.u64), answered);
}

void wire_clients::receive(
  std::size_t client, const std::function<void(std::size_t client, std::uint64_t id)>& answered) {
  one& c = clients_[client];
  std::array<char, 16'384> bytes;
  const ssize_t n = ::recv(c.socket.get(), bytes.data(), bytes.size(), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (n <= 0)
    fail("the node closed a connection");
  c.in.append(std::span<const char>(bytes.data(), static_cast<std::size_t>(n)));
  for (;;) {
    const auto payload = or_throw(c.in.next(frame_bytes_default));
    if (!payload)
      return;
    const auto m = or_throw(wire::read_to_client(*payload));
    if (std::holds_alternative<wire::welcome>(m))
      ++welcome_;
    else if (const auto* a = std::get_if<wire::answered>(&m)) {
      if (const auto* bad = std::get_if<wire::failed>(&a->what))
        throw std::runtime_error(to_string(bad->why));
      answered(client, a->id);
    } else if (const auto* no = std::get_if<wire::refused>(&m)) {
      throw std::runtime_error(to_string(no->why));
    }
  }
}

} // namespace cmem::bench
