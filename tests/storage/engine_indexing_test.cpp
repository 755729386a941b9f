// What snapshots say of the index that they carry, and of what changed since.

#include "tests/storage/builder_fixture.hpp"
#include "tests/storage/engine_fixture.hpp"

#include <array>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>

using namespace cmem;
using namespace cmem::test;

namespace {

using indices = std::set<std::uint32_t>;

engine_options indexed() {
  engine_options o;
  o.index_text = true;
  o.log_capacity = 10'000;
  return o;
}

struct scene : engine_fixture {
  explicit scene(engine_options o = indexed()) : engine_fixture(std::move(o)) {}

  /// Until there is nothing to do.
  void index() {
    for (int steps = 0; memory->index_due() || memory->reconcile().published; ++steps) {
      REQUIRE(steps < 100);
      (void) memory->index_some();
      reconcile();
    }
  }
  /// What an index of the newest snapshot does not know.
  [[nodiscard]] indices unknown() const {
    const auto s = memory->load();
    REQUIRE(s->index() != nullptr);
    const auto since = s->trail().since(s->index()->covers);
    return {since.begin(), since.end()};
  }
  [[nodiscard]] std::uint32_t index_of(const concept_id& id) const {
    const auto found = memory->load()->index_of(id);
    REQUIRE(found.has_value());
    return *found;
  }
};

} // namespace

TEST_CASE("a memory that nobody makes indexes for keeps no trail") {
  scene s;
  s.write(op::learn_concept{cid(1)});
  s.reconcile();
  CHECK(s.memory->index_due());
  CHECK_FALSE(s.memory->load()->trail().kept());
  CHECK(s.memory->load()->index() == nullptr);
  scene none(engine_options{});
  CHECK_FALSE(none.memory->indexes()); // nor has it vectors
  CHECK_FALSE(none.memory->index_due());
  CHECK_FALSE(none.memory->index_some().value());
}

TEST_CASE("an index covers what its snapshot holds, and comes with a later one") {
  scene s;
  s.write(op::learn_concept{cid(1)});
  s.reconcile();
  s.index();
  CHECK(s.unknown().empty());
  CHECK_FALSE(s.memory->index_due());
  const snapshot_handle held = s.memory->share();
  s.write(op::learn_concept{cid(2)});
  s.reconcile();
  CHECK(s.memory->index_due());
  CHECK(s.unknown() == indices{s.index_of(cid(2))});
  CHECK_FALSE(s.memory->index_some().value());
  CHECK(s.unknown() == indices{s.index_of(cid(2))}); // not handed over yet
  CHECK(s.memory->reconcile().published);
  CHECK(s.unknown().empty());
  CHECK_FALSE(s.memory->index_due());
  CHECK_FALSE(s.memory->reconcile().published); // it rests
  CHECK(held->index() != s.memory->load()->index());
  CHECK(held->trail().since(held->index()->covers).empty());
  CHECK(s.memory->stats().memory.indexes > 0);
}

TEST_CASE("what can be searched for leaves a trail when it changes, nothing else does") {
  scene s;
  const concept_ref named("named");
  s.write(op::learn_concept{cid(1)});
  s.write(op::learn_concept{cid(2)});
  s.write(op::learn_concept{named.id});
  s.write(op::learn_association{cid(1), cid(9)}); // a placeholder
  s.reconcile();
  s.index();
  const std::uint32_t one = s.index_of(cid(1));

  s.write(op::record_access{cid(1)});
  s.write(op::strengthen{cid(1), 1.0F});
  s.write(op::learn_association{cid(1), cid(2)});
  s.write(op::strengthen_association{cid(1), cid(2), kinds::semantic, 1.0F});
  s.write(op::record_use{cid(1), cid(2)});
  s.write(op::forget_association{cid(1), cid(9)});
  s.reconcile();
  CHECK(s.unknown().empty());

  const std::array set{attribute_update{"kind", "noun"}};
  s.write(op::set_attributes{cid(1), set});
  s.reconcile();
  CHECK(s.unknown() == indices{one});
  s.write(op::learn_association{cid(2), named}); // tells the name
  s.reconcile();
  CHECK(s.unknown() == indices{one, s.index_of(named.id)});
  s.index();
  s.write(op::learn_association{cid(2), named, kinds::causal}); // known by now
  s.write(op::learn_association{cid(2), concept_ref("placeholder")});
  s.reconcile();
  CHECK(s.unknown().empty());
  s.write(op::forget_concept{cid(1)});
  s.write(op::forget_concept{concept_ref("placeholder")});
  s.reconcile();
  CHECK(s.unknown() == indices{one});
  s.write(op::learn_concept{cid(2)}); // as it was
  s.reconcile();
  CHECK(s.unknown() == indices{one, s.index_of(cid(2))});
}

TEST_CASE("W9: a merge that is taken back leaves no trail") {
  std::optional<concept_id> fails;
  engine_options o = indexed();
  o.on_apply = [&](const write_entry& e) {
    if (fails && e.a == *fails)
      throw std::runtime_error("no");
  };
  scene s(o);
  s.write(op::learn_concept{cid(1)});
  s.reconcile();
  s.index();
  fails = cid(3);
  s.write(op::learn_concept{cid(2)});
  s.write(op::learn_concept{cid(3)});
  s.reconcile();
  CHECK_FALSE(s.has(cid(2)));
  CHECK(s.unknown().empty());
  fails.reset();
  s.write(op::learn_concept{cid(2)});
  s.reconcile();
  CHECK(s.unknown() == indices{s.index_of(cid(2))});
}

TEST_CASE("a trail that nobody follows begins anew, and so does the index") {
  scene s;
  s.write(op::learn_concept{cid(1)});
  s.reconcile();
  s.index();
  const snapshot_handle held = s.memory->share();
  std::uint64_t most = 0;
  for (int round = 0; s.memory->load()->index() != nullptr; ++round) {
    REQUIRE(round < 200);
    for (int i = 0; i != 9'999; ++i)
      s.write(op::learn_concept{cid(1)});
    s.reconcile();
    const auto now = s.memory->load();
    most = std::max(most, now->trail().end() - now->trail().begin());
  }
  CHECK(most > 900'000);
  CHECK(s.memory->load()->trail().begin() == s.memory->load()->trail().end());
  CHECK(held->index() != nullptr);
  s.index();
  CHECK(s.unknown().empty());
  s.write(op::learn_concept{cid(1)});
  s.reconcile();
  CHECK(s.unknown() == indices{s.index_of(cid(1))});
}

TEST_CASE("a closed memory is indexed no more") {
  scene s;
  s.write(op::learn_concept{cid(1)});
  s.reconcile();
  s.memory->close();
  s.reconcile();
  CHECK_FALSE(s.memory->index_due());
  CHECK_FALSE(s.memory->index_some().value());
}
