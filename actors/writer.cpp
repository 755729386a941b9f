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

// The settlement comes on whichever thread reconciles or commits; a promise belongs to its actor.
// Hence the note. `ask(done)` has done(result<settlement>) called.
template <class Ask>
caf::result<settlement> await(writer_pointer self, Ask ask) {
  auto& state = cafx::state(self);
  const auto token = state.next_token++;
  auto promise = self->template make_response_promise<settlement>();
  try {
    state.open_awaits.emplace(token, promise);
    ask([writer = writer_actor(self), token](const result<settlement>& r) {
      cafx::post(writer, r ? msg::settled{token, *r, errc::ok, {}}
                           : msg::settled{token, {}, r.error().code, r.error().detail});
    });
  } catch (const std::exception& e) {
    state.open_awaits.erase(token);
    promise.deliver(to_caf_error({errc::internal, e.what()}));
  }
  return promise;
}

caf::result<settlement> await_visible(writer_pointer self, const ticket& t) {
  auto& storage = cafx::state(self).core->storage();
  if (const auto known = storage.load()->outcome(t); known.what != fate::pending)
    return known;
  return await(self, [&](auto done) { storage.on_settled(t, std::move(done)); });
}

caf::result<settlement> await_durable(writer_pointer self, const ticket& t) {
  auto& storage = cafx::state(self).core->storage();
  return await(self, [&](auto done) { storage.on_durable(t, std::move(done)); });
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
    [self](const msg::await_visible& m) { return await_visible(self, m.ticket); },
    [self](const msg::await_durable& m) { return await_durable(self, m.ticket); },
    [self](const msg::settled& m) {
      auto& open = cafx::state(self).open_awaits;
      if (const auto found = open.find(m.token); found != open.end()) {
        if (m.refusal == errc::ok)
          found->second.deliver(m.outcome);
        else
          found->second.deliver(to_caf_error({m.refusal, m.detail}));
        open.erase(found);
      }
    },
  };
}

} // namespace cmem
