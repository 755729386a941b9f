// Writes of a client: numbered, put into frames, kept until they are acknowledged.

#include "actors/remote_link.hpp"
#include "storage/validate.hpp"

#include <algorithm>
#include <utility>

namespace cmem {

namespace {

constexpr std::size_t failures_kept = 100'000; // of writes, for tickets that are asked about late
constexpr std::uint32_t remote_writer = 0xFFFF'FFFF; // slot in a remote ticket

} // namespace

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

// -- acknowledgements

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

} // namespace cmem
