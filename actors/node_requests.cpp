// What a node is asked: the memory's readers answer, in turns, or it answers itself.

#include "actors/handles.hpp"
#include "actors/node_figures.hpp"
#include "actors/node_server.hpp"
#include "messages/errors.hpp"

#include <type_traits>
#include <utility>

namespace cmem {

namespace {

template <class T>
wire::answer to_answer(result<T> r) {
  if (!r)
    return wire::failed{r.error(), 0};
  return std::move(r).value();
}

wire::answer kinds_from(const kind_registry& known, kind_id from) {
  constexpr std::size_t bytes_max = frame_bytes_min / 2;
  wire::kind_names m{from, {}, static_cast<std::uint32_t>(known.size())};
  std::size_t bytes = 0;
  for (std::size_t k = from; k < known.size() && bytes < bytes_max; ++k) {
    m.names.emplace_back(known.name_of(static_cast<kind_id>(k)));
    bytes += m.names.back().size() + sizeof(std::uint64_t);
  }
  return m;
}

wire::names names_of(const graph_snapshot& s, const std::vector<concept_id>& ids) {
  constexpr std::size_t bytes_max = frame_bytes_min / 2;
  wire::names m;
  std::size_t bytes = 0;
  for (const concept_id& id : ids) {
    const auto found = s.find(id);
    m.of.emplace_back(found ? found->name() : std::string_view{});
    bytes += m.of.back().size() + sizeof(std::uint64_t);
    if (bytes >= bytes_max)
      break;
  }
  return m;
}

} // namespace

// Who asks once in a while goes first, but not for ever. The others have one of each connection in
// turn, and few at once: sockets are looked at in between.
void node_server::dispatch() {
  for (;;) {
    const bool turn = !turns_.empty() && under_way_ < under_way_max_;
    if (asked_ >= asked_max_ || (first_.empty() && !turn))
      return;
    const bool first = !first_.empty() && (!turn || firsts_ < asked_max_);
    firsts_ = first ? firsts_ + 1 : 0;
    dispatch(first ? first_ : turns_);
  }
}

void node_server::dispatch(std::deque<connection_handle>& turns) {
  const connection_handle h = turns.front();
  turns.pop_front();
  const auto found = connections_.find(h);
  if (found == connections_.end() || found->second.waiting.empty())
    return;
  node_connection& c = found->second;
  c.parked = is_behind(c); // else its answers would pile up: sent() gives it a turn again
  if (c.parked)
    return;
  wire::asked next = std::move(c.waiting.front().what);
  c.waiting_bytes -= c.waiting.front().bytes;
  waiting_bytes_ -= c.waiting.front().bytes;
  c.waiting.pop_front();
  if (!c.waiting.empty())
    turns_.push_back(h);
  ask(h, c, std::move(next));
}

void node_server::answered(connection_handle h, node_connection& c) {
  if (!c.slow) {
    ++c.untaken;
    ++under_way_;
  }
  if (!c.working) // else whoever takes its frames does that
    self_->flush(h);
}

void node_server::release(node_connection& c) {
  under_way_ -= c.untaken;
  c.untaken = 0;
}

void node_server::ask(connection_handle h, node_connection& c, wire::asked&& m) {
  const std::uint64_t id = m.id;
  std::visit(
    [&]<class Request>(Request& r) {
      if constexpr (std::is_same_v<Request, msg::find>) { // less than a mailbox costs
        send(h, c, wire::answered{id, to_answer(memory_->query_concept(r.id))});
      } else if constexpr (std::is_same_v<Request, msg::register_kind>) {
        const auto kind = memory_->register_kind(r.name);
        send(h, c,
             wire::answered{id, kind ? wire::answer(wire::kind_registered{*kind})
                                     : wire::failed{kind.error(), 0}});
      } else if constexpr (std::is_same_v<Request, wire::list_kinds>) {
        send(h, c, wire::answered{id, kinds_from(memory_->known_kinds(), r.from)});
      } else if constexpr (std::is_same_v<Request, wire::get_names>) {
        send(h, c, wire::answered{id, names_of(*memory_->snapshot(), r.ids)});
      } else if constexpr (std::is_same_v<Request, wire::get_figures>) {
        send(h, c, wire::answered{id, to_figures(memory_->stats())});
      } else if constexpr (std::is_same_v<Request, wire::get_health>) {
        send(h, c, wire::answered{id, to_wire(memory_->health())});
      } else {
        using answer_type = wire::answer_to<Request>;
        ++asked_;
        ++under_way_;
        ++c.asked;
        const std::uint64_t serial = c.serial;
        cafx::request(
          self_, memory_->actors().reader_pool, std::move(r),
          [this, h, serial, id](answer_type& a) { reply(h, serial, id, std::move(a)); },
          [this, h, serial, id](const caf::error& e) {
            reply(h, serial, id, wire::failed{to_failure(e), 0});
          });
        return;
      }
      counters_->requests.fetch_add(1, std::memory_order_relaxed);
      answered(h, c);
    },
    m.what);
}

void node_server::reply(connection_handle h, std::uint64_t serial, std::uint64_t id,
                        wire::answer&& what) {
  --asked_;
  --under_way_;
  counters_->requests.fetch_add(1, std::memory_order_relaxed);
  if (const auto found = connections_.find(h);
      found != connections_.end() && found->second.serial == serial) {
    node_connection& c = found->second;
    --c.asked;
    send(h, c, wire::answered{id, std::move(what)});
    answered(h, c);
    loosen(h, c);
  }
  dispatch();
  end_if_drained();
}

} // namespace cmem
