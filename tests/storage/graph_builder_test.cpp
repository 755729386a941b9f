// The operations of the log on versions of the graph, without log or engine.

#include "storage/graph_builder.hpp"
#include "storage/neighbors.hpp"
#include "tests/catch.hpp"
#include "tests/storage/builder_fixture.hpp"
#include "tests/storage/model.hpp"

#include <array>
#include <cmath>
#include <deque>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

using namespace cmem;
using cmem::test::builder_fixture;
using cmem::test::cid;
using cmem::test::text_of;

namespace {

/// "concepts, edges, placeholders".
std::string counts(const graph_snapshot& s) {
  return std::to_string(s.concept_count()) + " " + std::to_string(s.edge_count()) + " "
         + std::to_string(s.placeholder_count());
}

/// The one association of a list, copied.
association_link only_one_of(const adjacency_list& list) {
  REQUIRE(list.size() == 1);
  association_link link{};
  list.for_each_chunk([&link](const adjacency_chunk& c) {
    link = {c.targets[0], {c.kind[0], c.confidence[0], c.weight[0], c.times_of(0)}};
  });
  return link;
}

/// The one association of concept 1 as it lies in the snapshot, placeholders or not.
association_link only_link(const graph_snapshot& s) {
  for (std::uint32_t i = 0; i < s.index_count(); ++i)
    if (s.node(i).id == cid(1))
      return only_one_of(s.out(i));
  FAIL("concept 1 is not there");
  return {};
}

/// Without tables of ids, which no merge takes back.
std::size_t bytes_of_pages(const builder_fixture& f) {
  return f.pages.bytes_in_use() - f.pages.bytes_in_use(page_use::id_table);
}

std::size_t neighbor_count(const graph_snapshot& s, std::uint64_t n, direction d) {
  const auto found = neighbors(s, cid(n), d);
  REQUIRE(found.has_value());
  return found.value().size();
}

} // namespace

// -- W5

TEST_CASE("W5: learning a known id replaces content, vector, strength, confidence, and no more") {
  builder_fixture f({.vector_dimension = 2});
  const std::array<float, 2> vector{1.0F, 2.0F};
  const std::array<attribute_update, 1> attributes{{{"key", "value"}}};
  f.write(op::learn_concept{{cid(1), "one"}, "old", vector, 2.0F, 0.25F});
  f.write(op::learn_concept{cid(2)});
  f.write(op::learn_association{cid(1), cid(2)});
  f.write(op::set_attributes{cid(1), attributes});
  f.write(op::record_access{cid(1)});
  REQUIRE(f.publish().empty());
  const graph_snapshot& old = f.hold();
  f.now = 2'000;
  REQUIRE(f.apply(op::learn_concept{cid(1), "new", {}, 3.0F, 0.5F}) == errc::ok);
  const auto c = f.newest().find(cid(1))->copy();
  CHECK(c.content == "new");
  CHECK(c.vector.empty()); // none removes it
  CHECK(c.strength == 3.0F);
  CHECK(c.confidence == 0.5F);
  CHECK(c.created == 1'000);
  CHECK(c.last_accessed == 1'000);
  CHECK(c.access_count == 1);
  CHECK(c.name == "one");
  CHECK(c.attributes.size() == 1);
  CHECK(neighbor_count(f.newest(), 1, direction::outgoing) == 1);
  const auto before = old.find(cid(1))->copy(); // R2
  CHECK(before.content == "old");
  CHECK(before.vector == std::vector<float>{1.0F, 2.0F});
  CHECK(before.strength == 2.0F);
}

TEST_CASE("W5: learning a known (source, target, kind) replaces confidence and weight") {
  builder_fixture f;
  f.write(op::learn_association{cid(1), cid(2), kinds::causal, 0.25F, 2.0F});
  REQUIRE(f.publish().empty());
  f.now = 2'000;
  REQUIRE(f.apply(op::learn_association{cid(1), cid(2), kinds::causal, 0.5F, 3.0F}) == errc::ok);
  const auto a = only_link(f.newest());
  CHECK(a.values.confidence == 0.5F);
  CHECK(a.values.weight == 3.0F);
  const auto back = only_one_of(f.newest().in(a.target)); // the same from the other end
  CHECK(back.values.confidence == 0.5F);
  CHECK(back.values.weight == 3.0F);
  CHECK(a.values.times.created == 1'000);
  CHECK(a.values.times.last_used == 1'000);
  REQUIRE(f.apply(op::record_use{cid(1), cid(2), kinds::causal}) == errc::ok);
  CHECK(only_link(f.newest()).values.times.last_used == 2'000);
}

TEST_CASE("W5: self-loops and parallel kinds are legal, and count once each") {
  builder_fixture f;
  f.write(op::learn_concept{cid(1)});
  f.write(op::learn_concept{cid(2)});
  for (const kind_id kind : {kinds::semantic, kinds::causal, kinds::temporal}) {
    f.write(op::learn_association{cid(1), cid(1), kind});
    f.write(op::learn_association{cid(1), cid(2), kind});
  }
  REQUIRE(f.publish().empty());
  CHECK(counts(f.newest()) == "2 6 0");
  CHECK(neighbor_count(f.newest(), 1, direction::outgoing) == 6);
  CHECK(neighbor_count(f.newest(), 1, direction::incoming) == 3);
  REQUIRE(f.apply(op::forget_association{cid(1), cid(1), kinds::causal}) == errc::ok);
  CHECK(counts(f.newest()) == "2 5 0");
  REQUIRE(f.apply(op::forget_concept{cid(1)}) == errc::ok);
  CHECK(counts(f.newest()) == "1 0 0");
  CHECK(neighbor_count(f.newest(), 2, direction::incoming) == 0);
}

TEST_CASE("W5: strengthen adds, and the sum is clamped to >= 0") {
  builder_fixture f;
  f.write(op::learn_concept{cid(1), {}, {}, 1.0F});
  f.write(op::learn_association{cid(1), cid(2), kinds::semantic, 1.0F, 1.0F});
  f.write(op::strengthen{cid(1), 0.5F});
  f.write(op::strengthen_association{cid(1), cid(2), kinds::semantic, 0.5F});
  REQUIRE(f.publish().empty());
  CHECK(f.newest().find(cid(1))->strength() == 1.5F);
  CHECK(only_link(f.newest()).values.weight == 1.5F);
  f.write(op::strengthen{cid(1), -9.0F});
  f.write(op::strengthen_association{cid(1), cid(2), kinds::semantic, -9.0F});
  REQUIRE(f.publish().empty());
  CHECK(f.newest().find(cid(1))->strength() == 0.0F);
  CHECK(only_link(f.newest()).values.weight == 0.0F);
  for (int i = 0; i < 2; ++i)
    REQUIRE(f.apply(op::strengthen{cid(1), 3e38F}) == errc::ok);
  CHECK(std::isfinite(f.newest().find(cid(1))->strength()));
}

TEST_CASE("many ids are looked up as each would be") {
  builder_fixture f;
  f.write(op::learn_association{cid(1), cid(2)}); // not learned
  for (std::uint64_t n = 3; n <= 300; ++n)
    f.write(op::learn_concept{cid(n)});
  f.write(op::forget_concept{cid(200)});
  REQUIRE(f.publish().empty());
  for (const std::uint64_t count : {0U, 1U, 7U, 8U, 9U, 31U, 320U}) {
    std::vector<concept_id> ids;
    for (std::uint64_t n = count; n > 0; --n) {
      ids.push_back(cid(n));
      if (n % 5 == 0)
        ids.push_back(cid(n / 5)); // twice
    }
    std::vector<std::uint32_t> expected{7, 7};
    for (const concept_id& id : ids)
      if (const auto index = f.newest().index_of(id))
        expected.push_back(*index);
    std::vector<std::uint32_t> found{7, 7}; // stay
    f.newest().append_indices(ids, found);
    CHECK(found == expected);
  }
}

// -- W6

TEST_CASE("W6: ends of associations are placeholders, absent from everything until learned") {
  builder_fixture f;
  f.write(op::learn_concept{cid(1)});
  f.write(op::learn_association{cid(1), {cid(2), "two"}});
  f.write(op::learn_association{cid(3), cid(1)});
  f.write(op::learn_association{cid(2), cid(3)});
  REQUIRE(f.publish().empty());
  CHECK(counts(f.newest()) == "1 0 2");
  CHECK_FALSE(f.newest().find(cid(2)));
  CHECK_FALSE(f.newest().index_of(cid(3)));
  CHECK(neighbor_count(f.newest(), 1, direction::outgoing) == 0);
  CHECK(neighbor_count(f.newest(), 1, direction::incoming) == 0);
  CHECK(neighbors(f.newest(), cid(2)).error().code == errc::not_found);
  CHECK(f.apply(op::strengthen{cid(2), 1.0F}) == errc::not_found);
  CHECK(f.apply(op::record_access{cid(2)}) == errc::not_found);
  f.now = 2'000;
  REQUIRE(f.apply(op::learn_concept{cid(2), "now"}) == errc::ok);
  CHECK(counts(f.newest()) == "2 1 1");
  CHECK(f.newest().find(cid(2))->name() == "two"); // kept since the association
  CHECK(f.newest().find(cid(2))->created() == 2'000);
  CHECK(neighbor_count(f.newest(), 1, direction::outgoing) == 1);
  REQUIRE(f.apply(op::learn_concept{cid(3)}) == errc::ok);
  CHECK(counts(f.newest()) == "3 3 0");
}

TEST_CASE("W6: forgetting removes associations in both directions, pending ones too") {
  builder_fixture f;
  for (std::uint64_t n = 1; n <= 3; ++n)
    f.write(op::learn_concept{cid(n)});
  f.write(op::learn_association{cid(1), cid(2)});
  f.write(op::learn_association{cid(3), cid(1)});
  f.write(op::learn_association{cid(1), cid(9)}); // 9 is a placeholder, needed by this alone
  f.write(op::learn_association{cid(8), cid(1)});
  f.write(op::learn_association{cid(8), cid(2)}); // 8 is needed by this one too
  REQUIRE(f.publish().empty());
  CHECK(counts(f.newest()) == "3 2 2");
  REQUIRE(f.apply(op::forget_concept{cid(1)}) == errc::ok);
  CHECK(counts(f.newest()) == "2 0 1");
  CHECK(neighbor_count(f.newest(), 2, direction::incoming) == 0);
  CHECK(neighbor_count(f.newest(), 3, direction::outgoing) == 0);
  REQUIRE(f.apply(op::forget_concept{cid(8)}) == errc::ok); // a placeholder
  CHECK(counts(f.newest()) == "2 0 0");
  CHECK(f.apply(op::forget_concept{cid(77)}) == errc::ok); // unknown: no effect
}

TEST_CASE("W6: a forgotten concept learned again starts anew") {
  builder_fixture f;
  const std::array<attribute_update, 1> attributes{{{"key", "value"}}};
  f.write(op::learn_concept{{cid(1), "one"}, "old"});
  f.write(op::learn_concept{cid(2)});
  f.write(op::learn_association{cid(1), cid(2)});
  f.write(op::set_attributes{cid(1), attributes});
  f.write(op::record_access{cid(1)});
  REQUIRE(f.publish().empty());
  const bool in_one_version = GENERATE(true, false);
  f.now = 2'000;
  f.write(op::forget_concept{cid(1)});
  if (!in_one_version)
    REQUIRE(f.publish().empty());
  f.write(op::learn_concept{{cid(1), "another name"}, "new"});
  REQUIRE(f.publish().empty());
  const auto c = f.newest().find(cid(1))->copy();
  CHECK(c.name == "another name");
  CHECK(c.content == "new");
  CHECK(c.created == 2'000);
  CHECK(c.access_count == 0);
  CHECK(c.attributes.empty());
  CHECK(counts(f.newest()) == "2 0 0");
}

TEST_CASE("W6: forgetting the last association of a placeholder forgets the placeholder") {
  builder_fixture f;
  f.write(op::learn_association{{cid(1), "one"}, cid(2)});
  f.write(op::learn_association{cid(1), cid(2), kinds::causal});
  REQUIRE(f.publish().empty());
  REQUIRE(f.apply(op::forget_association{cid(1), cid(2)}) == errc::ok);
  CHECK(counts(f.newest()) == "0 0 2");
  REQUIRE(f.apply(op::forget_association{cid(1), cid(2), kinds::causal}) == errc::ok);
  CHECK(counts(f.newest()) == "0 0 0");
  CHECK(f.apply(op::learn_concept{{cid(1), "other"}}) == errc::ok); // its name went too
}

TEST_CASE("W6: an index is used again when no snapshot has its concept, not before") {
  builder_fixture f;
  for (std::uint64_t n = 1; n <= 10; ++n)
    f.write(op::learn_concept{cid(n), "kept"});
  REQUIRE(f.publish().empty());
  const graph_snapshot& held = f.hold();
  const std::string text = text_of(held);
  std::set<std::uint32_t> in_use;
  for (std::uint64_t n = 1; n <= 10; ++n)
    in_use.insert(*held.index_of(cid(n)));
  // Ids churn: the old ones go, new ones come and go.
  for (std::uint64_t n = 1; n <= 10; ++n)
    f.write(op::forget_concept{cid(n)});
  for (std::uint64_t round = 0; round < 50; ++round) {
    for (std::uint64_t n = 0; n < 10; ++n) {
      f.write(op::learn_concept{cid(1'000 + 10 * round + n), "new"});
      if (round > 0)
        f.write(op::forget_concept{cid(1'000 + 10 * (round - 1) + n)});
    }
    REQUIRE(f.publish().empty());
    for (std::uint64_t n = 0; n < 10; ++n)
      REQUIRE_FALSE(in_use.contains(*f.newest().index_of(cid(1'000 + 10 * round + n))));
    REQUIRE(text_of(held) == text);
    for (std::uint64_t n = 1; n <= 10; ++n) {
      REQUIRE(held.find(cid(n))->content() == "kept");
      REQUIRE_FALSE(f.newest().find(cid(n)));
    }
  }
  CHECK(f.newest().index_count() <= 50); // theirs went round
  f.let_go(held);
  f.reclaim();
  const std::uint32_t before = f.newest().index_count();
  for (std::uint64_t n = 0; n < 10; ++n)
    f.write(op::learn_concept{cid(2'000 + n)});
  REQUIRE(f.publish().empty());
  CHECK(f.newest().index_count() == before);
}

TEST_CASE(
  "W6: a concept that comes back while its old self is held keeps its index, and both show") {
  builder_fixture f;
  REQUIRE(f.apply(op::learn_concept{cid(1), "first"}) == errc::ok);
  const graph_snapshot& first = f.hold();
  REQUIRE(f.apply(op::forget_concept{cid(1)}) == errc::ok);
  const graph_snapshot& none = f.hold();
  REQUIRE(f.apply(op::learn_concept{cid(1), "second"}) == errc::ok);
  const graph_snapshot& second = f.hold();
  const std::uint32_t index = *second.index_of(cid(1));
  CHECK(first.index_of(cid(1)) == index);
  SECTION("it stays") {
    f.let_go(first);
    f.reclaim(); // would free the index, had it not been taken up again
    CHECK(f.newest().find(cid(1))->content() == "second");
  }
  SECTION("it goes once more") {
    REQUIRE(f.apply(op::forget_concept{cid(1)}) == errc::ok);
    f.let_go(first);
    f.reclaim(); // its first going is over, not its second
    CHECK_FALSE(f.newest().find(cid(1)));
  }
  REQUIRE(f.apply(op::learn_concept{cid(2), "other"}) == errc::ok);
  CHECK_FALSE(none.find(cid(1)));
  CHECK(second.find(cid(1))->content() == "second");
  CHECK(f.newest().index_of(cid(2)) != index);
}

// -- names, limits

TEST_CASE("two names with one id are refused, wherever they come") {
  builder_fixture f;
  f.write(op::learn_concept{{cid(1), "one"}});
  f.write(op::learn_association{{cid(1), "one"}, {cid(2), "two"}});
  REQUIRE(f.publish().empty());
  const concept_ref bad1{cid(1), "other"};
  const concept_ref bad2{cid(2), "other"};
  const std::array<attribute_update, 1> attributes{{{"key", "value"}}};
  const std::string before = text_of(f.newest());
  for (const write_op& o :
       {write_op(op::learn_concept{bad1}), write_op(op::learn_concept{bad2}),
        write_op(op::strengthen{bad1, 1.0F}), write_op(op::record_access{bad1}),
        write_op(op::set_attributes{bad1, attributes}), write_op(op::forget_concept{bad1}),
        write_op(op::learn_association{bad1, cid(5)}),
        write_op(op::learn_association{cid(5), bad2}),
        write_op(op::strengthen_association{cid(1), bad2}), write_op(op::record_use{bad1, cid(2)}),
        write_op(op::forget_association{bad1, cid(2)}),
        write_op(op::learn_association{{cid(6), "a"}, {cid(6), "b"}}),
        write_op(op::record_use{{cid(6), "a"}, {cid(6), "b"}}),
        write_op(op::forget_association{{cid(6), "a"}, {cid(6), "b"}})})
    CHECK(f.apply(o) == errc::id_collision);
  CHECK(text_of(f.newest()) == before);
}

TEST_CASE("a concept holds attributes_max attributes and no more") {
  builder_fixture f;
  REQUIRE(f.apply(op::learn_concept{cid(1)}) == errc::ok);
  std::deque<std::string> keys;
  std::vector<attribute_update> updates;
  for (std::size_t i = 0; i < attributes_max; ++i)
    updates.push_back({keys.emplace_back("key" + std::to_string(i)), "value"});
  REQUIRE(f.apply(op::set_attributes{cid(1), updates}) == errc::ok);
  const std::array<attribute_update, 1> more{{{"more", "value"}}};
  const std::array<attribute_update, 2> instead{{{"more", "value"}, {"key0", std::nullopt}}};
  CHECK(f.apply(op::set_attributes{cid(1), more}) == errc::limit_exceeded);
  CHECK(f.apply(op::set_attributes{cid(1), instead}) == errc::ok);
  CHECK(f.newest().find(cid(1))->attributes().count() == attributes_max);
}

// -- R3

TEST_CASE("R3: changing one association of a hub costs the same as one of a short list") {
  constexpr std::uint32_t degree = 100'000;
  builder_fixture f;
  for (std::uint32_t n = 1; n <= degree; ++n) {
    f.write(op::learn_association{cid(0), cid(n)});
    if (n % 10'000 == 0)
      REQUIRE(f.publish().empty());
  }
  f.write(op::learn_association{cid(900'000), cid(900'001)});
  REQUIRE(f.publish().empty());
  // With the version before held, what a change replaces stays in use: the growth is what it took.
  const auto cost = [&](const write_op& o) {
    const graph_snapshot& before = f.hold();
    const std::size_t bytes = f.pages.bytes_in_use();
    REQUIRE(f.apply(o) == errc::ok);
    const std::size_t taken = f.pages.bytes_in_use() - bytes;
    f.let_go(before);
    f.reclaim();
    return taken;
  };
  const std::size_t plain =
    cost(op::learn_association{.source = cid(900'000), .target = cid(900'001), .weight = 2.0F});
  const std::size_t hub =
    cost(op::learn_association{.source = cid(0), .target = cid(50'000), .weight = 2.0F});
  const std::size_t known =
    cost(op::learn_association{.source = cid(0), .target = cid(50'000), .weight = 2.0F});
  const std::size_t removed = cost(op::forget_association{cid(0), cid(40'000)});
  CHECK(plain < 20'000);
  CHECK(known == 0);
  CHECK(hub < plain + 15'000); // a leaf of 256 and two inner nodes
  CHECK(removed < plain + 30'000);
}

TEST_CASE("R3: a snapshot held for long pins only what it sees") {
  builder_fixture f;
  for (std::uint64_t n = 0; n < 100; ++n)
    f.write(op::learn_concept{cid(n), "content"});
  REQUIRE(f.publish().empty());
  REQUIRE(f.publish().empty());
  const std::size_t pages = f.pages.bytes_in_use();
  const std::size_t payloads = f.payloads.bytes_in_use();
  const graph_snapshot& held = f.hold();
  const std::string text = text_of(held);
  for (int round = 0; round < 200; ++round) {
    for (std::uint64_t n = 0; n < 100; ++n)
      f.write(op::learn_concept{cid(n), "content"});
    REQUIRE(f.publish().empty());
  }
  CHECK(f.pages.bytes_in_use() <= 2 * pages);
  CHECK(f.payloads.bytes_in_use() <= 2 * payloads);
  CHECK(text_of(held) == text);
  CHECK(f.builder.live().size() == 2);
  f.let_go(held);
  f.reclaim();
  CHECK(f.pages.bytes_in_use() == pages);
  CHECK(f.payloads.bytes_in_use() == payloads);
}

TEST_CASE("R3: all memory comes back when everything is forgotten") {
  builder_fixture f;
  f.write(op::learn_concept{cid(0)});
  REQUIRE(f.publish().empty());
  const auto round = [&] {
    for (std::uint64_t n = 1; n <= 2'000; ++n) {
      f.write(op::learn_concept{{cid(n), "name"}, "content"});
      f.write(op::learn_association{cid(n), cid(n / 2)});
      f.write(op::learn_association{cid(1), cid(n)});
    }
    REQUIRE(f.publish().empty());
    for (std::uint64_t n = 1; n <= 2'000; ++n)
      f.write(op::forget_concept{cid(n)});
    REQUIRE(f.publish().empty());
    REQUIRE(f.publish().empty());
    CHECK(counts(f.newest()) == "1 0 0");
    return bytes_of_pages(f) + f.payloads.bytes_in_use();
  };
  const std::size_t first = round();
  CHECK(round() == first);
  CHECK(round() == first);
  CHECK(f.builder.times_bytes() == 0);
}

// -- W9

TEST_CASE("W9: a merge taken back leaves graph and memory as they were, and can be done again") {
  builder_fixture f;
  for (std::uint64_t n = 0; n < 300; ++n) {
    f.write(op::learn_concept{{cid(n), "name " + std::to_string(n)}, "content"});
    f.write(op::learn_association{cid(n), cid(n + 1)});
  }
  f.write(op::forget_concept{cid(5)});
  REQUIRE(f.publish().empty());
  REQUIRE(f.publish().empty());
  const graph_snapshot& held = f.hold();
  const std::string before = text_of(held);
  const std::size_t pages = bytes_of_pages(f);
  const std::size_t payloads = f.payloads.bytes_in_use();
  const std::array<attribute_update, 1> attributes{{{"key", "value"}}};
  const auto write_all = [&] {
    for (std::uint64_t n = 0; n < 600; ++n)
      f.write(op::learn_concept{cid(n), "new content"}); // also 5, which is vacant
    for (std::uint64_t n = 10; n < 100; ++n) {
      f.write(op::forget_concept{cid(n)});
      f.write(op::learn_association{cid(n - 10), cid(n + 500), kinds::causal});
      f.write(op::set_attributes{cid(n + 100), attributes});
    }
    f.write(op::learn_concept{cid(20), "again"}); // forgotten and back
  };
  for (int i = 0; i < 3; ++i) {
    write_all();
    CHECK(f.merge().empty());
    f.discard();
    CHECK(f.payloads.bytes_in_use() == payloads);
    CHECK(bytes_of_pages(f) == pages);
    REQUIRE(text_of(f.newest()) == before);
  }
  write_all();
  CHECK(f.publish().empty());
  CHECK(text_of(held) == before);
  CHECK(counts(f.newest()).starts_with("511 "));
  builder_fixture fresh; // the same without any of that
  std::swap(fresh.now, f.now);
  for (std::uint64_t n = 0; n < 300; ++n) {
    fresh.write(op::learn_concept{{cid(n), "name " + std::to_string(n)}, "content"});
    fresh.write(op::learn_association{cid(n), cid(n + 1)});
  }
  fresh.write(op::forget_concept{cid(5)});
  for (std::uint64_t n = 0; n < 600; ++n)
    fresh.write(op::learn_concept{cid(n), "new content"});
  for (std::uint64_t n = 10; n < 100; ++n) {
    fresh.write(op::forget_concept{cid(n)});
    fresh.write(op::learn_association{cid(n - 10), cid(n + 500), kinds::causal});
    fresh.write(op::set_attributes{cid(n + 100), attributes});
  }
  fresh.write(op::learn_concept{cid(20), "again"});
  CHECK(fresh.publish().empty());
  CHECK(text_of(fresh.newest()) == text_of(f.newest()));
}

TEST_CASE("W9: an exception at any entry of a merge leaves all as it was") {
  int left = 0; // entries until the throw
  builder_fixture f({.on_apply = [&left](const write_entry&) {
    if (left-- == 0)
      throw std::runtime_error("on purpose");
  }});
  const auto write_all = [&] {
    for (std::uint64_t n = 0; n < 10; ++n) {
      f.write(op::learn_concept{cid(n), "content"});
      f.write(op::learn_association{cid(n), cid(n + 1)});
    }
    f.write_batch({op::forget_concept{cid(2)}, op::learn_association{cid(0), cid(20)}});
    f.write(op::forget_concept{cid(4)});
  };
  const std::string before = text_of(f.newest());
  const std::size_t payloads = f.payloads.bytes_in_use();
  for (int at = 0; at < 23; ++at) {
    write_all();
    left = at;
    CHECK_THROWS_AS(f.merge(), std::runtime_error);
    f.discard();
    CHECK(text_of(f.newest()) == before);
    CHECK(f.payloads.bytes_in_use() == payloads);
  }
  left = 1'000'000;
  write_all();
  CHECK(f.publish().empty());
  CHECK(f.newest().concept_count() == 8);
}
