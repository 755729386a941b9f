// What a batch's record holds: everything of every operation, and nothing that it does not say.

#include "storage/wal_batch.hpp"
#include "storage/wal_replay.hpp"
#include "tests/catch.hpp"
#include "tests/fault_inode.hpp"

#include <array>
#include <limits>
#include <memory>

using namespace cmem;

namespace {

constexpr std::uint32_t dimension = 3;

/// A log to write to, and what comes out of it as a record.
struct recorder {
  arena memory{std::size_t{64} << 20};
  payload_pool pool{memory};
  write_log log{pool, {.capacity = 1'000}};
  kind_registry kinds;

  template <class Op>
  void write(const Op& o, timestamp_us now = 1'000) {
    REQUIRE(log.append(o, now));
  }
  std::vector<std::byte> record(timestamp_us time = 5'000, std::uint32_t skipped = 0,
                                std::size_t kinds_known = 5) {
    drained_batch batch;
    log.drain_batch(1'000, batch);
    auto bytes = encode(batch, time, skipped, kinds_known);
    log.release(batch);
    return bytes;
  }
  std::vector<std::byte> encode(const drained_batch& batch, timestamp_us time,
                                std::uint32_t skipped = 0, std::size_t kinds_known = 5) {
    wal_batch_encoder to(pool, time, {});
    for (std::size_t k = kinds_known; k != kinds.size(); ++k)
      to.add({static_cast<kind_id>(k), kinds.name_of(static_cast<kind_id>(k))});
    for (const handle h : batch.entries)
      to.add(log.entry(h));
    to.skip(skipped);
    return std::move(to).finish();
  }
  result<replayed_batch> replay(const_bytes payload, drained_batch& out) {
    return replay_batch(payload, kinds, dimension, pool, out);
  }
  /// Its error, "" for none; leaves nothing in the pool.
  std::string refusal(const_bytes payload) {
    drained_batch out;
    const auto done = replay(payload, out);
    log.release(out);
    return done ? "" : to_string(done.error());
  }
};

constexpr std::array<float, dimension> vector{1.5F, -2.0F, 0.0F};
const std::array<attribute_update, 3> attributes{
  attribute_update{"colour", "green"}, {"empty", ""}, {"gone", std::nullopt}};

/// Every operation, with and without names; the learn_batch among them.
void write_all(recorder& r) {
  const concept_id id = concept_id::from_halves(7, 9);
  r.write(op::learn_concept{"a name", "content", vector, 2.5F, 0.25F}, 1'000);
  r.write(op::learn_concept{id}, -5); // before the epoch, before the entry before
  r.write(op::learn_association{id, "a name", kinds::causal, 0.5F, 3.0F},
          std::numeric_limits<timestamp_us>::max());
  r.write(op::strengthen{id, -1.0F}, std::numeric_limits<timestamp_us>::min());
  r.write(op::strengthen_association{"a name", id, kinds::temporal, 4.0F});
  r.write(op::record_access{id});
  r.write(op::record_use{id, id});
  r.write(op::set_attributes{"a name", attributes});
  const std::array<write_op, 3> batch{op::learn_concept{"b", std::string_view("\0x", 2)},
                                      op::forget_association{"b", "a name"},
                                      op::forget_concept{"b"}};
  REQUIRE(r.log.append_batch(batch, 2'000));
  r.write(op::forget_association{id, "a name", kinds::causal});
  r.write(op::forget_concept{id});
}

} // namespace

TEST_CASE("a record says everything of every operation") {
  recorder r;
  write_all(r);
  const auto bytes = r.record(5'000, 4);
  drained_batch out;
  const auto read = r.replay(bytes, out);
  REQUIRE(read);
  CHECK(read->time == 5'000);
  CHECK(read->entries == 13 + 4); // those that failed have numbers too
  CHECK(out.entries.size() == 11);
  CHECK(out.entry_count == 13);
  // The same entries make the same bytes; what those mean is checked below.
  CHECK(r.encode(out, 5'000, 4) == bytes);
  r.log.release(out);

  auto from = wal_batch_decoder::open(bytes);
  REQUIRE(from);
  wal_batch_decoder::entry e{op::record_access{concept_id{}}};
  const auto next = [&]() -> const write_op& {
    const auto more = from->next(e);
    REQUIRE(more);
    REQUIRE(*more);
    return e.op;
  };
  {
    const auto& o = std::get<op::learn_concept>(next());
    CHECK(o.id.name == "a name");
    CHECK(o.id.id == concept_id::from_name("a name"));
    CHECK(o.content == "content");
    CHECK(std::vector(o.vector.begin(), o.vector.end())
          == std::vector(vector.begin(), vector.end()));
    CHECK(o.strength == 2.5F);
    CHECK(o.confidence == 0.25F);
    CHECK(e.time == 1'000);
  }
  {
    const auto& o = std::get<op::learn_concept>(next());
    CHECK(o.id.id == concept_id::from_halves(7, 9));
    CHECK(o.id.name.empty());
    CHECK(o.content.empty());
    CHECK(o.vector.empty());
    CHECK(e.time == -5);
  }
  {
    const auto& o = std::get<op::learn_association>(next());
    CHECK(o.target.name == "a name");
    CHECK(o.kind == kinds::causal);
    CHECK(o.confidence == 0.5F);
    CHECK(o.weight == 3.0F);
    CHECK(e.time == std::numeric_limits<timestamp_us>::max());
  }
  CHECK(std::get<op::strengthen>(next()).delta == -1.0F);
  CHECK(e.time == std::numeric_limits<timestamp_us>::min());
  {
    const auto& o = std::get<op::strengthen_association>(next());
    CHECK(o.source.name == "a name");
    CHECK(o.kind == kinds::temporal);
    CHECK(o.delta == 4.0F);
    CHECK(e.time == 1'000);
  }
  CHECK(std::holds_alternative<op::record_access>(next()));
  CHECK(std::holds_alternative<op::record_use>(next()));
  {
    const auto& o = std::get<op::set_attributes>(next());
    REQUIRE(o.attributes.size() == 3);
    CHECK(o.attributes[0].value == "green");
    CHECK(o.attributes[1].value == "");
    CHECK_FALSE(o.attributes[2].value);
    CHECK(o.attributes[2].key == "gone");
  }
  CHECK(std::get<op::learn_concept>(next()).content.size() == 2);
  CHECK(e.count == 3);
  CHECK(std::holds_alternative<op::forget_association>(next()));
  CHECK(e.count == 0);
  CHECK(std::holds_alternative<op::forget_concept>(next()));
  CHECK(e.count == 0);
  CHECK(std::get<op::forget_association>(next()).kind == kinds::causal);
  CHECK(e.count == 1);
  CHECK(std::holds_alternative<op::forget_concept>(next()));
  const auto more = from->next(e);
  REQUIRE(more);
  CHECK_FALSE(*more);
}

TEST_CASE("the estimate of an operation's bytes is never too low") {
  recorder r;
  const std::vector<write_op> all{op::learn_concept{"a name", "content", vector},
                                  op::learn_association{"a", "b", 4'000},
                                  op::set_attributes{"a name", attributes}, op::strengthen{"a"},
                                  op::forget_association{"a", "b"}};
  for (const write_op& o : all) {
    r.write(o, std::numeric_limits<timestamp_us>::min());
    CHECK(r.record().size() - sizeof(wal_batch_head) <= encoded_bytes_max(o));
  }
}

TEST_CASE("kinds come with the first record that may use them") {
  recorder r;
  REQUIRE(r.kinds.add("likes"));
  REQUIRE(r.kinds.add("knows"));
  r.write(op::learn_association{"a", "b", 6});
  const auto bytes = r.record();

  recorder other;
  CHECK(other.refusal(bytes).empty());
  CHECK(other.kinds.size() == 7);
  CHECK(other.kinds.find("knows") == 6);
  CHECK(other.refusal(bytes).empty()); // known already

  recorder apart;
  REQUIRE(apart.kinds.add("hates"));
  CHECK_THAT(apart.refusal(bytes),
             Catch::Matchers::ContainsSubstring("corrupt: kind `likes` is number 6 here"));

  r.write(op::learn_association{"a", "b", 6});
  recorder without;
  CHECK_THAT(without.refusal(r.record(5'000, 0, 7)),
             Catch::Matchers::ContainsSubstring("corrupt: an entry that was never valid"));
}

TEST_CASE("a record that is cut short anywhere is refused") {
  recorder r;
  REQUIRE(r.kinds.add("likes"));
  write_all(r);
  auto bytes = r.record();
  recorder other;
  for (std::size_t n = 0; n != bytes.size(); ++n) {
    INFO("the first " << n << " bytes");
    REQUIRE_THAT(other.refusal(const_bytes(bytes).first(n)),
                 Catch::Matchers::ContainsSubstring("corrupt"));
  }
  CHECK(other.refusal(bytes).empty());
  bytes.push_back(std::byte{0});
  CHECK_THAT(other.refusal(bytes), Catch::Matchers::ContainsSubstring("bytes follow"));
}

TEST_CASE("any bytes are refused or make valid entries, and leave nothing behind") {
  recorder r;
  REQUIRE(r.kinds.add("likes"));
  write_all(r);
  const auto good = r.record();
  recorder other;
  (void) other.refusal(good);
  const std::size_t before = other.pool.bytes_in_use();
  test::splitmix random(1);
  std::size_t refused = 0;
  const std::size_t rounds = test::sweep(100'000);
  for (std::size_t i = 0; i != rounds; ++i) {
    auto bytes = good;
    for (std::uint64_t n = 1 + random.below(3); n != 0; --n)
      bytes[random.below(bytes.size())] = static_cast<std::byte>(random.next());
    const std::string why = other.refusal(bytes);
    refused += !why.empty();
    if (other.kinds.size() > 1'000)
      FAIL("kinds without end");
    REQUIRE(other.pool.bytes_in_use() == before);
  }
  CHECK(refused > rounds / 4);
  CHECK(refused < rounds);
}

TEST_CASE("what does not fit the arena is an error of its own") {
  recorder r;
  const std::string content(content_bytes_max, 'x');
  r.write(op::learn_concept{"a", content});
  const auto bytes = r.record();
  arena small(arena_bytes_min);
  payload_pool pool(small);
  while (pool.allocate(content_bytes_max) != 0) {}
  drained_batch out;
  const auto done = replay_batch(bytes, r.kinds, dimension, pool, out);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == errc::out_of_memory);
  CHECK(out.entries.empty());
}
