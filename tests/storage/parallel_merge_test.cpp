// Two threads merge as one does: the same failures, the same indices, the same lists in the same
// order.

#include "storage/parallel_merge.hpp"
#include "tests/catch.hpp"
#include "tests/storage/builder_fixture.hpp"
#include "tests/storage/model.hpp"
#include "tests/storage/operations.hpp"

#include <array>
#include <bit>
#include <deque>
#include <new>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

using namespace cmem;
using cmem::test::builder_fixture;
using cmem::test::cid;

namespace {

void describe(std::string& text, const adjacency_list& list) {
  list.for_each_chunk([&](const adjacency_chunk& c) {
    for (std::size_t k = 0; k < c.targets.size(); ++k) {
      const association_times t = c.times_of(k);
      text += ' ' + std::to_string(c.targets[k]) + '/' + std::to_string(c.kind[k]) + '/'
              + std::to_string(c.confidence[k]) + '/' + std::to_string(c.weight[k]) + '/'
              + std::to_string(t.created) + '/' + std::to_string(t.last_used);
    }
  });
}

/// All that a snapshot has, by index and in storage order.
std::string layout_of(const graph_snapshot& s) {
  std::string text = std::to_string(s.concept_count()) + " concepts "
                     + std::to_string(s.placeholder_count()) + " placeholders "
                     + std::to_string(s.edge_count()) + " edges\n";
  for (std::uint32_t i = 0; i < s.index_count(); ++i) {
    text += std::to_string(i) + ' ' + std::to_string(s.node(i).state) + ' '
            + cmem::test::model::describe(s.at(i).copy());
    text += "out";
    describe(text, s.out(i));
    text += "\nin";
    describe(text, s.in(i));
    text += '\n';
  }
  return text;
}

/// The same of a large one, as a number.
std::uint64_t digest_of(const graph_snapshot& s) {
  std::uint64_t h = s.edge_count() * 31 + s.concept_count();
  const auto add = [&h](std::uint64_t v) { h = ((h ^ v) + (h >> 31)) * 0x9E37'79B9'7F4A'7C15ULL; };
  const auto add_list = [&](const adjacency_list& list) {
    add(list.size());
    list.for_each_chunk([&](const adjacency_chunk& c) {
      for (std::size_t k = 0; k < c.targets.size(); ++k) {
        add(c.targets[k]);
        add(c.kind[k]);
        add(std::bit_cast<std::uint32_t>(c.confidence[k]));
        add(std::bit_cast<std::uint32_t>(c.weight[k]));
        add(static_cast<std::uint64_t>(c.times_of(k).created));
        add(static_cast<std::uint64_t>(c.times_of(k).last_used));
      }
    });
  };
  for (std::uint32_t i = 0; i < s.index_count(); ++i) {
    add(hash_value(s.node(i).id) + s.node(i).state);
    add_list(s.out(i));
    add_list(s.in(i));
  }
  return h;
}

/// Without tables of ids, which no merge takes back.
std::size_t pages_of(const builder_fixture& f) {
  return f.pages.bytes_in_use() - f.pages.bytes_in_use(page_use::id_table);
}

graph_builder_options two(graph_builder_options o, std::size_t entries_min) {
  o.merge_threads = 2;
  o.parallel_entries_min = entries_min;
  return o;
}

/// A builder with one thread and one with two, fed alike.
class twins {
public:
  explicit twins(const graph_builder_options& o, std::size_t entries_min)
    : one_(o), both_(two(o, entries_min)) {}

  void tick() { one_.now = both_.now = one_.now + 7; }
  void write(const write_op& o) {
    one_.write(o);
    both_.write(o);
  }
  void write_batch(const std::vector<write_op>& ops) {
    one_.write_batch(ops);
    both_.write_batch(ops);
  }
  /// Merges and publishes; the failures, which are the same.
  std::string publish() {
    const std::string failed = merge(one_);
    REQUIRE(merge(both_) == failed);
    one_.publish_merged();
    both_.publish_merged();
    return failed;
  }
  void check() const {
    const std::string expected = layout_of(one_.newest());
    const std::string got = layout_of(both_.newest());
    if (got != expected) // as texts they are too long to print
      FAIL(cmem::test::difference(got, expected));
  }
  [[nodiscard]] std::uint64_t parts() const { return both_.builder.parallel_parts(); }
  builder_fixture& one() { return one_; }
  builder_fixture& both() { return both_; }

private:
  static std::string merge(builder_fixture& f) {
    std::string failed;
    f.builder.merge(f.entries(), [&](const write_entry& e, errc why) {
      failed += std::to_string(e.number) + ' ' + std::string(to_string(why)) + '\n';
    });
    return failed;
  }

  builder_fixture one_;
  builder_fixture both_;
};

/// Mostly associations between few concepts, some of them named, so that everything meets.
class random_writes {
public:
  explicit random_writes(std::uint32_t seed) : random_(seed) {}

  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() >> 4) % n; }
  /// `rest`: one in so many is not an association that is learned.
  write_op next(std::uint32_t concepts, std::uint32_t rest) {
    const concept_ref a = ref(concepts);
    const concept_ref b = ref(concepts);
    const auto kind = static_cast<kind_id>(below(2));
    const float x = static_cast<float>(below(4)) / 4;
    if (below(rest) != 0)
      return op::learn_association{a, b, kind, x, static_cast<float>(below(3))};
    switch (below(rest < 6 ? 24 : 12)) {
      case 0: return op::forget_concept{a};
      case 1: return op::forget_association{a, b, kind};
      case 2: return op::strengthen_association{a, b, kind, x};
      case 3: return op::record_use{a, b, kind};
      case 4:
      case 5: return op::strengthen{a, x};
      case 6: return op::record_access{a};
      case 7: return op::set_attributes{a, attributes_};
      default: return op::learn_concept{a, below(2) == 0 ? "content" : "", {}, x, x};
    }
  }

private:
  concept_ref ref(std::uint32_t concepts) {
    // The lower half of them is met more often.
    const std::uint32_t n = below(2) == 0 ? below(concepts) : below(concepts / 2 + 1);
    if (n % 5 != 0 || below(4) != 0)
      return cid(n);
    return {cid(n), below(40) == 0 ? "another name" : "a name"};
  }

  std::minstd_rand random_;
  std::array<attribute_update, 1> attributes_{attribute_update{"key", std::string_view("value")}};
};

} // namespace

TEST_CASE("two threads merge batches of any operations as one does") {
  std::uint64_t parts = 0;
  const std::size_t rounds = cmem::test::sweep(250);
  for (std::size_t round = 0; round < rounds; ++round) {
    INFO("round " << round);
    random_writes random(static_cast<std::uint32_t>(round) + 1);
    graph_builder_options o;
    o.association_times = random.below(2) == 0;
    o.track_changes = random.below(2) == 0;
    o.strength_half_life = random.below(2) == 0 ? 0 : 1'000;
    if (random.below(4) == 0)
      o.degree_max = 3 + random.below(random.below(2) == 0 ? 30 : 300);
    if (random.below(4) == 0)
      o.concepts_max = 20 + random.below(200);
    twins t(o, 1 + random.below(40));
    const std::uint32_t concepts = 5 + random.below(150);
    const std::uint32_t rest = 2 + random.below(60);
    const graph_snapshot* held = nullptr;
    std::string held_text;
    for (int batch = 0; batch < 4; ++batch) {
      for (std::uint32_t n = random.below(600); n > 0; --n) {
        t.tick();
        if (random.below(100) == 0) {
          std::vector<write_op> ops;
          for (std::uint32_t k = 1 + random.below(60); k > 0; --k)
            ops.push_back(random.next(concepts, rest));
          t.write_batch(ops);
        } else {
          t.write(random.next(concepts, rest));
        }
      }
      (void) t.publish();
      t.check();
      if (batch == 1) {
        (void) t.one().hold(); // so that both free the same
        held = &t.both().hold();
        held_text = layout_of(*held);
      }
    }
    CHECK(layout_of(*held) == held_text); // R2
    if (o.track_changes) {
      auto changes = t.one().builder.take_changes();
      auto same = t.both().builder.take_changes();
      CHECK(changes.records == same.records);
      CHECK(changes.lists == same.lists);
      CHECK(changes.forgotten == same.forgotten);
    }
    parts += t.parts();
  }
  CHECK(parts > rounds);
}

TEST_CASE("two threads merge large batches as one does, hubs and repeats included") {
  twins t({}, 5'000);
  random_writes random(7);
  constexpr std::uint32_t concepts = 20'000;
  constexpr std::uint32_t hubs = 3;
  for (int batch = 0; batch < 3; ++batch) {
    for (std::uint32_t n = 0; n < 45'000; ++n) {
      const auto kind = static_cast<kind_id>(random.below(3));
      const float x = static_cast<float>(random.below(3)) / 4;
      std::uint32_t source = random.below(concepts);
      std::uint32_t target = random.below(concepts);
      if (n % 4 == 0) // a third of the batch is repeated: they have all others for neighbors
        source = random.below(hubs);
      if (n % 4 == 1 || n % 64 == 0)
        target = random.below(hubs);
      t.write(op::learn_association{cid(source), cid(target), kind, x, 2 * x});
      if (n % 50 == 0)
        t.write(op::learn_concept{cid(random.below(concepts)), "content"});
    }
    CHECK(t.publish().empty());
    CHECK(digest_of(t.both().newest()) == digest_of(t.one().newest()));
  }
  const auto longest = [&](std::uint32_t n) {
    const graph_snapshot& s = t.both().newest();
    const auto i = s.index_of(cid(n));
    return i ? std::min(s.out(*i).size(), s.in(*i).size()) : 0;
  };
  t.write(op::learn_concept{cid(0)});
  CHECK(t.publish().empty());
  CHECK(longest(0) > hub_degree_min); // or the test missed its point
  CHECK(t.parts() >= 9);
}

TEST_CASE("a merge by two threads that throws is taken back") {
  bool refuses = false;
  int calls = 0;
  graph_builder_options o = two({}, 100);
  o.on_apply = [&](const write_entry&) {
    if (refuses && ++calls == 700)
      throw std::runtime_error("on purpose");
  };
  builder_fixture f(o);
  random_writes random(3);
  for (int i = 0; i < 1'000; ++i)
    f.write(random.next(100, 1'000'000));
  (void) f.publish();
  const std::string before = layout_of(f.newest());
  refuses = true;
  for (int i = 0; i < 1'000; ++i)
    f.write(random.next(200, 1'000'000));
  CHECK_THROWS_AS(f.merge(), std::runtime_error);
  f.discard();
  f.write(op::forget_concept{cid(1'000'000)}); // publishes what there was
  (void) f.publish();
  CHECK(layout_of(f.newest()) == before);
}

TEST_CASE("an arena that is used up by two threads loses nothing") {
  builder_fixture f(two({}, 500), std::size_t{8} << 20);
  random_writes random(5);
  std::size_t thrown = 0;
  std::uint64_t before = digest_of(f.newest());
  std::size_t pages = pages_of(f);
  for (int batch = 0; thrown < 3; ++batch) {
    REQUIRE(batch < 1'000);
    for (int i = 0; i < 2'000; ++i)
      f.write(op::learn_association{cid(random.below(2'000)), cid(random.below(2'000)),
                                    static_cast<kind_id>(batch % 50)});
    try {
      (void) f.merge();
    } catch (const std::bad_alloc&) {
      f.discard();
      ++thrown;
      CHECK(pages_of(f) == pages);
      CHECK(digest_of(f.newest()) == before);
      continue;
    }
    f.publish_merged();
    before = digest_of(f.newest());
    pages = pages_of(f);
  }
  CHECK(f.builder.parallel_parts() > 3);
}

TEST_CASE("two threads stay within a budget") {
  graph_builder_options o = two({}, 2'000);
  o.memory_budget_bytes = std::size_t{48} << 20;
  builder_fixture f(o);
  random_writes random(9);
  std::size_t refused = 0;
  for (int batch = 0; refused == 0; ++batch) {
    REQUIRE(batch < 1'000);
    for (int i = 0; i < 4'000; ++i)
      f.write(op::learn_association{cid(random.below(5'000)), cid(random.below(5'000)),
                                    static_cast<kind_id>(batch)});
    for (const errc why : f.publish()) {
      CHECK(why == errc::memory_budget);
      ++refused;
    }
  }
  CHECK(f.builder.parallel_parts() > 0);
  CHECK(f.builder.bytes_in_use() < o.memory_budget_bytes + o.memory_budget_bytes / 8);
}
