// What a client and its node say to each other: welcome, what is sent next, answers, kinds.

#include "actors/remote_link.hpp"
#include "messages/frame.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace cmem {

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

} // namespace cmem
