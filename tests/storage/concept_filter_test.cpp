#include "storage/concept_filter.hpp"

#include "storage/engine.hpp"
#include "tests/storage/query_fixture.hpp"

using namespace cmem;
using namespace cmem::test;

namespace {

/// Concepts with what filters ask for.
class filtered_memory {
public:
  filtered_memory() {
    engine_options o;
    o.arena_bytes = std::size_t{1} << 26;
    o.strength_half_life = 1'000'000;
    o.clock = [this] { return now_; };
    engine_ = std::move(engine::create(std::move(o))).value();
  }
  void learn(concept_number n, float strength = 1.0F, float confidence = 1.0F) {
    write(op::learn_concept{.id = id_of(n), .strength = strength, .confidence = confidence});
  }
  void set(concept_number n, std::string_view key, std::string_view value) {
    const attribute_update a{key, value};
    write(op::set_attributes{id_of(n), std::span(&a, 1)});
  }
  template <class Op>
  void write(const Op& o) {
    REQUIRE(engine_->write(o).has_value());
  }
  void pass(timestamp_us time) { now_ += time; }

  /// Numbers of all that pass.
  std::string passing(const concept_filter& f) {
    while (engine_->reconcile().entries > 0) {}
    const auto s = engine_->share();
    const filtered_concepts filtered(*s, f);
    std::set<concept_number> all;
    for (std::uint32_t i = 0; i < s->index_count(); ++i)
      if (filtered.contains(i)) {
        all.insert(number_of(s->at(i).id()));
        if (filtered.named())
          REQUIRE(std::count(filtered.named()->begin(), filtered.named()->end(), i) == 1);
      }
    if (f.ids)
      check_naming_later(*s, f, filtered);
    std::string text;
    for (const concept_number n : all)
      text += (text.empty() ? "" : " ") + std::to_string(n);
    return text;
  }

private:
  /// Names are found when asked for; until then some can be told from a list.
  static void check_naming_later(const graph_snapshot& s, const concept_filter& f,
                                 const filtered_concepts& named) {
    filtered_concepts later(s, f, filtered_concepts::naming::later);
    CHECK_FALSE(later.named().has_value());
    std::vector<std::uint32_t> some;
    for (std::uint32_t i = s.index_count(); i-- > 0;)
      if (s.is_learned(i))
        some.push_back(i);
    std::vector<std::uint32_t> again = some;
    std::vector<std::uint32_t> expected = some;
    std::erase_if(expected, [&](std::uint32_t i) {
      return !std::binary_search(named.named()->begin(), named.named()->end(), i);
    });
    later.keep_named(some);
    CHECK(some == expected);
    later.find_named();
    CHECK(later.named() == named.named());
    later.keep_named(again);
    CHECK(again == expected);
  }

  timestamp_us now_ = 1'000'000;
  std::unique_ptr<engine> engine_;
};

} // namespace

TEST_CASE("Without conditions every learned concept passes") {
  filtered_memory m;
  m.learn(1, 0.0F, 0.0F);
  m.write(op::learn_association{id_of(1), id_of(2)}); // not learned
  m.learn(3);
  m.learn(4);
  m.write(op::forget_concept{id_of(4)});
  CHECK(concept_filter{}.passes_all());
  CHECK(m.passing({}) == "1 3");
}

TEST_CASE("All attributes must be there with their values") {
  filtered_memory m;
  for (concept_number n = 1; n <= 5; ++n)
    m.learn(n);
  m.set(1, "a", "x");
  m.set(2, "a", "x");
  m.set(2, "c", "");
  m.set(3, "a", "y");
  m.set(4, "c", "");
  m.set(4, "b", "x");
  CHECK(m.passing({.attributes = {{"a", "x"}}}) == "1 2");
  CHECK(m.passing({.attributes = {{"c", ""}, {"a", "x"}}}) == "2");
  CHECK(m.passing({.attributes = {{"c", ""}}}) == "2 4");
  CHECK(m.passing({.attributes = {{"a", "x"}, {"a", "x"}}}) == "1 2");
  CHECK(m.passing({.attributes = {{"a", "x"}, {"a", "y"}}}).empty());
  CHECK(m.passing({.attributes = {{"d", "x"}}}).empty());
  CHECK(m.passing({.attributes = {{"", ""}}}).empty());
}

TEST_CASE("Strength counts as of the snapshot, confidence as it was learned") {
  filtered_memory m;
  m.learn(1, 1.0F, 0.25F);
  m.learn(2, 4.0F, 0.5F);
  m.learn(3, 0.0F, 1.0F);
  CHECK(m.passing({.strength_min = 1.0F}) == "1 2");
  CHECK(m.passing({.confidence_min = 0.5F}) == "2 3");
  CHECK(m.passing({.confidence_min = 0.5F, .strength_min = 1.0F}) == "2");
  CHECK(m.passing({.confidence_min = -1.0F, .strength_min = -1.0F}) == "1 2 3");
  CHECK(m.passing({.confidence_min = 1.5F}).empty());
  m.pass(1'500'000); // 0.35, 1.41 are left
  m.learn(4, 0.0F);
  CHECK(m.passing({.strength_min = 1.0F}) == "2");
  m.pass(1'000'000);
  m.learn(4, 0.0F);
  CHECK(m.passing({.strength_min = 1.0F}).empty());
}

TEST_CASE("Ids are looked up once, few or many") {
  filtered_memory m;
  for (concept_number n = 1; n <= 1000; ++n)
    m.learn(n);
  m.write(op::forget_concept{id_of(7)});
  CHECK(m.passing({.ids = std::vector<concept_id>{}}).empty());
  CHECK(m.passing({.ids = std::vector{id_of(9), id_of(7), id_of(2000), id_of(3), id_of(9)}})
        == "3 9");
  std::vector<concept_id> many;
  std::string expected;
  for (concept_number n = 900; n > 0; n -= 2)
    many.insert(many.end(), n % 4 + 1, id_of(n));
  for (concept_number n = 2; n <= 900; n += 2)
    expected += (n > 2 ? " " : "") + std::to_string(n);
  CHECK(m.passing({.ids = many}) == expected);
}
