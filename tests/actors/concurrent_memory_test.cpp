#include "actors/concurrent_memory.hpp"

#include "actors/handles.hpp"
#include "messages/errors.hpp"
#include "tests/catch.hpp"

#include <caf/scoped_actor.hpp>

#include <atomic>
#include <future>
#include <latch>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace cmem;
using namespace std::chrono_literals;

namespace {

config small() {
  config c;
  c.arena_bytes = std::uint64_t{1} << 30;
  c.log = [](log_level, std::string_view) {};
  return c;
}

std::unique_ptr<concurrent_memory> opened(result<std::unique_ptr<concurrent_memory>> r) {
  if (!r)
    FAIL(to_string(r.error()));
  return std::move(r).value();
}

template <class T>
T good(result<T> r) {
  if (!r)
    FAIL(to_string(r.error()));
  return std::move(r).value();
}

bool applied(const concurrent_memory& m, const ticket& t) {
  const auto s = m.await_visible(t, 30s);
  return s && s->what == fate::applied;
}

/// A request from a plain thread, with a deadline.
template <class T, class Handle, class Message>
result<T> ask(caf::actor_system& system, const Handle& to, Message m) {
  caf::scoped_actor self{system};
  std::optional<result<T>> got;
  self->request(to, 30s, std::move(m))
    .receive([&](T& value) { got.emplace(std::move(value)); },
             [&](const caf::error& e) { got.emplace(to_failure(e)); });
  return *got;
}

} // namespace

TEST_CASE("every call of the facade, on a memory of its own") {
  auto c = small();
  c.vector_dimension = 2;
  const auto memory = opened(concurrent_memory::open(c));
  const auto kind = good(memory->register_kind("part of"));
  CHECK(memory->known_kinds().name_of(kind) == "part of");
  const std::vector<float> v{1.0F, 0.0F};
  good(memory->learn_concept("a", "alpha", v, 2.0F, 0.5F));
  good(memory->learn_concept(concept_id::from_name("b"), "beta"));
  good(memory->learn_concept("c"));
  good(memory->learn_association("a", "b", kind, 0.5F, 2.0F));
  good(memory->learn_association("b", "c", kinds::causal, 0.5F));
  good(memory->learn_association("c", "a"));
  good(memory->strengthen("a", -0.5F));
  good(memory->strengthen("a", "b", kind, 1.0F));
  good(memory->record_access("a"));
  good(memory->record_use("a", "b", kind));
  const std::vector<attribute_update> attributes{{"k", "v"}};
  good(memory->set_attributes("a", attributes));
  good(memory->forget_association("c", "a"));
  good(memory->write(op::learn_concept{"d"}));
  const std::vector<write_op> batch{op::forget_concept{"d"}, op::learn_concept{"e"}};
  REQUIRE(applied(*memory, good(memory->learn_batch(batch))));

  const auto a = good(memory->query_concept("a"));
  CHECK(a.content == "alpha");
  CHECK(a.strength == 1.5F);
  CHECK(a.access_count == 1);
  CHECK(a.attributes.size() == 1);
  CHECK(good(memory->query_neighbors("a"))
        == std::vector<neighbor_record>{{concept_id::from_name("b"), kind, 0.5F, 3.0F}});
  CHECK(good(memory->query_neighbors("c", {}, direction::incoming)).size() == 1);
  CHECK(good(memory->query_neighbors("c")).empty());
  const auto path = good(memory->find_path("a", "c"));
  REQUIRE(path.has_value());
  CHECK(path->hops.size() == 2);
  CHECK(path->confidence == 0.25);
  CHECK(!good(memory->find_path("a", "c", 1)).has_value());
  CHECK(memory->query_concept("d").error().code == errc::not_found);
  CHECK(memory->snapshot()->concept_count() == 4);
  CHECK(memory->share()->edge_count() == 2);

  const auto stats = memory->stats();
  CHECK(stats.write_log.written == 15);
  CHECK(stats.write_log.pending == 0);
  CHECK(stats.reconciler.entries_processed == 15);
  CHECK(stats.reconciler.reconciliations >= 1);
  CHECK(stats.snapshot.concept_count == 4);
  CHECK(stats.snapshot.edge_count == 2);
  CHECK(stats.snapshot.sequence == 15);
  CHECK(stats.snapshot.timestamp > 0);
  CHECK(stats.memory.total > 0);
  CHECK(memory->health().healthy);
}

TEST_CASE("an interval of its own pace makes entries visible without an await") {
  const auto memory = opened(concurrent_memory::open(small()));
  const auto t = good(memory->learn_concept("a"));
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (!memory->snapshot()->covers(t) && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  CHECK(memory->snapshot()->covers(t));
}

TEST_CASE("on_settled calls back once, from whichever thread knows") {
  const auto memory = opened(concurrent_memory::open(small()));
  std::promise<settlement> promise;
  memory->on_settled(good(memory->learn_concept("a")),
                     [&](settlement s) { promise.set_value(s); }); // twice would throw
  auto future = promise.get_future();
  REQUIRE(future.wait_for(30s) == std::future_status::ready);
  CHECK(future.get().what == fate::applied);
}

TEST_CASE("two memories in one actor system know nothing of each other") {
  caf::actor_system_config settings;
  caf::actor_system host{settings};
  const auto one = opened(concurrent_memory::open(host, small()));
  const auto two = opened(concurrent_memory::open(host, small()));
  const auto t1 = good(one->learn_concept("shared name", "in one"));
  const auto t2 = good(two->learn_concept("shared name", "in two"));
  CHECK(applied(*one, t1));
  CHECK(applied(*two, t2));
  CHECK(good(one->query_concept("shared name")).content == "in one");
  CHECK(good(two->query_concept("shared name")).content == "in two");
  CHECK(good(two->await_visible(t1)).what == fate::unknown);
  one->close();
  CHECK(applied(*two, good(two->learn_concept("after the other closed"))));
  CHECK(good(ask<concept_record>(host, two->actors().reader_pool,
                                 msg::find{concept_id::from_name("shared name")}))
          .content
        == "in two");
}

TEST_CASE("a memory in a host's system with default settings, by message") {
  caf::actor_system_config settings;
  caf::actor_system host{settings};
  const auto memory = opened(concurrent_memory::open(host, small()));
  const auto handles = memory->actors();
  for (int i = 0; i < 50; ++i) {
    const auto name = std::to_string(i);
    const auto t =
      good(ask<ticket>(host, handles.writer, msg::learn_concept{name, "x", {}, 1.0F, 1.0F}));
    CHECK(good(ask<settlement>(host, handles.writer, msg::await_visible{t})).what == fate::applied);
    CHECK(
      good(ask<concept_record>(host, handles.reader_pool, msg::find{concept_id::from_name(name)}))
        .name
      == name);
  }
  // A host that waits for its own actors does not wait for ours.
  host.await_all_actors_done();
}

TEST_CASE("a killed reconciler with a thread of its own loses nothing") {
  caf::actor_system_config settings;
  caf::actor_system host{settings};
  const auto memory = opened(concurrent_memory::open(host, small()));
  for (int i = 0; i < 20; ++i) {
    const auto t = good(memory->learn_concept(std::to_string(i)));
    caf::anon_send_exit(memory->actors().reconciler, caf::exit_reason::kill);
    REQUIRE(applied(*memory, t));
  }
  CHECK(memory->snapshot()->concept_count() == 20);
}

TEST_CASE("closing drains what is pending, and says so once and for all") {
  auto c = small();
  c.reconcile_interval_ms = 100; // long enough for all to be pending still
  c.max_batch_size = 10;
  const auto memory = opened(concurrent_memory::open(c));
  std::vector<ticket> tickets;
  for (int i = 0; i < 1'000; ++i)
    tickets.push_back(good(memory->learn_concept(std::to_string(i))));
  const auto fails = good(memory->strengthen("nobody", 1.0F));
  const auto report = memory->close();
  CHECK(report.left == 0);
  for (const auto& t : tickets)
    REQUIRE(memory->snapshot()->covers(t));
  CHECK(memory->snapshot()->outcome(fails).what == fate::failed);
  CHECK(memory->close() == report);
  CHECK(memory->learn_concept("late").error().code == errc::closed);
  CHECK(memory->learn_batch(std::vector<write_op>{op::learn_concept{"late"}}).error().code
        == errc::closed);
  CHECK(memory->register_kind("late").error().code == errc::closed);
  CHECK(good(memory->query_concept("7")).name == "7"); // reads go on
  CHECK(good(memory->await_visible(tickets.back(), 0s)).what == fate::applied);
}

TEST_CASE("closing under load: every ticket is settled, every late write is refused") {
  for (std::size_t round = 0; round < test::sweep(5); ++round) {
    const auto memory = opened(concurrent_memory::open(small()));
    constexpr int writers = 3;
    std::latch started(writers + 1);
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> taken{0};
    std::atomic<std::uint64_t> odd{0};
    std::vector<std::thread> threads;
    for (int w = 0; w < writers; ++w)
      threads.emplace_back([&, w] {
        started.arrive_and_wait();
        std::vector<ticket> mine;
        for (int i = 0;; ++i) {
          const auto t = memory->learn_concept(std::to_string(w) + "/" + std::to_string(i % 5'000));
          if (!t) {
            odd += t.error().code == errc::closed ? 0 : 1;
            break;
          }
          mine.push_back(*t);
        }
        for (const auto& t : mine) {
          const auto s = memory->await_visible(t, 30s);
          odd +=
            s && (s->what == fate::applied || s->what == fate::dropped || s->what == fate::unknown)
              ? 0
              : 1;
        }
        taken += mine.size();
      });
    std::thread reader([&] {
      started.arrive_and_wait();
      while (!stop)
        static_cast<void>(memory->find_path("0/1", "1/1"));
    });
    while (memory->stats().snapshot.concept_count < 100)
      std::this_thread::yield();
    const auto report = memory->close();
    for (auto& t : threads)
      t.join();
    stop = true;
    reader.join();
    CHECK(report.left == 0);
    CHECK(odd == 0);
    const auto stats = memory->stats();
    CHECK(stats.write_log.written == taken);
    CHECK(stats.write_log.written == stats.reconciler.entries_processed + stats.write_log.dropped);
    CHECK(stats.write_log.pending == 0);
  }
}

TEST_CASE("closing from several threads at once") {
  const auto memory = opened(concurrent_memory::open(small()));
  good(memory->learn_concept("a"));
  std::vector<std::future<close_report>> reports;
  for (int i = 0; i < 4; ++i)
    reports.push_back(std::async(std::launch::async, [&] { return memory->close(); }));
  const auto first = reports[0].get();
  for (std::size_t i = 1; i < reports.size(); ++i)
    CHECK(reports[i].get() == first);
}

TEST_CASE("awaits that are open when the memory closes resolve, once each") {
  const auto memory = opened(concurrent_memory::open(small()));
  std::vector<int> calls(1'000, 0);
  std::atomic<int> odd{0};
  for (std::size_t i = 0; i < calls.size(); ++i)
    memory->on_settled(good(memory->learn_concept(std::to_string(i))), [&, i](settlement s) {
      ++calls[i];
      odd += s.what == fate::applied ? 0 : 1;
    });
  memory->close();
  CHECK(calls == std::vector<int>(calls.size(), 1));
  CHECK(odd == 0);
}

TEST_CASE("snapshots outlive the memory") {
  auto memory = opened(concurrent_memory::open(small()));
  REQUIRE(applied(*memory, good(memory->learn_concept("a", "content"))));
  const auto guard = memory->snapshot();
  const auto handle = memory->share();
  memory.reset();
  CHECK(guard->find(concept_id::from_name("a"))->content() == "content");
  CHECK(handle->find(concept_id::from_name("a"))->content() == "content");
}

TEST_CASE("many memories open and close in a row") {
  for (std::size_t i = 0; i < test::sweep(30); ++i) {
    concurrent_memory memory(small());
    good(memory.learn_concept("a"));
  }
}

TEST_CASE("many memories come and go in one host's system, which ends with them") {
  caf::actor_system_config settings;
  caf::actor_system host{settings};
  for (std::size_t i = 0; i < test::sweep(30); ++i) {
    const auto memory = opened(concurrent_memory::open(host, small()));
    good(memory->learn_concept("a"));
    caf::anon_send(memory->actors().writer, msg::record_access{"a"});
  }
}

TEST_CASE("what happens is told to the sink") {
  std::mutex mutex;
  std::vector<std::string> lines;
  auto c = small();
  c.log = [&](log_level level, std::string_view text) {
    const std::lock_guard lock(mutex);
    lines.push_back(std::string(to_string(level)) + " " + std::string(text));
  };
  opened(concurrent_memory::open(c))->close();
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "info opened");
  CHECK(lines[1] == "info closed: 0 pending entries drained, 0 of them failed, 0 left");
}
