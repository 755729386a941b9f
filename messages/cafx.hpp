#pragma once
// The one header that knows which CAF this is: 0.17.6 (Debian 12) or 1.x, which differ in typed
// interfaces, inspection, sending, state access and config keys. The rest spells actors in the
// words below.
//
//   cafx::typed<R(A), ...>         typed handle of an actor that answers R to an A
//   CMEM_INSPECT(T, a, b)          fields of a message; use it in T's namespace
//   cafx::state(self), send, send_at, post, delegate, watch, tell_to_exit

#include <caf/abstract_actor.hpp>
#include <caf/actor_cast.hpp>
#include <caf/actor_clock.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/config.hpp>
#include <caf/error.hpp>
#include <caf/exit_reason.hpp>
#include <caf/message.hpp>
#include <caf/result.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/system_messages.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

// CAF_VERSION will not do: 1.1.0 defines it with a leading zero, as an octal number.
#define CMEM_CAF_0 (CAF_MAJOR_VERSION == 0)

#if CMEM_CAF_0
#  include <caf/meta/type_name.hpp>
#  include <caf/replies_to.hpp>
#else
#  include <caf/anon_mail.hpp>
#  include <caf/init_global_meta_objects.hpp>
#endif

// -- inspection. CMEM_INSPECT0 is for messages without fields.

#if CMEM_CAF_0
#  define CMEM_INSPECT(type, ...) \
    template <class Inspector> \
    typename Inspector::result_type inspect(Inspector& f, type& x) { \
      return f(caf::meta::type_name(#type), CMEM_MAP(CMEM_FIELD, __VA_ARGS__)); \
    }
#  define CMEM_INSPECT0(type) \
    template <class Inspector> \
    typename Inspector::result_type inspect(Inspector& f, type&) { \
      return f(caf::meta::type_name(#type)); \
    }
#  define CMEM_FIELD(name) x.name
// 0.17 takes enums as their underlying type.
#  define CMEM_INSPECT_ENUM(type)
#  define CMEM_ERROR_ENUM(type, name) CAF_ERROR_CODE_ENUM(type, name)
#else
#  define CMEM_INSPECT(type, ...) \
    template <class Inspector> \
    bool inspect(Inspector& f, type& x) { \
      return f.object(x).fields(CMEM_MAP(CMEM_FIELD, __VA_ARGS__)); \
    }
#  define CMEM_INSPECT0(type) \
    template <class Inspector> \
    bool inspect(Inspector& f, type& x) { \
      return f.object(x).fields(); \
    }
#  define CMEM_FIELD(name) f.field(#  name, x.name)
#  define CMEM_INSPECT_ENUM(type) \
    template <class Inspector> \
    bool inspect(Inspector& f, type& x) { \
      using number = std::underlying_type_t<type>; \
      return f.apply([&x] { return static_cast<number>(x); }, \
                     [&x](number n) { \
                       x = static_cast<type>(n); \
                       return true; \
                     }); \
    }
#  define CMEM_ERROR_ENUM(type, name) CAF_ERROR_CODE_ENUM(type)
#endif

#define CMEM_MAP1(m, a) m(a)
#define CMEM_MAP2(m, a, ...) m(a), CMEM_MAP1(m, __VA_ARGS__)
#define CMEM_MAP3(m, a, ...) m(a), CMEM_MAP2(m, __VA_ARGS__)
#define CMEM_MAP4(m, a, ...) m(a), CMEM_MAP3(m, __VA_ARGS__)
#define CMEM_MAP5(m, a, ...) m(a), CMEM_MAP4(m, __VA_ARGS__)
#define CMEM_MAP6(m, a, ...) m(a), CMEM_MAP5(m, __VA_ARGS__)
#define CMEM_MAP7(m, a, ...) m(a), CMEM_MAP6(m, __VA_ARGS__)
#define CMEM_MAP8(m, a, ...) m(a), CMEM_MAP7(m, __VA_ARGS__)
#define CMEM_MAP9(m, a, ...) m(a), CMEM_MAP8(m, __VA_ARGS__)
#define CMEM_MAP10(m, a, ...) m(a), CMEM_MAP9(m, __VA_ARGS__)
#define CMEM_PICK(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, name, ...) name
#define CMEM_MAP(m, ...) \
  CMEM_PICK(__VA_ARGS__, CMEM_MAP10, CMEM_MAP9, CMEM_MAP8, CMEM_MAP7, CMEM_MAP6, CMEM_MAP5, \
            CMEM_MAP4, CMEM_MAP3, CMEM_MAP2, CMEM_MAP1, unused) \
  (m, __VA_ARGS__)

namespace cmem::cafx {

// -- typed interfaces

#if CMEM_CAF_0
template <class Signature>
struct signature;
template <class... A>
struct signature<void(A...)> {
  using type = caf::reacts_to<A...>;
};
template <class R, class... A>
struct signature<R(A...)> {
  using type = typename caf::replies_to<A...>::template with<R>;
};
template <class... Signatures>
using typed = caf::typed_actor<typename signature<Signatures>::type...>;
#else
template <class Signature>
struct signature;
template <class R, class... A>
struct signature<R(A...)> {
  using type = caf::result<R>(A...);
};
template <class... Signatures>
using typed = caf::typed_actor<typename signature<Signatures>::type...>;
#endif

// -- inside an actor: `self` is the pointer that its function gets

template <class Self>
auto& state(Self* self) {
#if CMEM_CAF_0
  return self->state;
#else
  return self->state();
#endif
}

template <class Self, class Handle, class Message>
void send(Self* self, const Handle& to, Message m) {
#if CMEM_CAF_0
  self->send(to, std::move(m));
#else
  self->mail(std::move(m)).send(to);
#endif
}

/// At an absolute time of the system's clock: relative delays drift by what a tick takes.
template <class Self, class Handle, class Message>
void send_at(Self* self, caf::actor_clock::time_point when, const Handle& to, Message m) {
#if CMEM_CAF_0
  self->scheduled_send(to, when, std::move(m));
#else
  self->mail(std::move(m)).schedule(when).send(to);
#endif
}

/// The same without a sender, for brokers: those of 0.17 keep what comes after their end, and a
/// message that names them as its sender would keep them.
template <class Self, class Handle, class Message>
void post_at(Self* self, caf::actor_clock::time_point when, const Handle& to, Message m) {
#if CMEM_CAF_0
  self->system().clock().schedule_message(
    when, caf::actor_cast<caf::strong_actor_ptr>(to),
    caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::move(m)));
#else
  static_cast<void>(self);
  caf::anon_mail(std::move(m)).schedule(when).send(to);
#endif
}

/// Hands a request on: `to` answers the one who asked.
template <class Self, class Handle, class Message>
auto delegate(Self* self, const Handle& to, Message m) {
#if CMEM_CAF_0
  return self->delegate(to, std::move(m));
#else
  return self->mail(std::move(m)).delegate(to);
#endif
}

/// Calls `then(answer)` or `failed(error)` on the actor's own turn.
template <class Self, class Handle, class Message, class Then, class Failed>
void request(Self* self, const Handle& to, Message m, Then then, Failed failed) {
#if CMEM_CAF_0
  self->request(to, caf::infinite, std::move(m)).then(std::move(then), std::move(failed));
#else
  self->mail(std::move(m)).request(to, caf::infinite).then(std::move(then), std::move(failed));
#endif
}

/// Calls `down(address, reason)` on the actor's own turn when one of those it monitors ends.
/// Call once, before monitor(): 0.17 has one such handler for each actor.
template <class Self, class F>
void on_down(Self* self, F down) {
#if CMEM_CAF_0
  self->set_down_handler([down](caf::down_msg& m) { down(m.source, m.reason); });
#else
  static_cast<void>(self);
  static_cast<void>(down);
#endif
}

/// Watches `h`; `down` must be what on_down() got.
template <class Self, class Handle, class F>
void monitor(Self* self, const Handle& h, F down) {
#if CMEM_CAF_0
  static_cast<void>(down);
  self->monitor(h);
#else
  self->monitor(h, [down, address = h.address()](const caf::error& why) { down(address, why); });
#endif
}

// -- from anywhere

/// Calls `f(reason)` when the actor ends, on whichever thread that happens.
template <class Handle, class F>
void on_end(const Handle& h, F f) {
  caf::actor_cast<caf::abstract_actor*>(h)->attach_functor(
    [f = std::move(f)](const caf::error& why) { f(why); });
}

template <class Handle, class Message>
void post(const Handle& to, Message m) {
#if CMEM_CAF_0
  caf::anon_send(to, std::move(m));
#else
  caf::anon_mail(std::move(m)).send(to);
#endif
}

/// Ends an actor after what is in its mailbox already.
template <class Handle>
void tell_to_exit(const Handle& h) {
  caf::anon_send_exit(h, caf::exit_reason::user_shutdown);
}

/// Fills CAF's table of types, where there is one, before the first actor system is made.
template <class... Blocks>
void init_types() {
#if !CMEM_CAF_0
  caf::core::init_global_meta_objects();
  (caf::init_global_meta_objects<Blocks>(), ...);
#endif
}

/// Loads CAF's I/O (caf::io::middleman), before the system is made.
template <class Middleman>
void load_io(caf::actor_system_config& c) {
#if !CMEM_CAF_0
  Middleman::init_global_meta_objects();
#endif
  c.load<Middleman>();
}

/// The name of a setting of the actor system, e.g. "scheduler.policy".
inline std::string setting(const char* name) {
  return (CMEM_CAF_0 ? "" : "caf.") + std::string(name);
}

#if CMEM_CAF_0
inline caf::atom_value policy(const char* name) { return caf::atom_from_string(std::string(name)); }
#else
inline std::string policy(const char* name) { return name; }
#endif

// -- variants: `index` names the alternative on the wire

#if CMEM_CAF_0
template <class Variant, std::size_t... I>
bool emplace(Variant& v, std::size_t index, std::index_sequence<I...>) {
  return ((I == index ? (v.template emplace<I>(), true) : false) || ...);
}

template <class Inspector, class... T>
typename Inspector::result_type inspect_variant(Inspector& f, std::variant<T...>& v) {
  auto index = static_cast<std::uint8_t>(v.index());
  if constexpr (Inspector::reads_state) {
    return std::visit([&](auto& x) { return f(index, x); }, v);
  } else {
    if (auto e = f(index))
      return e;
    if (!emplace(v, index, std::index_sequence_for<T...>{}))
      return caf::sec::invalid_argument;
    return std::visit([&](auto& x) -> typename Inspector::result_type { return f(x); }, v);
  }
}
#endif

} // namespace cmem::cafx
