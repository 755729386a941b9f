#include "tools/workload.hpp"

#include "tests/catch.hpp"

#include <map>
#include <set>

using namespace cmem;
using namespace cmem::tools;

namespace {

dataset small_data(std::size_t concepts, double degree) {
  data_spec spec;
  spec.concepts = concepts;
  spec.degree = degree;
  return make_synthetic(spec);
}

const std::vector<kind_id> kind_ids = {10, 11, 12, 13, 14};

} // namespace

TEST_CASE("data are learned in their order and then again") {
  const auto data = small_data(3, 2);
  workload w(data, kind_ids);
  write_drawer drawer(w, {1}, 1);
  for (std::size_t i = 0; i < 7; ++i) {
    const auto drawn = drawer.draw();
    REQUIRE(drawn.kind == write_kind::learn_concept);
    const auto& o = std::get<op::learn_concept>(drawn.op);
    CHECK(o.id.id == data.concepts[i % 3].id);
    CHECK(o.content == data.concepts[i % 3].content);
  }
  CHECK(w.concepts_taken() == 3);
  write_drawer associations(w, {0, 1}, 1);
  for (std::size_t i = 0; i < 8; ++i) {
    const auto o = std::get<op::learn_association>(associations.draw().op);
    const auto& a = data.associations[i % 6];
    CHECK(o.source.id == data.concepts[a.source].id);
    CHECK(o.target.id == data.concepts[a.target].id);
    CHECK(o.kind == kind_ids[a.kind]);
    CHECK(o.confidence == a.confidence);
  }
}

TEST_CASE("a mix is drawn by its weights") {
  const auto data = small_data(1'000, 4);
  workload w(data, kind_ids);
  write_drawer drawer(w, {1, 3, 1, 0, 0, 0, 0, 0, 0}, 5);
  std::map<write_kind, int> seen;
  for (int i = 0; i < 50'000; ++i)
    ++seen[drawer.draw().kind];
  CHECK(seen.size() == 3);
  CHECK(seen[write_kind::learn_concept] == Approx(10'000).epsilon(0.05));
  CHECK(seen[write_kind::learn_association] == Approx(30'000).epsilon(0.05));
  CHECK(seen[write_kind::strengthen] == Approx(10'000).epsilon(0.05));
}

TEST_CASE("what needs something known learns first") {
  const auto data = small_data(10, 2);
  for (std::size_t k = 0; k < write_kinds; ++k) {
    write_mix mix{};
    mix[k] = 1;
    workload w(data, kind_ids);
    write_drawer drawer(w, mix, 1);
    const auto first = drawer.draw().kind;
    CHECK((first == write_kind::learn_concept || first == write_kind::learn_association));
    w.take_concept();
    w.take_association();
    CHECK(drawer.draw().kind == static_cast<write_kind>(k));
  }
}

TEST_CASE("without associations there are concepts only") {
  const auto data = small_data(10, 0);
  workload w(data, kind_ids);
  write_drawer drawer(w, {0, 1}, 1);
  CHECK(drawer.draw().kind == write_kind::learn_concept);
}

TEST_CASE("attributes of the data follow their concept") {
  auto data = small_data(2, 0);
  data.concepts[0].attributes = {{"a", "1"}, {"b", "2"}};
  workload w(data, kind_ids);
  write_drawer drawer(w, {1}, 1);
  CHECK(drawer.draw().kind == write_kind::learn_concept);
  const auto drawn = drawer.draw();
  REQUIRE(drawn.kind == write_kind::set_attributes);
  const auto& o = std::get<op::set_attributes>(drawn.op);
  CHECK(o.id.id == data.concepts[0].id);
  REQUIRE(o.attributes.size() == 2);
  CHECK(o.attributes[1].key == "b");
  CHECK(o.attributes[1].value == "2");
  CHECK(drawer.draw().kind == write_kind::learn_concept);
}

TEST_CASE("an end that is never learned brings its name with the association") {
  auto data = small_data(2, 1);
  data.learnable = 1;
  data.concepts[0].name = "known";
  data.concepts[1].name = "end";
  data.associations = {{0, 1, 0, 1, 1}};
  workload w(data, kind_ids);
  write_drawer drawer(w, {0, 1}, 1);
  const auto o = std::get<op::learn_association>(drawer.draw().op);
  CHECK(o.source.name.empty());
  CHECK(o.target.name == "end");
}

TEST_CASE("queries ask for what was taken, evenly") {
  const auto data = small_data(100, 0);
  workload w(data, kind_ids);
  query_drawer drawer(w, {1, 1, 2}, 1);
  CHECK(drawer.draw().a == data.concepts[0].id); // nothing known yet: the first
  for (int i = 0; i < 10; ++i)
    w.take_concept();
  std::set<concept_id> asked;
  std::map<query_kind, int> seen;
  for (int i = 0; i < 4'000; ++i) {
    const auto drawn = drawer.draw();
    asked.insert(drawn.a);
    ++seen[drawn.kind];
  }
  CHECK(asked.size() == 10);
  for (const auto& id : asked)
    CHECK(std::any_of(data.concepts.begin(), data.concepts.begin() + 10,
                      [&](const auto& c) { return c.id == id; }));
  CHECK(seen[query_kind::find_path] == Approx(2'000).epsilon(0.1));
  for (std::size_t kind = 0; kind < query_kinds; ++kind) {
    query_mix only{};
    only[kind] = 1;
    query_drawer one(w, only, 1);
    bool pairs = false;
    for (int i = 0; i < 100; ++i) {
      const auto drawn = one.draw();
      pairs |= drawn.a != drawn.b;
    }
    CHECK(pairs == (query_names[kind].find("path") != std::string_view::npos));
  }
}
