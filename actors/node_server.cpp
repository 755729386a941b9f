#include "actors/node_server.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <utility>

#include <sys/socket.h>

namespace cmem {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr std::uint32_t hello_bytes_max = 4'096; ///< of a frame, from whom is not known yet
constexpr std::size_t read_bytes_max = std::size_t{1} << 16; ///< at once
constexpr auto beat = 100ms;

concept_id random_id() {
  std::random_device source;
  concept_id id;
  for (std::uint8_t& b : id.bytes)
    b = static_cast<std::uint8_t>(source());
  return id;
}

} // namespace

caf::behavior node_server::start(pointer self, concurrent_memory& memory,
                                 const node_options& options,
                                 std::shared_ptr<node_counters> counters, int listener) {
  self_ = self;
  memory_ = &memory;
  options_ = options;
  counters_ = std::move(counters);
  incarnation_ = random_id();
  asked_max_ = 4 * memory.settings().reader_actors;
  under_way_max_ = 2 * memory.settings().reader_actors;
  ledger_.emplace(*memory.snapshot(), options.clients_max);
  doorman_ = self->add_doorman(listener);
  cafx::post_at(self, self->system().clock().now() + beat, caf::actor(self), msg::tick{});
  return {
    [this](const caf::io::new_connection_msg& m) { accept(m.handle); },
    [this](const caf::io::new_data_msg& m) { read(m.handle, m.buf); },
    [this](const caf::io::data_transferred_msg& m) { sent(m.handle, m.written); },
    [this](const caf::io::connection_closed_msg& m) { forget(m.handle); },
    [this](const msg::acknowledged& m) { acknowledge(m); },
    [this](const msg::tick&) { look_around(); },
    [this](const msg::drain&) { drain(); },
  };
}

void node_server::accept(connection_handle h) {
  counters_->accepted.fetch_add(1, std::memory_order_relaxed);
  if (connections_.size() >= options_.connections_max || draining_) {
    counters_->refused.fetch_add(1, std::memory_order_relaxed);
    self_->close(h);
    return;
  }
  node_connection& c = connections_[h];
  c.serial = ++serial_;
  c.heard = steady_clock::now();
  counters_->connections.store(connections_.size(), std::memory_order_relaxed);
  self_->ack_writes(h, true);
  self_->configure_read(h, caf::io::receive_policy::at_most(hello_bytes_max));
}

void node_server::read(connection_handle h, std::span<const char> bytes) {
  const auto found = connections_.find(h);
  if (found == connections_.end())
    return;
  node_connection& c = found->second;
  c.heard = steady_clock::now();
  c.in.append(bytes);
  work(h, c);
}

// Until there is no whole frame left, or as much waits as may.
void node_server::work(connection_handle h, node_connection& c) {
  if (std::exchange(c.working, true))
    return;
  bool any = true;
  while (any && !c.paused && !c.closing && !draining_) {
    any = take_frames(h, c);
    dispatch();
    pause_or_go_on(c);
  }
  c.working = false;
  if (!c.closing)
    halt_or_trigger(h, c);
  self_->flush(h);
}

bool node_server::take_frames(connection_handle h, node_connection& c) {
  bool any = false;
  while (!c.paused && !draining_) {
    const auto payload = c.in.next(c.client ? options_.frame_bytes : hello_bytes_max);
    if (payload && !*payload)
      return any;
    const result<void> done = payload ? take(h, c, **payload) : payload.error();
    if (!done) {
      refuse(h, c, done.error());
      return false;
    }
    any = true;
    pause_or_go_on(c);
  }
  return any;
}

result<void> node_server::take(connection_handle h, node_connection& c, std::string_view payload) {
  auto read = wire::read_to_node(payload);
  if (!read)
    return read.error();
  if (const auto* m = std::get_if<wire::hello>(&*read))
    return greet(h, c, *m);
  if (!c.client)
    return failure{errc::parse_error, "a connection begins with hello"};
  if (std::holds_alternative<wire::ping>(*read)) {
    send(h, c, wire::pong{});
  } else if (const auto* u = std::get_if<wire::unknown_request>(&*read)) {
    send(
      h, c,
      wire::answered{u->id, wire::failed{{errc::unsupported, "this node knows no request of type "
                                                               + std::to_string(u->type)
                                                               + ": it is older than "
                                                                 "the client"},
                                         0}});
  } else if (auto* w = std::get_if<wire::writes>(&*read)) {
    return take_writes(h, c, *w);
  } else {
    if (c.waiting.empty())
      (c.asked + c.untaken == 0 ? first_ : turns_).push_back(h);
    c.waiting.push_back({std::move(std::get<wire::asked>(*read)), payload.size()});
    c.waiting_bytes += payload.size();
    waiting_bytes_ += payload.size();
  }
  return {};
}

result<void> node_server::greet(connection_handle h, node_connection& c, const wire::hello& m) {
  if (c.client)
    return failure{errc::parse_error, "a second hello on one connection"};
  if (m.next_write == 0)
    return failure{errc::parse_error, "writes are numbered from 1 on"};
  const std::uint8_t version = std::min(m.newest, wire::version_newest);
  if (version < wire::version_lowest || version < m.lowest)
    return failure{errc::unsupported, "this node speaks versions "
                                        + std::to_string(wire::version_lowest) + " to "
                                        + std::to_string(wire::version_newest) + ", the client "
                                        + std::to_string(m.lowest) + " to "
                                        + std::to_string(m.newest) + ": upgrade the older one"};
  c.client = m.client;
  c.next_write = m.next_write;
  // The same client elsewhere: that connection is dead, or its owner's twin. It is told nothing
  // more, and closed.
  if (const auto before = at_.find(m.client); before != at_.end())
    close(before->second);
  at_[m.client] = h;
  const client_record* known = ledger_->find(m.client);
  const config& settings = memory_->settings();
  send(h, c,
       wire::welcome{version, incarnation_, known == nullptr ? 0 : known->taken,
                     memory_->snapshot()->sequence(), options_.frame_bytes,
                     settings.vector_dimension, level(), settings.read_only});
  self_->configure_read(h, caf::io::receive_policy::at_most(read_bytes_max));
  return {};
}

void node_server::send(connection_handle h, node_connection& c, const wire::to_client& m) {
  if (c.closing)
    return;
  auto& out = self_->wr_buf(h);
  const std::size_t before = out.size();
  if (auto done = wire::put(out, m, options_.frame_bytes); !done) {
    const auto* a = std::get_if<wire::answered>(&m);
    if (a == nullptr)
      return refuse(h, c, done.error());
    (void) wire::put(out,
                     wire::answered{a->id, wire::failed{{errc::limit_exceeded,
                                                         "the answer is " + done.error().detail
                                                           + ": ask for less of it"},
                                                        0}},
                     options_.frame_bytes);
  }
  if (c.unread_bytes == 0)
    c.unread_since = c.took = steady_clock::now();
  c.unread_bytes += out.size() - before;
  unread_bytes_ += out.size() - before;
}

void node_server::sent(connection_handle h, std::uint64_t bytes) {
  const auto found = connections_.find(h);
  if (found == connections_.end())
    return;
  node_connection& c = found->second;
  c.heard = c.took = steady_clock::now();
  const std::uint64_t taken = std::min(c.unread_bytes, bytes);
  c.unread_bytes -= taken;
  unread_bytes_ -= taken;
  if (c.unread_bytes == 0) {
    c.slow = false;
    release(c);
  }
  if (c.closing && c.unread_bytes == 0)
    return close(h);
  if (c.parked && !is_behind(c)) {
    c.parked = false;
    turns_.push_back(h);
  }
  loosen(h, c);
  dispatch();
  end_if_drained();
}

bool node_server::is_behind(const node_connection& c) const noexcept {
  return c.unread_bytes > options_.unread_bytes_max
         || (unread_bytes_ > options_.unread_bytes_total && c.unread_bytes != 0);
}

// What waits for it is bounded by what is read from it.
void node_server::pause_or_go_on(node_connection& c) const noexcept {
  const bool full = is_behind(c) || c.waiting.size() + c.asked >= options_.requests_max
                    || c.waiting_bytes > options_.unread_bytes_max
                    || (waiting_bytes_ > options_.unread_bytes_total && c.waiting_bytes != 0);
  if (full == c.paused || c.closing || draining_)
    return;
  c.paused = full;
}

// CAF takes both notes of one round of its loop for none, or for the first alone: so it is told
// once what came of a piece of work, and look_around() tells it again.
void node_server::halt_or_trigger(connection_handle h, node_connection& c) {
  if (c.paused == c.halted)
    return;
  c.halted = c.paused;
  if (c.paused)
    self_->halt(h);
  else
    self_->trigger(h);
}

void node_server::loosen(connection_handle h, node_connection& c) {
  if (!c.paused)
    return;
  pause_or_go_on(c);
  if (!c.paused)
    work(h, c);
}

void node_server::refuse(connection_handle h, node_connection& c, const failure& why) {
  counters_->refused.fetch_add(1, std::memory_order_relaxed);
  send(h, c, wire::refused{why});
  c.closing = true;
  drop_waiting(c);
  self_->halt(h); // nothing more is read
}

void node_server::drop_waiting(node_connection& c) {
  waiting_bytes_ -= c.waiting_bytes;
  c.waiting_bytes = 0;
  c.waiting.clear();
}

// CAF would keep a connection until it has taken what waits for it.
void node_server::close(connection_handle h) {
  forget(h);
  std::vector<char>().swap(self_->wr_buf(h));
  (void) ::shutdown(static_cast<int>(h.id()), SHUT_RDWR); // CAF's handles are the sockets
  self_->close(h);
}

void node_server::forget(connection_handle h) {
  const auto found = connections_.find(h);
  if (found == connections_.end())
    return;
  node_connection& c = found->second;
  release(c);
  if (c.client)
    if (const auto at = at_.find(*c.client); at != at_.end() && at->second == h)
      at_.erase(at);
  drop_waiting(c);
  unread_bytes_ -= c.unread_bytes;
  connections_.erase(found);
  counters_->connections.store(connections_.size(), std::memory_order_relaxed);
}

void node_server::look_around() {
  const auto now = steady_clock::now();
  std::vector<connection_handle> silent;
  for (auto& [h, c] : connections_) {
    const bool is_ours = c.paused && c.unread_bytes == 0; // it waits for answers, unheard
    const bool takes_nothing = c.unread_bytes != 0 && now - c.took > options_.silence_max;
    if ((now - c.heard > options_.silence_max && !is_ours) || takes_nothing)
      silent.push_back(h);
    if (!c.paused && !c.closing && !draining_)
      self_->trigger(h); // nothing, where it is read from
    if (is_ours) {       // its pings are not read: it must not take us for gone
      send(h, c, wire::pong{});
      self_->flush(h);
    }
    if (c.unread_bytes != 0 && now - c.unread_since > beat) {
      c.slow = true; // nobody waits for it
      release(c);
    }
  }
  for (const connection_handle& h : silent)
    close(h);
  dispatch();
  cafx::post_at(self_, self_->system().clock().now() + beat, caf::actor(self_), msg::tick{});
  end_if_drained();
}

// What comes from here on is sent again, to the next node.
void node_server::drain() {
  draining_ = true;
  self_->close(doorman_);
  for (const auto& [h, c] : connections_)
    self_->halt(h);
  end_if_drained();
}

void node_server::end_if_drained() {
  if (!draining_ || unseen_ != 0 || asked_ != 0 || !first_.empty() || !turns_.empty())
    return;
  for (const auto& [h, c] : connections_)
    if (c.unread_bytes != 0)
      return;
  self_->quit();
}

} // namespace cmem
