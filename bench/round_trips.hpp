#pragma once
// Latencies of questions, ours and a baseline's in turns, and the baselines: what CAF itself takes
// for a request.

#include "bench/bench.hpp"
#include "bench/served_memory.hpp"

#include <caf/actor.hpp>
#include <caf/scoped_actor.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace cmem::bench {

/// ns.
struct latency {
  double p50 = 0;
  double p99 = 0;
};
/// Precondition: not empty.
[[nodiscard]] latency latency_of(std::vector<double> ns);

/// Makes one round trip, and says what it took, ns.
using trip = std::function<double()>;

struct compared_latency {
  latency subject;
  latency baseline;
};
/// Rounds of so many trips each, in turns, after one that is not counted; medians of the rounds.
compared_latency compare_trips(const trip& subject, const trip& baseline, std::size_t trips);

/// Nanoseconds that `f()` takes.
template <class F>
double timed(F f) {
  const auto begin = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count();
}

/// What the first of two ways to the same answer takes more than the second, ns. Who is first has
/// to fetch from far what both read: they take turns at that.
template <class Asked, class Direct>
double added(Asked asked, Direct direct, bool direct_first) {
  const double before = direct_first ? timed(direct) : 0;
  const double took = timed(asked);
  return took - (direct_first ? before : timed(direct));
}

/// Asks an event-based actor for a string of `answer_bytes` by one of `request_bytes`.
/// Threads: one.
class echo {
public:
  /// In one system.
  echo(caf::actor_system& system, std::size_t request_bytes, std::size_t answer_bytes);
  /// From one system to another: published by CAF's middleman on loopback.
  echo(caf::actor_system& from, caf::actor_system& to, std::size_t request_bytes,
       std::size_t answer_bytes);
  ~echo();
  echo(const echo&) = delete;
  echo& operator=(const echo&) = delete;

  double ask();

private:
  const std::string request_;
  caf::scoped_actor self_;
  caf::actor actor_;  // in its own system
  caf::actor remote_; // what is asked: the same, or what stands for it here
};

/// Waits for the answer, on this thread. Throws std::runtime_error for an error.
template <class Answer, class Handle, class Message>
Answer ask_and_wait(caf::scoped_actor& self, const Handle& to, Message m) {
  std::optional<Answer> got;
  const auto good = [&](Answer& a) { got.emplace(std::move(a)); };
  const auto failed = [](const caf::error&) {};
  self->request(to, std::chrono::seconds(60), std::move(m)).receive(good, failed);
  if (!got)
    throw std::runtime_error("a request failed");
  return std::move(*got);
}

} // namespace cmem::bench
