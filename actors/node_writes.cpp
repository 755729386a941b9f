// What a node's clients write: each number once (client_ledger.hpp), and acknowledged when it is
// visible and when it is on the disk.

#include "actors/node_server.hpp"
#include "storage/validate.hpp"

#include <algorithm>
#include <utility>

namespace cmem {

namespace {

constexpr std::uint32_t full_retry_ms = 5;      // the write log is full: it empties quickly
constexpr std::uint32_t refused_retry_ms = 500; // anything else needs somebody to see to it

} // namespace

durability node_server::level() const noexcept {
  const config& c = memory_->settings();
  return c.storage_path.empty() ? durability::none : c.durability;
}

result<void> node_server::take_writes(connection_handle h, node_connection& c,
                                      const wire::writes& w) {
  const client_record* known = ledger_->find(*c.client); // null: it has written nothing yet
  const std::uint64_t before = known == nullptr ? 0 : known->taken;
  if (c.resumes_at != 0 && w.first != c.resumes_at)
    return {}; // sent before its sender knew; it comes again
  c.resumes_at = 0;
  if (w.last() <= before) {
    repeat(h, c, *known, w);
    return {};
  }
  if (w.first <= before || w.first < c.next_write)
    return failure{errc::parse_error, "writes " + std::to_string(w.first) + " to "
                                        + std::to_string(w.last()) + " came after "
                                        + std::to_string(std::max(before, c.next_write - 1))};
  taken_writes taken;
  std::uint64_t marker_ticket = 0;
  const auto begin = append(*c.client, w, taken, marker_ticket);
  if (!begin) {
    c.resumes_at = w.first;
    const bool full = begin.error().code == errc::overloaded;
    send(h, c, wire::not_taken{w.first, begin.error(), full ? full_retry_ms : refused_retry_ms});
    return {};
  }
  counters_->writes.fetch_add(w.last() - w.first + 1, std::memory_order_relaxed);
  c.next_write = w.last() + 1;
  taken.marker = {marker_ticket, begin->writer, begin->memory};
  const ticket marker = taken.marker;
  ledger_->marked(*c.client, w.last()).unseen.push_back(std::move(taken));
  await(*c.client, marker, w);
  return {};
}

// It was taken, and its acknowledgement may have been lost.
void node_server::repeat(connection_handle h, node_connection& c, const client_record& r,
                         const wire::writes& w) {
  counters_->repeated.fetch_add(w.last() - w.first + 1, std::memory_order_relaxed);
  c.next_write = std::max(c.next_write, w.last() + 1);
  if (w.first <= r.visible) {
    wire::visible told{std::min(r.visible, w.last()), {}};
    for (const wire::failed_write& f : r.failures)
      if (f.number >= w.first && f.number <= told.up_to)
        told.failed.push_back(f);
    send(h, c, told);
  }
  if (w.first <= r.durable)
    send(h, c, wire::durable{std::min(r.durable, w.last()), {}});
  else if (w.last() <= r.refused)
    send(h, c, wire::durable{w.last(), r.refusal});
}

/// Appends what is good of them, and the client's marker, as one.
result<ticket> node_server::append(const concept_id& client, const wire::writes& w,
                                   taken_writes& taken, std::uint64_t& marker_ticket) {
  const validation_rules rules{memory_->known_kinds(), memory_->settings().vector_dimension};
  std::vector<write_op> ops;
  ops.reserve(w.ops.size() + 8);
  taken.first = w.first;
  taken.last = w.last();
  for (std::size_t i = 0; i != w.ops.size(); ++i) {
    const auto valid = validate(w.ops[i], rules);
    if (valid)
      ops.push_back(w.ops[i]);
    else if (!w.as_batch)
      taken.failed.push_back({w.first + i, valid.error().code});
    else if (taken.failed.empty())
      taken.failed.push_back({w.first, valid.error().code});
  }
  const auto fail_all = [&](errc why) {
    taken.failed.clear();
    for (std::uint64_t n = w.first; n <= w.last(); ++n)
      taken.failed.push_back({n, why});
    ops.clear();
  };
  const std::size_t entries_max =
    std::min(memory_->settings().log_capacity, batch_entries_max) - client_ledger::mark_ops_max;
  if (ops.size() > entries_max)
    fail_all(errc::limit_exceeded); // there would never be room for it
  if (w.as_batch && !taken.failed.empty())
    ops.clear();
  std::size_t marker = ops.size();
  ledger_->mark(client, taken.last, ops);
  const auto write = [&] {
    return w.as_batch ? memory_->learn_batch(ops) : memory_->write_together(ops);
  };
  auto begin = write();
  if (!begin
      && (begin.error().code == errc::limit_exceeded
          || begin.error().code == errc::invalid_argument)) { // nor will there be later
    fail_all(begin.error().code);
    marker = 0;
    ledger_->mark(client, taken.last, ops);
    begin = write();
  }
  if (!begin)
    return begin.error();
  taken.begin = *begin;
  marker_ticket = w.as_batch ? begin->number : begin->number + marker;
  return *begin;
}

// The memory tells on its own threads; what they know becomes a note to this actor.
void node_server::await(const concept_id& client, const ticket& marker, const wire::writes& w) {
  const auto here = caf::actor(self_);
  const std::uint64_t up_to = w.last();
  ++unseen_;
  memory_->on_settled(marker, [here, client, up_to](const settlement&) {
    cafx::post(here, msg::acknowledged{client, up_to, false, errc::ok, {}});
  });
  if (level() == durability::none)
    return;
  ++unseen_;
  memory_->on_durable(
    marker, [here, client, up_to, alone = w.as_batch](const result<settlement>& s) {
      // Where the marker was not applied, nothing tells of the others. But a batch fails together
      // with its marker: then there is nothing to tell of.
      const bool told = s && (s->what == fate::applied || (alone && s->what == fate::failed));
      const failure why = !s ? s.error() : told ? failure{} : failure{s->reason, {}};
      cafx::post(here, msg::acknowledged{client, up_to, true, why.code, why.detail});
    });
}

void node_server::acknowledge(const msg::acknowledged& m) {
  --unseen_;
  client_record* r = ledger_->find(m.client);
  if (r == nullptr)
    return end_if_drained();
  if (m.on_disk) {
    if (m.refusal == errc::ok) {
      r->durable = std::max(r->durable, m.up_to);
    } else {
      r->refused = std::max(r->refused, m.up_to);
      r->refusal = {m.refusal, m.detail};
    }
    // Visible first: the two come from different threads.
    wire::visible told;
    show(*r, m.up_to, told);
    if (told.up_to != 0)
      tell(m.client, told);
    tell(m.client, wire::durable{m.up_to, {m.refusal, m.detail}});
  } else {
    wire::visible told;
    show(*r, m.up_to, told);
    if (told.up_to != 0)
      tell(m.client, told);
    if (level() == durability::none)
      r->durable = r->visible;
  }
  end_if_drained();
}

/// What became of them.
void node_server::show(client_record& r, std::uint64_t up_to, wire::visible& told) {
  const auto newest = memory_->snapshot();
  while (!r.unseen.empty() && r.unseen.front().last <= up_to) {
    const taken_writes& t = r.unseen.front();
    r.marked = r.marked || newest->covers(t.marker);
    auto bad = t.failed.begin();
    ticket one = t.begin;
    const std::uint64_t numbers = t.last - t.first + 1;
    for (std::uint64_t i = 0; i != numbers; ++i) {
      if (bad != t.failed.end() && bad->number == t.first + i) {
        told.failed.push_back(*bad++);
        continue;
      }
      if (const settlement s = newest->outcome(one); s.what != fate::applied)
        told.failed.push_back({t.first + i, s.reason == errc::ok ? errc::unknown : s.reason});
      ++one.number;
    }
    r.visible = told.up_to = t.last;
    r.unseen.pop_front();
  }
  for (const wire::failed_write& f : told.failed)
    r.failures.push_back(f);
  while (r.failures.size() > client_ledger::failures_max)
    r.failures.pop_front();
}

void node_server::tell(const concept_id& client, const wire::to_client& m) {
  const auto at = at_.find(client);
  if (at == at_.end())
    return;
  const auto found = connections_.find(at->second);
  if (found == connections_.end())
    return;
  send(at->second, found->second, m);
  self_->flush(at->second);
}

} // namespace cmem
