#include "actors/node.hpp"

#include "actors/node_server.hpp"
#include "actors/tcp_socket.hpp"

#include <caf/io/middleman.hpp>

#include <future>

namespace cmem {

struct node::impl {
  std::uint16_t port = 0;
  std::shared_ptr<node_counters> counters = std::make_shared<node_counters>();
  caf::actor server;
  std::future<void> ended;

  bool end_within(std::chrono::milliseconds timeout) const {
    return ended.wait_for(timeout) == std::future_status::ready;
  }
};

result<void> validate(const node_options& o) {
  const auto bad = [](const char* field, auto value, const std::string& must) {
    return failure{errc::invalid_argument,
                   std::string(field) + " is " + std::to_string(value) + ": must be " + must};
  };
  if (o.frame_bytes < frame_bytes_min || o.frame_bytes > frame_bytes_max)
    return bad("frame_bytes", o.frame_bytes,
               std::to_string(frame_bytes_min) + " to " + std::to_string(frame_bytes_max));
  if (o.connections_max == 0)
    return bad("connections_max", o.connections_max, "1 or more");
  if (o.requests_max == 0)
    return bad("requests_max", o.requests_max, "1 or more");
  if (o.clients_max == 0)
    return bad("clients_max", o.clients_max, "1 or more");
  if (o.silence_max < std::chrono::seconds(1))
    return bad("silence_max (ms)", o.silence_max.count(), "1000 or more");
  if (!is_loopback(o.address))
    return failure{
      errc::invalid_argument,
      "address is `" + o.address
        + "`: without TLS a node listens at loopback addresses alone (127.0.0.1, ::1)"};
  return {};
}

node::node(std::unique_ptr<impl> p) : impl_(std::move(p)) {}

result<std::unique_ptr<node>> node::open(caf::actor_system& system, concurrent_memory& memory,
                                         node_options options) {
  if (auto valid = validate(options); !valid)
    return valid.error();
  if (!system.has_middleman())
    return failure{errc::invalid_argument,
                   "the actor system has no middleman: load caf::io::middleman in its config"};
  if (memory.settings().log_capacity < client_ledger::mark_ops_max + 1)
    return failure{errc::invalid_argument,
                   "log_capacity is " + std::to_string(memory.settings().log_capacity)
                     + ": a node needs " + std::to_string(client_ledger::mark_ops_max + 1)
                     + " or more"};
  auto listener = listen_tcp(options.address, options.port);
  if (!listener)
    return listener.error();
  auto p = std::make_unique<impl>();
  p->port = port_of(*listener);
  auto ended = std::make_shared<std::promise<void>>();
  p->ended = ended->get_future();
  p->server = system.middleman().spawn_broker(
    [&memory, options, counters = p->counters,
     fd = listener->release()](node_server::pointer self) -> caf::behavior {
      return cafx::state(self).start(self, memory, options, counters, fd);
    });
  cafx::on_end(p->server, [ended](const caf::error&) { ended->set_value(); });
  return std::unique_ptr<node>(new node(std::move(p)));
}

node::~node() {
  cafx::tell_to_exit(impl_->server);
  impl_->ended.wait();
}

bool node::running() const { return !impl_->end_within(std::chrono::milliseconds(0)); }

std::uint16_t node::port() const noexcept { return impl_->port; }

node_figures node::figures() const noexcept {
  const node_counters& c = *impl_->counters;
  return {
    c.connections.load(std::memory_order_relaxed), c.accepted.load(std::memory_order_relaxed),
    c.refused.load(std::memory_order_relaxed),     c.requests.load(std::memory_order_relaxed),
    c.writes.load(std::memory_order_relaxed),      c.repeated.load(std::memory_order_relaxed)};
}

bool node::drain(std::chrono::milliseconds timeout) {
  cafx::post(impl_->server, msg::drain{});
  return impl_->end_within(timeout);
}

} // namespace cmem
