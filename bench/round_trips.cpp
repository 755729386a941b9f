#include "bench/round_trips.hpp"

#include "bench/workbench.hpp"
#include "messages/cafx.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>

#include <algorithm>

namespace cmem::bench {

namespace {

caf::actor spawn_echo(caf::actor_system& system, std::size_t answer_bytes) {
  return system.spawn([answer_bytes](caf::event_based_actor*) -> caf::behavior {
    return {[answer_bytes](const std::string&) { return std::string(answer_bytes, 'a'); }};
  });
}

} // namespace

latency latency_of(std::vector<double> ns) {
  std::sort(ns.begin(), ns.end());
  return {ns[(ns.size() - 1) / 2], ns[(ns.size() - 1) * 99 / 100]};
}

compared_latency compare_trips(const trip& subject, const trip& baseline, std::size_t trips) {
  constexpr int rounds = 11;
  struct rounds_of {
    std::vector<double> p50;
    std::vector<double> p99;

    [[nodiscard]] latency medians() const { return {median(p50), median(p99)}; }
  };
  rounds_of subjects, baselines;
  const auto measure = [&](const trip& one, rounds_of& into, bool counted) {
    std::vector<double> ns(trips);
    std::generate(ns.begin(), ns.end(), one);
    const latency l = latency_of(std::move(ns));
    if (!counted)
      return;
    into.p50.push_back(l.p50);
    into.p99.push_back(l.p99);
  };
  for (int round = 0; round <= rounds; ++round) {
    measure(baseline, baselines, round != 0);
    measure(subject, subjects, round != 0);
  }
  return {subjects.medians(), baselines.medians()};
}

echo::echo(caf::actor_system& system, std::size_t request_bytes, std::size_t answer_bytes)
  : request_(request_bytes, 'r'),
    self_(system),
    actor_(spawn_echo(system, answer_bytes)),
    remote_(actor_) {}

echo::echo(caf::actor_system& from, caf::actor_system& to, std::size_t request_bytes,
           std::size_t answer_bytes)
  : request_(request_bytes, 'r'), self_(from), actor_(spawn_echo(to, answer_bytes)) {
  const auto port = to.middleman().publish(actor_, 0, "127.0.0.1");
  if (!port)
    throw std::runtime_error("CAF publishes no actor on loopback");
  auto there = from.middleman().remote_actor("127.0.0.1", *port);
  if (!there)
    throw std::runtime_error("CAF does not connect to an actor on loopback");
  remote_ = std::move(*there);
}

echo::~echo() { cafx::tell_to_exit(actor_); }

double echo::ask() {
  return timed([&] { (void) ask_and_wait<std::string>(self_, remote_, request_); });
}

} // namespace cmem::bench
