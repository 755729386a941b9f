#include "bench/benches.hpp"
#include "bench/round_trips.hpp"
#include "bench/served_memory.hpp"
#include "bench/wire_client.hpp"
#include "bench/workbench.hpp"
#include "tools/pacer.hpp"

#include <atomic>
#include <exception>
#include <thread>

#include <sys/resource.h>
#include <unistd.h>

namespace cmem::bench {
namespace {

constexpr std::uint32_t degree = 8;
constexpr std::size_t calm_clients = 950;
constexpr std::size_t wild_clients = 50;
constexpr std::size_t in_flight = 8; // of a wild one
constexpr double offered = 2'000;    // of all calm ones, a second

/// Finds and paths in turns, of concepts that are there.
class questions {
public:
  questions(const std::vector<concept_id>& ids, std::uint64_t seed) : ids_(ids), random_(seed) {}
  wire::request next() {
    if (++asked_ % 2 == 0)
      return msg::find{any()};
    return msg::find_path{any(), any()};
  }

private:
  const concept_id& any() { return ids_[random_.below(ids_.size())]; }

  const std::vector<concept_id>& ids_;
  tools::random_numbers random_;
  std::uint64_t asked_ = 0;
};

/// Asks at the offered rate, whatever comes back; latencies count from when a request was due.
std::vector<double> ask_calmly(wire_clients& clients, questions& ask, double seconds) {
  const auto total = static_cast<std::size_t>(offered * seconds);
  std::vector<double> ns;
  ns.reserve(total);
  const std::int64_t begin = tools::monotonic_ns();
  const auto due = [&](std::size_t i) {
    return begin + static_cast<std::int64_t>(1e9 * static_cast<double>(i) / offered);
  };
  const auto answered = [&](std::size_t, std::uint64_t id) {
    ns.push_back(static_cast<double>(tools::monotonic_ns() - due(id)));
  };
  std::size_t sent = 0;
  while (ns.size() < total) {
    const std::int64_t now = tools::monotonic_ns();
    for (; sent < total && due(sent) <= now; ++sent)
      clients.ask(sent % clients.size(), sent, ask.next());
    const std::int64_t wait = sent < total ? due(sent) - now : 1'000'000'000;
    clients.poll(std::max<std::int64_t>(wait, 0), answered);
    if (now - begin > static_cast<std::int64_t>(1e9 * (seconds + 30)))
      throw std::runtime_error("answers did not come");
  }
  return ns;
}

/// Asks as fast as answers come, with several requests of each under way, on a thread of its own.
class wild_crowd {
public:
  wild_crowd(wire_clients& clients, const std::vector<concept_id>& ids)
    : thread_([this, &clients, &ids] {
        try {
          run(clients, ids);
        } catch (...) {
          failed_ = std::current_exception();
        }
      }) {}
  ~wild_crowd() {
    if (thread_.joinable())
      end();
  }
  wild_crowd(const wild_crowd&) = delete;
  wild_crowd& operator=(const wild_crowd&) = delete;

  /// Answers that came in all.
  std::uint64_t end() {
    stop_ = true;
    thread_.join();
    return answers_;
  }
  void check() const {
    if (failed_)
      std::rethrow_exception(failed_);
  }

private:
  void run(wire_clients& clients, const std::vector<concept_id>& ids) {
    // On another machine it would take no processor from the node.
    (void) ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 15);
    questions ask(ids, 29);
    std::size_t missing = 0;
    for (std::size_t c = 0; c < clients.size(); ++c)
      for (std::size_t i = 0; i < in_flight; ++i, ++missing)
        clients.ask(c, 1, ask.next());
    while (missing != 0)
      clients.poll(100'000'000, [&](std::size_t c, std::uint64_t id) {
        ++answers_;
        if (stop_.load(std::memory_order_relaxed))
          --missing;
        else
          clients.ask(c, id + 1, ask.next());
      });
  }

  std::atomic<bool> stop_{false};
  std::uint64_t answers_ = 0; // the thread's, until it has ended
  std::exception_ptr failed_; // the same
  std::thread thread_;
};

} // namespace

outcome crowd(const options& options) {
  outcome o;
  const auto concepts =
    static_cast<std::uint32_t>(std::max<std::uint64_t>(options.scaled(100'000), 1'000));
  const double seconds = std::clamp(options.scale, 0.2, 10.0);
  node_options patient;
  patient.silence_max = std::chrono::minutes(5); // the 50 are, between bursts
  served_memory served({}, patient);
  learn_random_graph(served.memory(), concepts, degree);
  std::vector<concept_id> ids;
  for (std::uint32_t i = 0; i < concepts; ++i)
    ids.push_back(concept_id::from_name(name_of(i)));
  wire_clients calm_ones(served.port(), calm_clients);
  wire_clients wild_ones(served.port(), wild_clients);
  questions ask(ids, 3);
  tools::wake_precisely();
  (void) ask_calmly(calm_ones, ask, seconds);
  std::vector<double> before_p50, before_p99, during_p50, during_p99, burst;
  for (int round = 0; round < 15; ++round) {
    const latency before = latency_of(ask_calmly(calm_ones, ask, seconds));
    wild_crowd wild(wild_ones, ids);
    stopwatch watch;
    const latency during = latency_of(ask_calmly(calm_ones, ask, seconds));
    burst.push_back(static_cast<double>(wild.end()) / watch.seconds());
    wild.check();
    before_p50.push_back(before.p50);
    before_p99.push_back(before.p99);
    during_p50.push_back(during.p50);
    during_p99.push_back(during.p99);
  }
  const auto in_us = [](std::vector<double> ns) { return median(std::move(ns)) / 1'000; };
  o.rows.push_back({"p99 of 950 clients while 50 burst", in_us(during_p99), "us",
                    "the same without them", in_us(before_p99), ratio_at_most(1.5)});
  o.rows.push_back({"p50", in_us(during_p50), "us", "the same without them", in_us(before_p50)});
  o.rows.push_back({"answers to the 50", median(burst), "answers/s"});
  o.notes.emplace_back("950 clients ask 2,000 questions a second in all, finds and paths in turns, "
                       "at times that no answer moves; the 50 keep 8 each under way");
  o.notes.emplace_back(
    "raw sockets over loopback, two threads of this process drive them; baseline: "
    "the 950 alone, before");
  return o;
}

} // namespace cmem::bench
