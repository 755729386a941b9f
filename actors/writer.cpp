#include "actors/writer.hpp"

#include "actors/answers.hpp"
#include "actors/borrow.hpp"

#include <exception>
#include <utility>
#include <vector>

namespace cmem {

namespace {

using writer_pointer = writer_actor::stateful_pointer<writer_state>;

result<ticket> write_batch(engine& storage, const msg::learn_batch& m) {
  borrower borrow;
  std::vector<write_op> ops;
  ops.reserve(m.items.size());
  for (const auto& item : m.items)
    ops.push_back(std::visit(borrow, item.write));
  return storage.learn_batch(ops);
}

template <class Message>
auto takes(writer_pointer self) {
  return [self](const Message& m) -> caf::result<ticket> {
    return answer([&] { return cafx::state(self).core->storage().write(borrower{}(m)); });
  };
}

// The settlement comes on whichever thread reconciles; a promise belongs to its actor. Hence the
// note.
caf::result<settlement> await(writer_pointer self, const ticket& t) {
  auto& state = cafx::state(self);
  auto& storage = state.core->storage();
  if (const auto known = storage.load()->outcome(t); known.what != fate::pending)
    return known;
  const auto token = state.next_token++;
  auto promise = self->template make_response_promise<settlement>();
  try {
    state.open_awaits.emplace(token, promise);
    storage.on_settled(t, [writer = writer_actor(self), token](settlement s) {
      cafx::post(writer, msg::settled{token, s});
    });
  } catch (const std::exception& e) {
    state.open_awaits.erase(token);
    promise.deliver(to_caf_error({errc::internal, e.what()}));
  }
  return promise;
}

} // namespace

writer_state::~writer_state() {
  for (auto& [token, promise] : open_awaits)
    promise.deliver(to_caf_error({errc::closed, "the writer actor ended; the ticket is still good: "
                                                "await it at the one that took its place"}));
}

writer_actor::behavior_type make_writer(writer_pointer self, std::shared_ptr<memory_core> core) {
  cafx::state(self).core = std::move(core);
  return {
    takes<msg::learn_concept>(self),
    takes<msg::learn_association>(self),
    takes<msg::strengthen>(self),
    takes<msg::strengthen_association>(self),
    takes<msg::record_access>(self),
    takes<msg::record_use>(self),
    takes<msg::set_attributes>(self),
    takes<msg::forget_concept>(self),
    takes<msg::forget_association>(self),
    [self](const msg::learn_batch& m) -> caf::result<ticket> {
      return answer([&] { return write_batch(cafx::state(self).core->storage(), m); });
    },
    [self](const msg::register_kind& m) -> caf::result<kind_id> {
      return answer([&] { return cafx::state(self).core->register_kind(m.name); });
    },
    [self](const msg::await_visible& m) { return await(self, m.ticket); },
    [](const msg::await_durable&) -> caf::result<settlement> {
      return to_caf_error(not_durable());
    },
    [self](const msg::settled& m) {
      auto& open = cafx::state(self).open_awaits;
      if (const auto found = open.find(m.token); found != open.end()) {
        found->second.deliver(m.outcome);
        open.erase(found);
      }
    },
  };
}

} // namespace cmem
