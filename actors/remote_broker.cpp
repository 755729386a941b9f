#include "actors/remote_broker.hpp"

#include <caf/event_based_actor.hpp>

#include <algorithm>
#include <random>
#include <utility>

#include <sys/socket.h>

namespace cmem {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr auto beat = 50ms;
constexpr std::size_t read_bytes_max = std::size_t{1} << 16;       // at once
constexpr std::uint64_t unsent_bytes_max = std::uint64_t{1} << 20; // handed to CAF

/// Up to a half more, so that those who lost one node do not come back in step.
milliseconds spread(milliseconds pause) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return pause + milliseconds(random() % static_cast<unsigned>(pause.count() / 2 + 1));
}

} // namespace

caf::behavior remote_broker::start(pointer self, std::shared_ptr<remote_link> link,
                                   const remote_options& options) {
  self_ = self;
  link_ = std::move(link);
  options_ = options;
  node_ = *parse_endpoint(options.node, node_port);
  backoff_ = options.backoff_min;
  dial();
  cafx::post_at(self, self->system().clock().now() + beat, caf::actor(self), msg::tick{});
  return {
    [this](const msg::go_on&) { go_on(); },
    [this](const msg::tick&) { look_around(); },
    [this](const caf::io::new_data_msg& m) {
      if (m.handle == connection_)
        read(m.buf);
    },
    [this](const caf::io::data_transferred_msg& m) {
      if (m.handle == connection_)
        sent(m.written);
    },
    [this](const caf::io::connection_closed_msg& m) {
      if (m.handle == connection_)
        lost({errc::unavailable, "the node at " + options_.node + " closed the connection"});
    },
    [this](const msg::drain&) { self_->quit(); },
  };
}

void remote_broker::dial() {
  dialed_ = std::make_shared<dialed>();
  self_->system().spawn<caf::detached>([to = dialed_, node = node_, timeout = options_.silence_max,
                                        broker = caf::actor(self_)](caf::event_based_actor*) {
    auto outcome = connect_tcp(node.host, node.port, timeout);
    {
      const std::lock_guard lock(to->mutex);
      to->outcome.emplace(std::move(outcome));
    }
    cafx::post(broker, msg::go_on{});
  });
}

void remote_broker::take_dialed() {
  std::optional<result<tcp_socket>> outcome;
  {
    const std::lock_guard lock(dialed_->mutex);
    outcome.swap(dialed_->outcome);
  }
  if (!outcome)
    return;
  dialed_.reset();
  if (!*outcome)
    return lost(outcome->error());
  connection_ = self_->add_scribe((*outcome)->release());
  heard_ = spoke_ = steady_clock::now();
  in_.clear();
  unsent_bytes_ = 0;
  welcome_ = false;
  self_->configure_read(*connection_, caf::io::receive_policy::at_most(read_bytes_max));
  self_->ack_writes(*connection_, true);
  auto& out = self_->wr_buf(*connection_);
  (void) wire::put(out, link_->hello(), frame_bytes_default);
  unsent_bytes_ = out.size();
  self_->flush(*connection_);
}

void remote_broker::go_on() {
  if (dialed_)
    take_dialed();
  if (connection_)
    send();
}

void remote_broker::send() {
  if (unsent_bytes_ > unsent_bytes_max)
    return; // sent() goes on
  auto& out = self_->wr_buf(*connection_);
  const std::size_t before = out.size();
  const auto resume = link_->next(out, before + unsent_bytes_max);
  if (resume && *resume != resume_at_) { // else it is on its way
    resume_at_ = *resume;
    cafx::post_at(self_, resume_at_, caf::actor(self_), msg::go_on{}); // CAF's clock is this one
  }
  if (out.size() == before)
    return;
  unsent_bytes_ += out.size() - before;
  spoke_ = steady_clock::now();
  self_->flush(*connection_);
}

void remote_broker::sent(std::uint64_t bytes) {
  unsent_bytes_ -= std::min(unsent_bytes_, bytes);
  send();
}

void remote_broker::read(std::span<const char> bytes) {
  heard_ = steady_clock::now();
  in_.append(bytes);
  for (;;) {
    const auto payload = in_.next(welcome_ ? link_->welcome().frame_bytes : frame_bytes_default);
    if (!payload)
      return drop(payload.error());
    if (!*payload)
      break;
    if (const auto done = link_->received(**payload); !done)
      return drop(done.error());
    welcome_ = true;
    backoff_ = options_.backoff_min;
  }
  if (connection_)
    send();
}

void remote_broker::drop(const failure& why) {
  if (!connection_)
    return;
  const connection_handle h = *connection_;
  lost(why);
  (void) ::shutdown(static_cast<int>(h.id()), SHUT_RDWR); // CAF's handles are the sockets
  self_->close(h);
}

void remote_broker::lost(const failure& why) {
  connection_.reset();
  link_->disconnected(why);
  dial_at_ = steady_clock::now() + spread(backoff_);
  backoff_ = std::min(2 * backoff_, options_.backoff_max);
}

void remote_broker::look_around() {
  const auto now = steady_clock::now();
  link_->expire(now);
  if (link_->state() == link_state::closed)
    return self_->quit();
  if (connection_ && now - heard_ > options_.silence_max)
    drop({errc::unavailable, "the node at " + options_.node + " has said nothing for "
                               + std::to_string(options_.silence_max.count()) + " ms"});
  else if (connection_ && welcome_ && now - spoke_ > options_.silence_max / 4) {
    auto& out = self_->wr_buf(*connection_);
    const std::size_t before = out.size();
    (void) wire::put(out, wire::ping{}, frame_bytes_default);
    unsent_bytes_ += out.size() - before;
    spoke_ = now;
    self_->flush(*connection_);
  }
  if (!connection_ && !dialed_ && now >= dial_at_)
    dial();
  cafx::post_at(self_, self_->system().clock().now() + beat, caf::actor(self_), msg::tick{});
}

} // namespace cmem
