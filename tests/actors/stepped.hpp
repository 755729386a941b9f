#pragma once
// A memory in an actor system that runs only when a test says so, by CAF's deterministic scheduler.

#include "actors/concurrent_memory.hpp"
#include "actors/handles.hpp"
#include "messages/errors.hpp"
#include "tests/catch.hpp"

#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cmem::test {

/// The answer to a request, when it has come.
template <class T>
class pending_answer {
public:
  template <class Handle, class Message>
  pending_answer(caf::actor_system& system, const Handle& to, Message m)
    : self_(std::make_unique<caf::scoped_actor>(system)),
      response_((*self_)->request(to, caf::infinite, std::move(m)).id()) {}

  [[nodiscard]] bool here() const { return !(*self_)->mailbox().empty(); }

  /// Precondition: here().
  result<T> get() {
    REQUIRE(here());
    std::optional<result<T>> got;
    auto message = (*self_)->dequeue();
    REQUIRE(message->mid == response_);
    if (message->content().template match_elements<T>())
      got.emplace(message->content().template get_as<T>(0));
    else if (message->content().template match_elements<caf::error>())
      got.emplace(to_failure(message->content().template get_as<caf::error>(0)));
    REQUIRE(got.has_value());
    return *got;
  }

private:
  std::unique_ptr<caf::scoped_actor> self_;
  caf::message_id response_;
};

class stepped_system {
public:
  stepped_system() : system_(configured(settings_)) {}

  [[nodiscard]] caf::actor_system& system() { return system_; }

  /// Everything that is in a mailbox now, and what comes of it.
  void run() { scheduler().run(); }
  /// The next mailbox in line, once.
  void run_one() { scheduler().run_once(); }
  /// Lets time pass in steps of a millisecond.
  void advance(std::chrono::milliseconds by) {
    for (; by.count() > 0; --by)
      tick(std::chrono::milliseconds(1));
  }
  void tick(std::chrono::milliseconds by) {
    scheduler().advance_time(by);
    run();
  }
  [[nodiscard]] timestamp_us now_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
             system_.clock().now().time_since_epoch())
             .count()
           + 1'000'000;
  }

  /// Asks and runs; the answer must be there then.
  template <class T, class Handle, class Message>
  result<T> ask(const Handle& to, Message m) {
    pending_answer<T> answer(system_, to, std::move(m));
    run();
    return answer.get();
  }

  /// A memory whose clock is the scheduler's.
  std::unique_ptr<concurrent_memory> open(config c = {}) {
    c.reconciler_detached = false;
    c.clock = [this] { return now_us(); };
    c.arena_bytes = std::uint64_t{256} << 20;
    if (!c.log)
      c.log = [this](log_level level, std::string_view text) {
        logged.push_back(std::string(to_string(level)) + " " + std::string(text));
      };
    auto opened = concurrent_memory::open(system_, std::move(c));
    if (!opened)
      FAIL(to_string(opened.error()));
    run();
    return std::move(opened).value();
  }

  [[nodiscard]] bool has_logged(const std::string& part) const {
    for (const auto& line : logged)
      if (line.find(part) != std::string::npos)
        return true;
    return false;
  }

  std::vector<std::string> logged;

private:
  static caf::actor_system_config& configured(caf::actor_system_config& c) {
    c.set(cafx::setting("scheduler.policy"), cafx::policy("testing"));
    return c;
  }
  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  }

  caf::actor_system_config settings_;
  caf::actor_system system_;
};

/// Ends an actor as if it had crashed.
template <class Handle>
void kill(const Handle& h) {
  caf::anon_send_exit(h, caf::exit_reason::kill);
}

/// The value, or the test fails with the error.
template <class T>
T good(result<T> r) {
  if (!r)
    FAIL(to_string(r.error()));
  return std::move(r).value();
}

/// The error's code, ok when there is none.
template <class T>
errc code_of(const result<T>& r) {
  return r ? errc::ok : r.error().code;
}

} // namespace cmem::test
