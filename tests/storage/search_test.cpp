// Words, names, vectors and nearness in one ranking, with an index and without, and while what was
// indexed is flushed to a segment.

#include "storage/search.hpp"

#include "tests/storage/builder_fixture.hpp"
#include "tests/storage/store_fixture.hpp"

#include <array>
#include <string>

using namespace cmem;
using namespace cmem::test;

namespace {

struct scene : store_fixture {
  search_scratch scratch;

  explicit scene(bool stored = false, bool index_text = true) {
    options.vector_dimension = 2;
    options.index_text = index_text;
    if (stored)
      options.store->map_flushed = true;
    else
      options.store.reset();
    open();
  }

  void learn(const char* name, const char* content, std::array<float, 2> vector,
             float confidence = 1.0F) {
    write(op::learn_concept{name, content, vector, 1.0F, confidence});
  }
  void learn_weather() {
    learn("rain", "water that falls from clouds", {1.0F, 0.0F});
    learn("raincoat", "a coat against water", {0.8F, 0.6F}, 0.5F);
    learn("fall", "to come down", {0.0F, 1.0F});
    write(op::learn_association{"rain", "fall", kinds::semantic, 0.5F});
    reconcile();
  }
  void index() {
    for (int steps = 0; memory->index_due() || memory->reconcile().published; ++steps) {
      REQUIRE(steps < 100);
      (void) memory->index_some();
      reconcile();
    }
  }
  /// "name:text rank/name rank/vector rank/graph rank …" of the newest snapshot.
  std::string found(const basic_search_query<concept_id>& q) {
    const auto s = memory->load();
    const auto hits = search(*s, q, scratch);
    if (!hits)
      return to_string(hits.error());
    std::string all;
    for (const search_hit& h : *hits) {
      double score = 0;
      all += (all.empty() ? "" : " ") + std::string(s->at(h.index).name()) + ":";
      for (const search_rank& r : {h.by_text, h.by_name, h.by_vector, h.by_graph}) {
        all += std::to_string(r.rank);
        score += r.rank == 0 ? 0.0 : 1.0 / (60 + r.rank);
      }
      CHECK(h.score == Approx(score));
    }
    return all;
  }
};

concept_id id_of(const char* name) { return concept_ref(name).id; }

} // namespace

TEST_CASE("Each way ranks what it finds, and a hit has the sum of its reciprocal ranks") {
  scene s;
  s.learn_weather();
  for (int indexed = 0; indexed != 2; ++indexed) {
    INFO(indexed);
    CHECK(s.found({.text = "clouds"}) == "rain:1000");
    CHECK(s.found({.text = "rain"}) == "rain:1100");
    CHECK(s.found({.vector = {1.0F, 0.1F}}) == "rain:0010 raincoat:0020 fall:0030");
    CHECK(s.found({.prefix = "rain"}) == "rain:0100 raincoat:0200");
    CHECK(s.found({.near = {id_of("rain")}}) == "fall:0001");
    CHECK(s.found({.text = "water", .vector = {0.0F, 1.0F}, .near = {id_of("rain")}})
          == "fall:0011 raincoat:1020 rain:2030");
    CHECK(s.found({}).empty());
    CHECK(s.found({.text = "water", .k = 1}) == "raincoat:1000");
    CHECK(s.found({.text = "water", .k = 0}).empty());
    s.index();
  }
}

TEST_CASE("A filter holds for each way alike") {
  scene s;
  s.learn_weather();
  concept_filter sure;
  sure.confidence_min = 0.75F;
  for (int indexed = 0; indexed != 2; ++indexed) {
    INFO(indexed);
    CHECK(s.found({.text = "water", .filter = sure}) == "rain:1000");
    CHECK(s.found({.prefix = "rain", .filter = sure}) == "rain:0100");
    CHECK(s.found({.vector = {0.8F, 0.6F}, .filter = sure}) == "rain:0010 fall:0020");
    sure.ids = {id_of("rain")};
    CHECK(s.found({.vector = {0.8F, 0.6F}, .near = {id_of("rain")}, .filter = sure})
          == "rain:0010");
    sure.ids.reset();
    s.index();
  }
}

TEST_CASE("Attributes are indexed beside vectors, also where words are not") {
  scene s(false, false);
  s.learn_weather();
  const std::array wet{attribute_update{"kind", "wet"}};
  s.write(op::set_attributes{"rain", wet});
  s.write(op::set_attributes{"fall", wet});
  s.reconcile();
  s.index();
  const search_sources sources(*s.memory->load());
  CHECK(sources.text() == nullptr);
  REQUIRE(sources.attributes() != nullptr);
  CHECK(sources.attributes()->documents() == 2); // raincoat has none
  basic_search_query<concept_id> q{.text = "water", .vector = {0.8F, 0.6F}};
  q.filter.attributes = {{"kind", "wet"}};
  CHECK(s.found(q) == "rain:1010 fall:0020");
  const std::array dry{attribute_update{"kind", "dry"}};
  s.write(op::set_attributes{"rain", dry});
  s.write(op::set_attributes{"raincoat", wet});
  s.reconcile();
  CHECK(s.found(q) == "raincoat:1010 fall:0020");
  s.index();
  CHECK(s.found(q) == "raincoat:1010 fall:0020");
}

TEST_CASE("What is no question is refused") {
  scene s;
  s.learn_weather();
  CHECK_THAT(s.found({.text = "..."}), Catch::Matchers::ContainsSubstring("invalid_argument"));
  CHECK_THAT(s.found({.vector = {1.0F}}), Catch::Matchers::ContainsSubstring("dimension"));
  CHECK_THAT(s.found({.text = "a", .depth = search_depth_max + 1}),
             Catch::Matchers::ContainsSubstring("depth"));
  CHECK_THAT(s.found({.near = {id_of("snow")}}), Catch::Matchers::ContainsSubstring("not_found"));
}

// The segment has names and attributes without a version.
TEST_CASE("What changed is found as it is, however often it was flushed before it was indexed") {
  scene s(true);
  const auto give = [&](const char* value) {
    const std::array set{attribute_update{"kind", value}};
    s.write(op::set_attributes{"rain", set});
    s.reconcile();
  };
  const auto flush = [&] {
    s.memory->ask_for_flush();
    s.reconcile();
    while (*s.memory->flush()) {}
    s.reconcile();
  };
  const auto of_kind = [&](const char* value) {
    basic_search_query<concept_id> q{.vector = {1.0F, 0.0F}};
    q.filter.attributes = {{"kind", value}};
    return s.found(q);
  };
  s.learn_weather();
  give("noun");
  flush();
  s.index();
  CHECK(of_kind("noun") == "rain:0010");
  give("verb");
  flush();
  CHECK(of_kind("noun").empty());
  s.index();
  CHECK(of_kind("noun").empty());
  CHECK(of_kind("verb") == "rain:0010");
  s.write(op::forget_concept{"rain"});
  s.reconcile();
  CHECK(of_kind("verb").empty());
  CHECK(s.found({.text = "water"}) == "raincoat:1000");
}
