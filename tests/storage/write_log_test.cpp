#include "storage/write_log.hpp"

#include "storage/attribute_codec.hpp"
#include "storage/limits.hpp"
#include "tests/counted_news.hpp"
#include "tests/storage/write_log_fixture.hpp"

#include <cstring>
#include <latch>
#include <thread>

using namespace cmem;
using test::log_fixture;
using test::news;

namespace {

std::string_view text_of(const log_fixture& f, handle h) {
  const auto bytes = f.pool.bytes(h);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace

TEST_CASE("what is appended is drained in order") {
  log_fixture f(100);
  CHECK(f.drain().empty());
  f.append(1, 5);
  CHECK(f.counters() == "written 5 dropped 0 rejected 0 pending 5");
  CHECK(f.drain(2) == "1 2");
  CHECK(f.drain() == "3 4 5");
  CHECK(f.counters() == "written 5 dropped 0 rejected 0 pending 0");
}

TEST_CASE("tickets of a thread are ordered and name log and writer") {
  log_fixture f(100);
  CHECK(f.append(1).value() == ticket{1, 0, 7});
  CHECK(f.append(2).value() == ticket{2, 0, 7});
  CHECK(f.append_batch(3, 3).value() == ticket{3, 0, 7});
  CHECK(f.append(4).value() == ticket{4, 0, 7});
  ticket other;
  std::thread([&] { other = f.append(5).value(); }).join();
  CHECK(other == ticket{1, 1, 7});
  std::thread([&] { other = f.append(6).value(); }).join(); // the slot goes on counting
  CHECK(other == ticket{2, 1, 7});
}

TEST_CASE("every operation arrives as it was given") {
  log_fixture f(100);
  const std::vector<float> vector{1.0F, -2.0F};
  const std::vector<attribute_update> attributes{{"k", "v"}, {"gone", std::nullopt}};
  const concept_id a = concept_id::from_name("a");
  const concept_id b = concept_id::from_name("b");
  const std::vector<write_op> ops{op::learn_concept{"a", "text", vector, 2.0F, 0.5F},
                                  op::learn_association{a, "b", 3, 0.25F, 4.0F},
                                  op::strengthen{a, -1.0F},
                                  op::strengthen_association{a, b, 2, 8.0F},
                                  op::record_access{a},
                                  op::record_use{a, b, 1},
                                  op::set_attributes{a, attributes},
                                  op::forget_concept{b},
                                  op::forget_association{b, a, 4}};
  for (const auto& o : ops) // by their own overloads, then as write_op
    REQUIRE(std::visit([&](const auto& one) { return f.log->append(one, 10); }, o));
  for (const auto& o : ops)
    REQUIRE(f.log->append(o, 20));

  drained_batch batch;
  f.log->drain_batch(100, batch);
  REQUIRE(batch.entries.size() == 2 * ops.size());
  CHECK(batch.oldest_time == 10);
  for (std::size_t i = 0; i < batch.entries.size(); ++i) {
    const write_entry& e = f.log->entry(batch.entries[i]);
    CHECK(e.op == static_cast<entry_op>(i % ops.size()));
    CHECK(e.time == (i < ops.size() ? 10 : 20));
    CHECK(e.number == i + 1);
    CHECK(e.batch_count == 1);
    CHECK(e.next == 0);
    const auto is = [&](const concept_id& first, const concept_id& second, kind_id kind, float x,
                        float y) {
      return e.a == first && e.b == second && e.kind == kind && e.x == x && e.y == y;
    };
    switch (e.op) {
      case entry_op::learn_concept:
        CHECK(is(a, {}, 0, 2.0F, 0.5F));
        CHECK(text_of(f, e.name_a) == "a");
        CHECK(text_of(f, e.content) == "text");
        CHECK(std::memcmp(f.pool.data(e.vector), vector.data(), 8) == 0);
        CHECK(f.pool.size(e.vector) == 8);
        break;
      case entry_op::learn_association:
        CHECK(is(a, b, 3, 0.25F, 4.0F));
        CHECK(e.name_a == 0);
        CHECK(text_of(f, e.name_b) == "b");
        break;
      case entry_op::strengthen: CHECK(is(a, {}, 0, -1.0F, 0)); break;
      case entry_op::strengthen_association: CHECK(is(a, b, 2, 8.0F, 0)); break;
      case entry_op::record_access: CHECK(is(a, {}, 0, 0, 0)); break;
      case entry_op::record_use: CHECK(is(a, b, 1, 0, 0)); break;
      case entry_op::set_attributes: {
        CHECK(is(a, {}, 0, 0, 0));
        attribute_reader reader(f.pool.bytes(e.attributes));
        attribute_update u;
        CHECK((reader.next(u) && u.key == "gone" && !u.value));
        CHECK((reader.next(u) && u.key == "k" && u.value == "v"));
        break;
      }
      case entry_op::forget_concept: CHECK(is(b, {}, 0, 0, 0)); break;
      case entry_op::forget_association: CHECK(is(b, a, 4, 0, 0)); break;
      case entry_op::forget_if_due: FAIL("not one of ops"); break;
    }
  }
  f.log->release(batch);
  CHECK(batch.entries.empty());
  CHECK(f.pool.bytes_in_use() == 0);
}

TEST_CASE("a payload that was taken out of its entry is not given back with it") {
  log_fixture f(100);
  REQUIRE(f.log->append(op::learn_concept{"a", "text"}, 1));
  drained_batch batch;
  f.log->drain_batch(1, batch);
  const handle kept = std::exchange(f.log->entry(batch.entries[0]).content, 0);
  f.log->release(batch);
  CHECK(f.pool.bytes_in_use() == payload_pool::block_bytes(4));
  CHECK(text_of(f, kept) == "text");
}

TEST_CASE("W3: drop_oldest discards the oldest and counts it") {
  log_fixture f(3);
  f.append(1, 5);
  CHECK(f.counters() == "written 5 dropped 2 rejected 0 pending 3");
  const std::size_t full = f.pool.bytes_in_use();
  REQUIRE(f.append(6));
  CHECK(f.pool.bytes_in_use() == full);
  CHECK(f.drain() == "4 5 6");
  CHECK(f.counters() == "written 6 dropped 3 rejected 0 pending 0");
  CHECK(f.pool.bytes_in_use() == 0);
  CHECK(f.append(7).value().number == 7);
}

TEST_CASE("W3: reject refuses the new one and drops nothing") {
  log_fixture f(3, overflow_policy::reject);
  f.append(1, 3);
  const std::size_t full = f.pool.bytes_in_use();
  for (int i = 0; i < 2; ++i)
    CHECK(f.append(9).error() == failure{errc::overloaded, "write log full"});
  CHECK(f.pool.bytes_in_use() == full);
  CHECK(f.counters() == "written 3 dropped 0 rejected 2 pending 3");
  CHECK(f.drain(1) == "1");
  CHECK(f.append(4).value().number == 4); // refusals took no numbers
  CHECK(f.drain() == "2 3 4");
}

TEST_CASE("W8: a batch is drained whole, and comes alone when it is too large") {
  log_fixture f(100);
  REQUIRE(f.append(1));
  REQUIRE(f.append_batch(3, 2));
  REQUIRE(f.append(3));
  REQUIRE(f.append_batch(10, 4));
  REQUIRE(f.append(5));
  CHECK(f.counters() == "written 16 dropped 0 rejected 0 pending 16");
  CHECK(f.drain(3) == "1");
  CHECK(f.counters() == "written 16 dropped 0 rejected 0 pending 15");
  CHECK(f.drain(4) == "2x3 3");
  CHECK(f.drain(5) == "4x10");
  CHECK(f.drain(5) == "5");
  CHECK(f.counters() == "written 16 dropped 0 rejected 0 pending 0");
  CHECK(f.pool.bytes_in_use() == 0);
}

TEST_CASE("W8: the members of a batch, in order, share number and time") {
  log_fixture f(100);
  REQUIRE(f.append(1));
  const std::vector<write_op> ops{op::learn_concept{"a", "1"}, op::learn_concept{"b", "2"},
                                  op::learn_association{"a", "b"}};
  REQUIRE(f.log->append_batch(ops, 5).value().number == 2);
  drained_batch batch;
  f.log->drain_batch(100, batch);
  REQUIRE(batch.entries.size() == 2);
  CHECK(batch.entry_count == 4);
  std::string seen;
  for (handle h = batch.entries[1]; h != 0; h = f.log->entry(h).next) {
    const write_entry& e = f.log->entry(h);
    CHECK(e.number == 2);
    CHECK(e.time == 5);
    seen += e.content != 0 ? text_of(f, e.content) : "-";
  }
  CHECK(seen == "12-");
  f.log->release(batch);
  CHECK(f.pool.bytes_in_use() == 0);
}

TEST_CASE("W8: a batch is dropped whole, and drops as much as it needs") {
  log_fixture f(5);
  REQUIRE(f.append_batch(2, 1));
  f.append(2, 4);
  REQUIRE(f.append(5));
  CHECK(f.counters() == "written 6 dropped 2 rejected 0 pending 4");
  REQUIRE(f.append_batch(4, 6));
  CHECK(f.counters() == "written 10 dropped 5 rejected 0 pending 5");
  CHECK(f.drain() == "5 6x4");
}

TEST_CASE("what is appended together has tickets of its own, and is drained together") {
  log_fixture f(100);
  REQUIRE(f.append(1));
  const auto three = f.append_together(3, 2);
  REQUIRE(three);
  CHECK(*three == ticket{2, 0, 7});
  CHECK(f.append(3).value().number == 5);
  REQUIRE(f.append_together(10, 4));
  CHECK(f.append(5).value().number == 16);
  CHECK(f.log->issued({4, 0, 7}));
  CHECK(f.log->issued({16, 0, 7}));
  CHECK_FALSE(f.log->issued({17, 0, 7}));
  CHECK(f.counters() == "written 16 dropped 0 rejected 0 pending 16");
  CHECK(f.drain(3) == "1");
  CHECK(f.log->carried()->number == 2);
  CHECK(f.counters() == "written 16 dropped 0 rejected 0 pending 15");
  CHECK(f.drain(4) == "2 2 2 3");
  CHECK(f.drain(5) == "4 4 4 4 4 4 4 4 4 4");
  CHECK(f.drain(5) == "5");
  CHECK(f.log->popped() == f.log->pushed());
  CHECK(f.pool.bytes_in_use() == 0);
}

TEST_CASE("each of those appended together knows whether one follows") {
  log_fixture f(100);
  REQUIRE(f.append(1));
  REQUIRE(f.append_together(3, 2));
  REQUIRE(f.append_together(1, 3));
  REQUIRE(f.append_batch(2, 4));
  drained_batch batch;
  f.log->drain_batch(100, batch);
  std::string seen;
  for (const handle h : batch.entries) {
    const write_entry& e = f.log->entry(h);
    seen += std::to_string(e.number) + (e.goes_on != 0 ? "+ " : " ");
  }
  CHECK(seen == "1 2+ 3+ 4 5 6 ");
  CHECK(batch.entry_count == 7);
  f.log->release(batch);
}

TEST_CASE("what is appended together is dropped together, or refused") {
  log_fixture f(5);
  REQUIRE(f.append_together(2, 1));
  f.append(2, 4);
  REQUIRE(f.append(5));
  CHECK(f.counters() == "written 6 dropped 2 rejected 0 pending 4");
  CHECK(f.drain() == "2 3 4 5");
  CHECK(f.log->popped() == f.log->pushed());

  log_fixture r(5, overflow_policy::reject);
  r.append(1, 2);
  CHECK(r.append_together(4, 3).error() == failure{errc::overloaded, "write log full"});
  CHECK(r.append_together(3, 3).value().number == 3);
  CHECK(r.append_together(0, 3).error().code == errc::invalid_argument);
}

TEST_CASE("W8: a batch that does not fit is refused whole") {
  log_fixture f(5, overflow_policy::reject);
  f.append(1, 2);
  CHECK(f.append_batch(4, 3).error() == failure{errc::overloaded, "write log full"});
  CHECK(f.append_batch(6, 3).error()
        == failure{errc::overloaded, "batch has 6 operations: the write log holds 5"});
  CHECK(f.append_batch(0, 3).error()
        == failure{errc::invalid_argument, "batch is empty: must have at least 1 operation"});
  CHECK(f.counters() == "written 2 dropped 0 rejected 10 pending 2");
  CHECK(f.append_batch(3, 3).value().number == 3);
  CHECK(f.drain() == "1 2 3x3");

  log_fixture d(5);
  d.append(1, 5);
  CHECK(d.append_batch(6, 9).error().code == errc::overloaded);
  CHECK(d.counters() == "written 5 dropped 0 rejected 6 pending 5");
}

TEST_CASE("a used-up arena refuses and takes nothing") {
  log_fixture f(1000, overflow_policy::reject, 20 * span_bytes);
  const std::string content(20'000, 'c');
  result<ticket> last = f.append(1);
  std::uint64_t accepted = 0;
  for (; last; ++accepted)
    last = f.log->append(op::learn_concept{"a", content}, 2);
  CHECK(last.error() == failure{errc::out_of_memory, "arena used up"});
  const std::size_t in_use = f.pool.bytes_in_use();
  const std::string counters = f.counters();

  CHECK_FALSE(f.log->append(op::learn_concept{"a", content}, 2));
  const std::vector<write_op> ops{op::record_access{"x"}, op::learn_concept{"a", content}};
  CHECK(f.log->append_batch(ops, 2).error() == failure{errc::out_of_memory, "arena used up"});
  CHECK(f.pool.bytes_in_use() == in_use);
  CHECK(f.counters() == counters);

  (void) f.drain(2);
  const auto next = f.log->append(op::learn_concept{"a", content}, 3);
  REQUIRE(next);
  CHECK(next->number == accepted + 1);
  (void) f.drain();
  CHECK(f.balances());
}

TEST_CASE("the append that crosses half of the capacity wakes, once a drain") {
  log_fixture f(10);
  f.append(1, 4);
  CHECK(f.wakes == 0);
  REQUIRE(f.append(5));
  CHECK(f.wakes == 1);
  f.append(6, 30);
  CHECK(f.wakes == 1);
  f.log->wake(); // called already since the last drain
  CHECK(f.wakes == 1);
  (void) f.drain();
  CHECK(f.wakes == 1);
  f.log->wake();
  f.log->wake();
  CHECK(f.wakes == 2);
  f.append(1, 10);
  CHECK(f.wakes == 2);
  (void) f.drain(3); // 7 are left: no crossing
  f.append(11, 12);
  CHECK(f.wakes == 2);
  (void) f.drain();
  REQUIRE(f.append_batch(9, 1));
  CHECK(f.wakes == 3);
}

TEST_CASE("a log of one entry works, and one without on_wake") {
  arena memory(std::size_t{1} << 24);
  payload_pool pool(memory);
  write_log log(pool, {.capacity = 1});
  CHECK(log.append(op::record_access{"a"}, 1));
  CHECK(log.append(op::record_access{"a"}, 2));
  CHECK(log.counters().dropped == 1);
  log.wake();
  log_fixture f(1, overflow_policy::reject);
  REQUIRE(f.append(1));
  CHECK(f.wakes == 1);
  CHECK_FALSE(f.append(2));
}

TEST_CASE("oldest_pending is the age that counts, never younger") {
  log_fixture f(10);
  CHECK(f.log->oldest_pending() == 0);
  f.append(101, 105);
  CHECK(f.log->oldest_pending() == 101);
  CHECK(f.drain(2) == "101 102");
  CHECK(f.log->oldest_pending() == 102); // of the last drained: a little before 103
  (void) f.drain();
  CHECK(f.log->oldest_pending() == 0);
  REQUIRE(f.append(200));
  CHECK(f.log->oldest_pending() == 200);
  f.append(201, 211); // drops 200 and 201
  CHECK(f.log->oldest_pending() == 201);
  (void) f.drain();
  REQUIRE(f.append(300));
  REQUIRE(f.append_batch(5, 301));
  CHECK(f.drain(3) == "300"); // the batch is in hand, and still pending
  CHECK(f.log->oldest_pending() == 300);
  f.log->close();
  CHECK(f.log->oldest_pending() == 300);
  (void) f.drain();
  CHECK(f.log->oldest_pending() == 0);
}

TEST_CASE("pushed and popped count log elements") {
  log_fixture f(4);
  f.append(1, 2);
  REQUIRE(f.append_batch(2, 3));
  CHECK(f.log->pushed() == 3);
  CHECK(f.log->popped() == 0);
  f.append(4, 5); // drops 1 and 2
  CHECK(f.log->popped() == 2);
  CHECK(f.drain(1) == "3x2");
  CHECK(f.log->popped() == 3);
  CHECK(f.drain() == "4 5");
  CHECK(f.log->popped() == f.log->pushed());
}

TEST_CASE("after close() nothing is accepted, and what is queued can be drained") {
  log_fixture f(10);
  f.append(1, 3);
  f.log->close();
  f.log->close();
  CHECK(f.append(4).error() == failure{errc::closed, "memory closed"});
  CHECK(f.append_batch(2, 4).error() == failure{errc::closed, "memory closed"});
  CHECK_FALSE(f.log->appends_in_flight());
  CHECK(f.counters() == "written 3 dropped 0 rejected 0 pending 3");
  CHECK(f.drain() == "1 2 3");
  CHECK(f.pool.bytes_in_use() == 0);
}

TEST_CASE("the destructor gives back what was not drained") {
  log_fixture f(100);
  f.append(1, 3);
  REQUIRE(f.append_batch(5, 4));
  REQUIRE(f.log->append(op::learn_concept{"a", "text"}, 5));
  CHECK(f.drain(4) == "1 2 3"); // the batch is carried
  f.log.reset();
  CHECK(f.pool.bytes_in_use() == 0);
}

TEST_CASE("appending calls no allocator, nor does refusing") {
  for (const auto policy : {overflow_policy::drop_oldest, overflow_policy::reject}) {
    log_fixture f(1000, policy);
    const std::string content(100, 'c');
    const std::vector<attribute_update> attributes{{"b", "1"}, {"a", "2"}};
    REQUIRE(f.append(1));
    const std::uint64_t before = news;
    std::size_t good = 0;
    for (timestamp_us i = 0; i < 2000; ++i) {
      good += f.log->append(op::learn_concept{"a", content}, i) ? 1U : 0U;
      good += f.log->append(op::learn_association{"a", "b"}, i) ? 1U : 0U;
      good += f.log->append(op::set_attributes{"a", attributes}, i) ? 1U : 0U;
    }
    CHECK(news == before);
    CHECK(good == (policy == overflow_policy::reject ? 999 : 6000));
    f.log->close();
    CHECK_FALSE(f.append(1));
    CHECK(news == before);
  }
}

TEST_CASE("at most writers_max threads append at a time; those that end make room") {
  log_fixture f(10'000);
  std::latch all_in(writers_max);
  std::latch leave(1);
  std::vector<std::thread> threads;
  std::atomic<std::size_t> good = 0;
  for (std::size_t i = 0; i < writers_max; ++i)
    threads.emplace_back([&] {
      good += f.append(1) ? 1U : 0U;
      all_in.count_down();
      leave.wait();
    });
  all_in.wait();
  CHECK(good == writers_max);
  CHECK(f.append(2).error()
        == failure{errc::limit_exceeded, "more than 1024 threads write at the same time"});
  CHECK(f.append_batch(2, 2).error().code == errc::limit_exceeded);
  leave.count_down();
  for (auto& t : threads)
    t.join();
  CHECK(f.append(3));
}
