#include "actors/remote_link.hpp"

#include "messages/frame.hpp"
#include "storage/validate.hpp"

#include <algorithm>
#include <cassert>
#include <random>
#include <type_traits>
#include <utility>

namespace cmem {

namespace {

constexpr std::size_t questions_max = 10'000;
constexpr std::size_t failures_kept = 100'000; // of writes, for tickets that are asked about late
constexpr std::uint32_t remote_writer = 0xFFFF'FFFF; // slot in a remote ticket

std::uint64_t random_number() {
  std::random_device source;
  return (std::uint64_t{source()} << 32) | source();
}

failure late(const failure& trouble) {
  if (trouble.code == errc::ok)
    return {errc::timed_out, "the node has not answered within the deadline"};
  return {errc::unavailable, trouble.detail};
}

failure gone() { return {errc::closed, "the connection to the node was closed by this process"}; }

} // namespace

result<void> validate(const remote_options& o) {
  const auto where = parse_endpoint(o.node, 4747);
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

// -- writing

result<void> remote_link::admit() const {
  if (state_ == link_state::closed)
    return trouble_.code == errc::ok ? gone() : trouble_;
  if (!welcome_)
    return failure{errc::unavailable, "there was no connection to the node yet"};
  if (welcome_->read_only)
    return failure{errc::read_only,
                   "this client may only read: its certificate, or the node, says so"};
  const std::uint64_t waiting = unacknowledged_now();
  if (waiting >= options_.unacknowledged_max
      || batch_bytes_ + (open_ ? open_->payload_bytes() : 0) >= options_.unacknowledged_bytes_max)
    return failure{errc::overloaded,
                   "the node has not acknowledged " + std::to_string(waiting)
                     + " writes: wait, then try again"
                     + (held_back_.code == errc::ok ? "" : "; it says " + to_string(held_back_))};
  return {};
}

result<ticket> remote_link::write(const write_op& o) {
  const std::unique_lock lock(mutex_);
  if (auto may = admit(); !may)
    return may.error();
  if (auto valid = validate(o, {kinds_, welcome_->dimension}); !valid)
    return valid.error();
  return add(o);
}

result<ticket> remote_link::add(const write_op& o) {
  for (;;) {
    const bool fresh = !open_;
    if (fresh) {
      open_ = std::make_unique<wire::writes_encoder>(next_number_, false);
      open_first_ = next_number_;
    }
    open_->add(o);
    if (open_->payload_bytes() <= welcome_->frame_bytes)
      break;
    if (fresh) {
      const std::size_t bytes = open_->payload_bytes();
      open_.reset();
      return failure{errc::limit_exceeded,
                     "it takes a frame of " + std::to_string(bytes) + " bytes: at most "
                       + std::to_string(welcome_->frame_bytes) + " go over this connection"};
    }
    open_->drop_last();
    seal();
  }
  const ticket t{next_number_++, remote_writer, tag_};
  if (open_->payload_bytes() >= options_.batch_bytes)
    seal();
  wake_once();
  return t;
}

result<ticket> remote_link::write_batch(std::span<const write_op> ops) {
  const std::unique_lock lock(mutex_);
  if (ops.empty())
    return failure{errc::invalid_argument, "batch is empty: must have at least 1 operation"};
  if (auto may = admit(); !may)
    return may.error();
  for (std::size_t i = 0; i < ops.size(); ++i)
    if (auto valid = validate(ops[i], {kinds_, welcome_->dimension}); !valid)
      return failure{valid.error().code,
                     "entry " + std::to_string(i) + " of the batch: " + valid.error().detail};
  if (open_)
    seal();
  wire::writes_encoder batch(next_number_, true);
  for (const write_op& o : ops)
    batch.add(o);
  if (batch.payload_bytes() > welcome_->frame_bytes)
    return failure{errc::limit_exceeded,
                   "the batch takes a frame of " + std::to_string(batch.payload_bytes())
                     + " bytes: at most " + std::to_string(welcome_->frame_bytes)
                     + " go over this connection"};
  batches_.push_back({next_number_, next_number_, std::move(batch).finish(), false});
  batch_bytes_ += batches_.back().frame.size();
  wake_once();
  return ticket{next_number_++, remote_writer, tag_};
}

void remote_link::seal() {
  batches_.push_back(
    {open_first_, open_first_ + open_->count() - 1, std::move(*open_).finish(), false});
  batch_bytes_ += batches_.back().frame.size();
  open_.reset();
}

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

// -- awaiting

settlement remote_link::outcome(std::uint64_t number) const {
  if (const auto found = failures_.find(number); found != failures_.end()) {
    const errc why = found->second;
    const fate what = why == errc::dropped   ? fate::dropped
                      : why == errc::unknown ? fate::unknown
                                             : fate::failed;
    return {what, why};
  }
  return {fate::applied, errc::ok};
}

void remote_link::on_visible(const ticket& t, settlement_callback done) {
  result<settlement> known = settlement{};
  {
    const std::unique_lock lock(mutex_);
    if (t.memory != tag_ || t.number == 0 || t.number >= next_number_)
      known = settlement{fate::unknown, errc::unknown};
    else if (t.number <= visible_)
      known = outcome(t.number);
    else if (state_ == link_state::closed)
      known = gone();
    else {
      wait_visible_.emplace(t.number, std::move(done));
      wake_once();
      return;
    }
  }
  done(std::move(known));
}

void remote_link::on_durable(const ticket& t, settlement_callback done) {
  result<settlement> known = settlement{};
  {
    const std::unique_lock lock(mutex_);
    if (t.memory != tag_ || t.number == 0 || t.number >= next_number_)
      known = settlement{fate::unknown, errc::unknown};
    else if (t.number <= durable_ || (t.number <= visible_ && failures_.contains(t.number)))
      known = outcome(t.number);
    else if (t.number <= not_durable_.up_to)
      known = not_durable_.why;
    else if (welcome_ && welcome_->level == durability::none)
      known = failure{errc::not_durable, "the node keeps no store, or syncs it at its end alone"};
    else if (state_ == link_state::closed)
      known = gone();
    else {
      wait_durable_.emplace(t.number, std::move(done));
      wake_once();
      return;
    }
  }
  done(std::move(known));
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

// -- the connection

wire::hello remote_link::hello() const {
  const std::unique_lock lock(mutex_);
  wire::hello h;
  h.client = client_;
  h.next_write = batches_.empty() ? (open_ ? open_first_ : next_number_) : batches_.front().first;
  h.software = "ConcurrentMemory";
  return h;
}

/// Why a node is not one to go on with; ok where it is.
failure remote_link::misfit(const wire::welcome& w) const {
  if (w.version < wire::version_lowest || w.version > wire::version_newest)
    return {errc::unsupported, "the node chose version " + std::to_string(w.version)
                                 + " of the protocol: this client speaks "
                                 + std::to_string(wire::version_lowest) + " to "
                                 + std::to_string(wire::version_newest)};
  if (w.frame_bytes < frame_bytes_min || w.frame_bytes > frame_bytes_max)
    return {errc::unsupported,
            "the node takes frames of " + std::to_string(w.frame_bytes) + " bytes"};
  if (!welcome_)
    return {};
  if (welcome_->dimension != w.dimension)
    return {errc::unsupported, "the node's vectors have " + std::to_string(w.dimension)
                                 + " numbers now, and had " + std::to_string(welcome_->dimension)};
  if (w.frame_bytes < welcome_->frame_bytes && unacknowledged_now() != 0)
    return {errc::unsupported, "the node takes frames of " + std::to_string(w.frame_bytes)
                                 + " bytes now: what was written for "
                                 + std::to_string(welcome_->frame_bytes) + " bytes may not fit"};
  return {};
}

result<void> remote_link::welcomed(const wire::welcome& w) {
  told out;
  const std::unique_lock lock(mutex_);
  if (state_ == link_state::closed)
    return gone();
  if (const failure bad = misfit(w); bad.code != errc::ok) {
    fail(bad, out);
    return bad;
  }
  if (!welcome_ && w.written >= next_number_) // numbers of a process before this one
    next_number_ = visible_ = durable_ = acknowledged_ = w.written, ++next_number_;
  welcome_ = w;
  resume_at_ = {};
  ready_ = false;
  not_durable_ = {};
  held_back_ = {};
  if (w.level == durability::none) {
    acknowledged(visible_);
    for (auto& [number, done] : wait_durable_)
      out.calls.push_back([done = std::move(done)] {
        done(failure{errc::not_durable, "the node keeps no store now"});
      });
    wait_durable_.clear();
  }
  ask_kinds(0); // one that was killed may have forgotten some
  change(link_state::connected, {}, out);
  return {};
}

auto remote_link::next(std::vector<char>& out, std::size_t bytes_max)
  -> std::optional<clock::time_point> {
  const std::unique_lock lock(mutex_);
  woken_ = false;
  if (state_ != link_state::connected)
    return std::nullopt;
  const auto send = [&](const std::vector<char>& frame, bool& sent) {
    out.insert(out.end(), frame.begin(), frame.end());
    sent = true;
  };
  for (auto& [id, q] : questions_) {
    if (q.sent)
      continue;
    if (out.size() >= bytes_max) {
      wake_once();
      return std::nullopt;
    }
    send(q.frame, q.sent);
  }
  if (!ready_)
    return std::nullopt;
  if (clock::now() < resume_at_)
    return resume_at_;
  // What is open goes when nothing else is on its way: what comes meanwhile makes the next frame.
  if (open_ && (batches_.empty() || batches_.back().last <= visible_))
    seal();
  for (batch& b : batches_) {
    if (b.sent)
      continue;
    if (out.size() >= bytes_max) {
      wake_once();
      break;
    }
    send(b.frame, b.sent);
  }
  return std::nullopt;
}

result<void> remote_link::received(std::string_view payload) {
  auto read = wire::read_to_client(payload);
  if (!read)
    return read.error();
  if (const auto* w = std::get_if<wire::welcome>(&*read))
    return welcomed(*w);
  if (const auto* r = std::get_if<wire::refused>(&*read))
    return r->why.code == errc::ok ? failure{errc::internal, r->why.detail} : r->why;
  told out;
  const std::unique_lock lock(mutex_);
  if (!welcome_)
    return failure{errc::parse_error, "the node said something before it said welcome"};
  std::visit(
    [&]<class Message>(Message& m) {
      if constexpr (std::is_same_v<Message,
                                   wire::visible> || std::is_same_v<Message, wire::durable>)
        take(m, out);
      else if constexpr (std::is_same_v<Message, wire::not_taken>)
        take(m);
      else if constexpr (std::is_same_v<Message, wire::answered>)
        take(std::move(m), out);
    },
    *read);
  return {};
}

void remote_link::settle(std::multimap<std::uint64_t, settlement_callback>& waiting,
                         std::uint64_t up_to, told& out) {
  const auto end = waiting.upper_bound(up_to);
  for (auto at = waiting.begin(); at != end; ++at)
    out.calls.push_back([done = std::move(at->second), s = outcome(at->first)] { done(s); });
  waiting.erase(waiting.begin(), end);
}

void remote_link::take(const wire::visible& m, told& out) {
  for (const wire::failed_write& f : m.failed)
    failures_.insert_or_assign(f.number, f.why);
  while (failures_.size() > failures_kept)
    failures_.erase(failures_.begin());
  visible_ = std::max(visible_, std::min(m.up_to, next_number_ - 1));
  settle(wait_visible_, visible_, out);
  held_back_ = {};
  if (welcome_->level == durability::none)
    acknowledged(visible_);
  if (open_)
    wake_once();
}

void remote_link::take(const wire::durable& m, told& out) {
  if (m.why.code == errc::ok) {
    durable_ = std::max(durable_, std::min(m.up_to, next_number_ - 1));
    settle(wait_durable_, durable_, out);
    acknowledged(durable_);
    return;
  }
  not_durable_ = {std::max(not_durable_.up_to, m.up_to), m.why};
  // The memory goes on, and so do its clients; but nothing of this is acknowledged.
  const auto end = wait_durable_.upper_bound(m.up_to);
  for (auto at = wait_durable_.begin(); at != end; ++at)
    out.calls.push_back([done = std::move(at->second), why = m.why] { done(why); });
  wait_durable_.erase(wait_durable_.begin(), end);
}

// A node that starts again may keep a store where the one before did not: it only counts up.
void remote_link::acknowledged(std::uint64_t up_to) {
  acknowledged_ = std::max(acknowledged_, up_to);
  while (!batches_.empty() && batches_.front().last <= acknowledged_) {
    batch_bytes_ -= batches_.front().frame.size();
    batches_.pop_front();
  }
  if (unacknowledged_now() == 0)
    changed_.notify_all();
}

void remote_link::take(const wire::not_taken& m) {
  for (batch& b : batches_)
    if (b.first >= m.first)
      b.sent = false;
  resume_at_ = clock::now() + std::chrono::milliseconds(std::max(m.retry_after_ms, 1U));
  held_back_ = m.why;
}

void remote_link::take(wire::answered&& m, told& out) {
  const auto found = questions_.find(m.id);
  if (found == questions_.end())
    return; // its time was over
  answer_callback done = std::move(found->second.done);
  questions_.erase(found);
  if (m.id == 0) {
    if (const auto* names = std::get_if<wire::kind_names>(&m.what))
      take_kinds(*names, out);
    else if (const auto* kind = std::get_if<wire::kind_registered>(&m.what))
      take_registered(*kind, out);
    else if (const auto* bad = std::get_if<wire::failed>(&m.what))
      fail(bad->why, out);
    return;
  }
  if (auto* bad = std::get_if<wire::failed>(&m.what)) {
    if (bad->why.code == errc::ok)
      bad->why.code = errc::internal;
    out.calls.push_back([done = std::move(done), why = std::move(bad->why)] { done(why); });
  } else {
    auto what = std::make_shared<wire::answer>(std::move(m.what));
    out.calls.push_back([done = std::move(done), what] { done(std::move(*what)); });
  }
}

// Answers to these come as those of question 0.
void remote_link::ask_kinds(std::size_t from) {
  question q{{}, false, clock::time_point::max(), {}};
  (void) wire::put(q.frame, wire::asked{0, wire::list_kinds{static_cast<kind_id>(from)}},
                   welcome_->frame_bytes);
  questions_.insert_or_assign(0, std::move(q));
  wake_once();
}

void remote_link::register_again(std::size_t kind) {
  question q{{}, false, clock::time_point::max(), {}};
  (void) wire::put(
    q.frame,
    wire::asked{0, msg::register_kind{std::string(kinds_.name_of(static_cast<kind_id>(kind)))}},
    welcome_->frame_bytes);
  questions_.insert_or_assign(0, std::move(q));
  wake_once();
}

// What is written names kinds by number: they have to mean the same to both.
void remote_link::take_kinds(const wire::kind_names& m, told& out) {
  for (std::size_t i = 0; i != m.names.size(); ++i) {
    const std::size_t kind = m.from + i;
    if (kind == kinds_.size())
      (void) kinds_.add(m.names[i]);
    else if (kind > kinds_.size() || kinds_.name_of(static_cast<kind_id>(kind)) != m.names[i])
      return fail({errc::unsupported, "the node's kind " + std::to_string(kind) + " is `"
                                        + m.names[i] + "` now, and was another"},
                  out);
  }
  const std::size_t known_there = m.from + m.names.size();
  if (known_there < m.kinds && !m.names.empty())
    return ask_kinds(known_there);
  if (m.kinds < kinds_.size())
    return register_again(m.kinds);
  ready_ = true;
  changed_.notify_all();
  wake_once();
}

void remote_link::take_registered(const wire::kind_registered& m, told& out) {
  if (m.id >= kinds_.size())
    return fail({errc::unsupported, "the node has kinds that this client does not know"}, out);
  if (m.id + std::size_t{1} < kinds_.size())
    return register_again(m.id + std::size_t{1});
  ask_kinds(0); // somebody else may have been faster
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
