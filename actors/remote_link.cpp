#include "actors/remote_link.hpp"

#include "messages/frame.hpp"

#include <algorithm>
#include <random>
#include <utility>

namespace cmem {

namespace {

constexpr std::size_t questions_max = 10'000;

std::uint64_t random_number() {
  std::random_device source;
  return (std::uint64_t{source()} << 32) | source();
}

failure late(const failure& trouble) {
  if (trouble.code == errc::ok)
    return {errc::timed_out, "the node has not answered within the deadline"};
  return {errc::unavailable, trouble.detail};
}

} // namespace

result<void> validate(const remote_options& o) {
  const auto where = parse_endpoint(o.node, node_port);
  if (!where || where->port == 0)
    return failure{errc::invalid_argument,
                   "node: " + (where ? "`" + o.node + "` has port 0" : where.error().detail)};
  const auto positive = [](const char* field, auto value) -> result<void> {
    if (value > 0)
      return {};
    return failure{errc::invalid_argument,
                   std::string(field) + " is " + std::to_string(value) + ": must be 1 or more"};
  };
  for (const auto& done :
       {positive("deadline (ms)", o.deadline.count()),
        positive("silence_max (ms)", o.silence_max.count()),
        positive("backoff_min (ms)", o.backoff_min.count()), positive("batch_bytes", o.batch_bytes),
        positive("unacknowledged_max", o.unacknowledged_max),
        positive("unacknowledged_bytes_max", o.unacknowledged_bytes_max)})
    if (!done)
      return done;
  if (o.backoff_max < o.backoff_min)
    return failure{errc::invalid_argument, "backoff_max is " + std::to_string(o.backoff_max.count())
                                             + " ms: must be backoff_min or more"};
  return {};
}

std::string_view to_string(link_state s) noexcept {
  switch (s) {
    case link_state::connecting: return "connecting";
    case link_state::connected: return "connected";
    case link_state::closed: return "closed";
  }
  return "";
}

remote_link::remote_link(const remote_options& o, std::function<void()> wake)
  : options_(o),
    wake_(std::move(wake)),
    client_(o.client ? *o.client : concept_id::from_halves(random_number(), random_number())),
    tag_(static_cast<std::uint32_t>(random_number())) {}

void remote_link::wake_once() {
  if (!std::exchange(woken_, true))
    wake_();
}

// -- asking

void remote_link::ask(const wire::request& r, clock::time_point deadline, answer_callback done) {
  failure why;
  {
    const std::unique_lock lock(mutex_);
    if (state_ == link_state::closed) {
      why = trouble_.code == errc::ok ? gone() : trouble_;
    } else {
      const std::uint64_t id = next_id_++;
      if (questions_.size() >= questions_max)
        why = {errc::overloaded, std::to_string(questions_.size())
                                   + " questions wait for their answers: wait, then try again"};
      question q{{}, false, deadline, std::move(done)};
      const auto put = wire::put(q.frame, wire::asked{id, r},
                                 welcome_ ? welcome_->frame_bytes : frame_bytes_default);
      if (!put)
        why = put.error();
      if (why.code != errc::ok) {
        done = std::move(q.done);
      } else {
        questions_.emplace(id, std::move(q));
        wake_once();
        return;
      }
    }
  }
  done(std::move(why));
}

// -- state

failure remote_link::gone() {
  return {errc::closed, "the connection to the node was closed by this process"};
}

link_state remote_link::state() const {
  const std::unique_lock lock(mutex_);
  return state_;
}

failure remote_link::trouble() const {
  const std::unique_lock lock(mutex_);
  return trouble_.code == errc::ok ? held_back_ : trouble_;
}

wire::welcome remote_link::welcome() const {
  const std::unique_lock lock(mutex_);
  return welcome_.value_or(wire::welcome{});
}

std::uint64_t remote_link::unacknowledged() const {
  const std::unique_lock lock(mutex_);
  return unacknowledged_now();
}

std::uint64_t remote_link::unacknowledged_now() const { return next_number_ - 1 - acknowledged_; }

void remote_link::on_state(std::function<void(link_state, const failure&)> told) {
  const std::unique_lock lock(mutex_);
  on_state_ = std::move(told);
}

result<void> remote_link::await_connected(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, timeout, [&] { return ready_ || state_ == link_state::closed; });
  if (ready_)
    return {};
  return trouble_.code == errc::ok
           ? failure{errc::unavailable, "the node at " + options_.node + " has not answered"}
           : trouble_;
}

bool remote_link::await_acknowledged(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, timeout,
                    [&] { return unacknowledged_now() == 0 || state_ == link_state::closed; });
  return unacknowledged_now() == 0;
}

result<void> remote_link::await_kinds(std::size_t count, clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  if (kinds_.size() < count && welcome_)
    ask_kinds(kinds_.size());
  if (!changed_.wait_until(lock, deadline,
                           [&] { return kinds_.size() >= count || state_ == link_state::closed; }))
    return late(trouble_);
  if (state_ == link_state::closed)
    return gone();
  return {};
}

void remote_link::close() {
  told out;
  const std::unique_lock lock(mutex_);
  if (state_ != link_state::closed)
    fail(gone(), out);
}

/// There will be no connection any more.
void remote_link::fail(const failure& why, told& out) {
  change(link_state::closed, why, out);
  batches_.clear();
  open_.reset();
  batch_bytes_ = 0;
  for (auto* waiting : {&wait_visible_, &wait_durable_}) {
    for (auto& [number, done] : *waiting)
      out.calls.push_back([done = std::move(done), why] { done(why); });
    waiting->clear();
  }
  for (auto& [id, q] : questions_)
    if (q.done)
      out.calls.push_back([done = std::move(q.done), why] { done(why); });
  questions_.clear();
}

void remote_link::change(link_state s, const failure& why, told& out) {
  trouble_ = why;
  ready_ = ready_ && s == link_state::connected;
  if (state_ == s)
    return;
  state_ = s;
  if (on_state_)
    out.calls.push_back([tell = on_state_, s, why] { tell(s, why); });
  changed_.notify_all();
}

void remote_link::disconnected(const failure& why) {
  told out;
  const std::unique_lock lock(mutex_);
  if (state_ == link_state::closed)
    return;
  for (batch& b : batches_)
    b.sent = false;
  for (auto& [id, q] : questions_)
    q.sent = false;
  change(link_state::connecting, why, out);
}

void remote_link::expire(clock::time_point now) {
  told out;
  const std::unique_lock lock(mutex_);
  for (auto at = questions_.begin(); at != questions_.end();) {
    if (at->second.deadline > now) {
      ++at;
      continue;
    }
    out.calls.push_back([done = std::move(at->second.done), why = late(trouble_)] { done(why); });
    at = questions_.erase(at);
  }
}

} // namespace cmem
