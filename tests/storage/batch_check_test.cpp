// What batch_check lets through is applied as a whole; what it refuses has the reason that its
// entries, one after the other, would have met first.

#include "storage/batch_check.hpp"
#include "tests/catch.hpp"
#include "tests/storage/builder_fixture.hpp"
#include "tests/storage/model.hpp"

#include <array>
#include <deque>
#include <random>
#include <string>
#include <vector>

using namespace cmem;
using cmem::test::builder_fixture;
using cmem::test::cid;
using cmem::test::model;
using cmem::test::text_of;

namespace {

/// The batch's answer, and that a batch which was refused changed nothing.
errc check(builder_fixture& f, const std::vector<write_op>& ops) {
  const std::string before = text_of(f.newest());
  f.write_batch(ops);
  const auto failed = f.publish();
  REQUIRE(failed.size() <= 1);
  if (failed.empty())
    return errc::ok;
  CHECK(text_of(f.newest()) == before);
  return failed.front();
}

std::vector<attribute_update> many_attributes(std::deque<std::string>& keys, std::size_t from,
                                              std::size_t n) {
  std::vector<attribute_update> updates;
  for (std::size_t i = from; i < from + n; ++i)
    updates.push_back({keys.emplace_back("key" + std::to_string(i)), "value"});
  return updates;
}

/// One of eight concepts, with one of two names sometimes.
concept_ref any_concept(std::minstd_rand& random) {
  static constexpr std::array<std::string_view, 4> names{"", "", "one", "two"};
  const concept_id id = cid(random() % 8);
  return {id, names[random() % names.size()]};
}

[[gnu::noinline]] write_op any_op(std::minstd_rand& random) {
  const concept_ref a = any_concept(random);
  const concept_ref b = any_concept(random);
  const auto kind = static_cast<kind_id>(random() % 2);
  switch (random() % 12) {
    case 0:
    case 1: return op::learn_concept{a, "content"};
    case 2: return op::strengthen{a, 1.0F};
    case 3: return op::record_access{a};
    case 4:
    case 5: return op::forget_concept{a};
    case 6:
    case 7: return op::forget_association{a, b, kind};
    case 8: return op::record_use{a, b, kind};
    default: return op::learn_association{a, b, kind, 0.5F};
  }
}

} // namespace

TEST_CASE("W8: a batch builds on itself: learn, associate, strengthen, forget") {
  builder_fixture f;
  CHECK(check(f, {op::learn_concept{cid(1)}, op::strengthen{cid(1), 2.0F},
                  op::learn_association{cid(1), cid(2)},
                  op::strengthen_association{cid(1), cid(2), kinds::semantic, 1.0F}})
        == errc::ok);
  CHECK(f.newest().find(cid(1))->strength() == 3.0F);
  CHECK(check(f, {op::forget_concept{cid(1)}, op::strengthen{cid(1), 2.0F}}) == errc::not_found);
  CHECK(check(f, {op::forget_concept{cid(1)},
                  op::strengthen_association{cid(1), cid(2), kinds::semantic, 1.0F}})
        == errc::not_found);
  CHECK(check(f, {op::forget_concept{cid(1)}, op::learn_concept{cid(1)}, op::record_access{cid(1)}})
        == errc::ok);
  CHECK(f.newest().out(*f.newest().index_of(cid(1))).size() == 0);
}

TEST_CASE("W8: a bad entry anywhere in a batch refuses it all, with its reason") {
  builder_fixture f;
  REQUIRE(check(f, {op::learn_concept{{cid(1), "one"}}, op::learn_concept{cid(2)}}) == errc::ok);
  std::deque<std::string> keys;
  const auto too_many = many_attributes(keys, 0, attributes_max);
  const auto one_more = many_attributes(keys, 100, 1);
  const std::vector<std::pair<write_op, errc>> bad = {
    {op::strengthen{cid(9), 1.0F}, errc::not_found},
    {op::record_access{cid(9)}, errc::not_found},
    {op::set_attributes{cid(9), one_more}, errc::not_found},
    {op::record_use{cid(1), cid(2)}, errc::not_found},
    {op::strengthen_association{cid(1), cid(2), kinds::causal, 1.0F}, errc::not_found},
    {op::learn_concept{{cid(1), "another"}}, errc::id_collision},
    {op::forget_concept{{cid(1), "another"}}, errc::id_collision},
    {op::learn_association{cid(2), {cid(1), "another"}}, errc::id_collision},
    {op::learn_association{{cid(5), "a"}, {cid(5), "b"}}, errc::id_collision},
    {op::set_attributes{cid(1), one_more}, errc::limit_exceeded},
  };
  REQUIRE(check(f, {op::set_attributes{cid(1), too_many}}) == errc::ok);
  for (const auto& [o, reason] : bad)
    for (std::size_t at = 0; at < 3; ++at) {
      std::vector<write_op> ops = {op::learn_concept{cid(3)}, op::strengthen{cid(1), 1.0F}};
      ops.insert(ops.begin() + static_cast<std::ptrdiff_t>(at), o);
      CHECK(check(f, ops) == reason);
    }
}

TEST_CASE("W8: names within a batch collide as they would one after the other") {
  builder_fixture f;
  CHECK(check(f, {op::learn_concept{{cid(1), "one"}}, op::strengthen{{cid(1), "two"}, 1.0F}})
        == errc::id_collision);
  REQUIRE(check(f, {op::learn_association{cid(1), {cid(2), "two"}}}) == errc::ok);
  // The last association of a placeholder takes its name along, forgotten alone or with a concept …
  CHECK(check(f, {op::forget_association{cid(1), cid(2)}, op::learn_concept{{cid(2), "new"}},
                  op::forget_concept{cid(2)}, op::learn_association{cid(1), {cid(2), "two"}}})
        == errc::ok);
  CHECK(check(f, {op::forget_concept{cid(1)}, op::learn_concept{{cid(2), "new"}}}) == errc::ok);
  CHECK(f.newest().find(cid(2))->name() == "new");
  // … and forgetting does not give names.
  REQUIRE(check(f, {op::learn_association{cid(3), cid(4)}}) == errc::ok);
  CHECK(check(f, {op::forget_association{{cid(3), "three"}, cid(9)},
                  op::learn_concept{{cid(3), "other"}}})
        == errc::ok);
}

TEST_CASE("W8: attributes of a batch add up to the limit") {
  builder_fixture f;
  REQUIRE(check(f, {op::learn_concept{cid(1)}}) == errc::ok);
  std::deque<std::string> keys;
  const auto first = many_attributes(keys, 0, attributes_max - 1);
  const auto two = many_attributes(keys, 200, 2);
  const std::array<attribute_update, 1> removed{{{"key0", std::nullopt}}};
  CHECK(check(f, {op::set_attributes{cid(1), first}, op::set_attributes{cid(1), two}})
        == errc::limit_exceeded);
  CHECK(check(f, {op::set_attributes{cid(1), first}, op::set_attributes{cid(1), removed},
                  op::set_attributes{cid(1), two}})
        == errc::ok);
  CHECK(f.newest().find(cid(1))->attributes().count() == attributes_max);
}

TEST_CASE("W8: over its budget a memory refuses a batch that needs anything new") {
  builder_fixture f({.memory_budget_bytes = std::size_t{2} << 20});
  const std::string content(1'000, 'x');
  std::uint64_t n = 0;
  while (f.apply(op::learn_concept{cid(++n), content}) == errc::ok) {}
  while (f.apply(op::learn_concept{cid(++n)}) == errc::ok) {} // not even an empty one
  CHECK(check(f, {op::strengthen{cid(1), 1.0F}, op::learn_concept{cid(n + 1)}})
        == errc::memory_budget);
  CHECK(check(f, {op::learn_association{cid(1), cid(2)}}) == errc::memory_budget);
  CHECK(check(f, {op::learn_concept{cid(1), "new"}, op::forget_concept{cid(2)}}) == errc::ok);
  CHECK(f.newest().find(cid(1))->content() == "new");
}

TEST_CASE("W8: any batch on any state does what the model does, or nothing") {
  std::minstd_rand random(static_cast<std::uint32_t>(GENERATE(1, 2, 3)));
  builder_fixture f;
  model expected;
  for (std::size_t i = 0; i < cmem::test::sweep(20'000); ++i) {
    std::vector<write_op> ops;
    for (std::size_t n = 2 + random() % 5; n > 0; --n)
      ops.push_back(any_op(random));
    f.now += 1;
    f.write_batch(ops);
    const errc want = expected.apply_batch(ops, f.now);
    const auto failed = f.publish();
    INFO("batch " << i);
    REQUIRE((failed.empty() ? errc::ok : failed.front()) == want);
    if (i % 10 == 0)
      REQUIRE(text_of(f.newest()) == expected.text());
  }
}
