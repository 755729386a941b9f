// Searching through the facade: by names, of what is visible.

#include "tests/actors/stepped.hpp"

using namespace cmem;
using namespace cmem::test;
using namespace std::chrono_literals;

namespace {

config searched() {
  config c;
  c.vector_dimension = 2;
  c.index_text = true;
  return c;
}

void learn_weather(concurrent_memory& m) {
  const std::vector<float> east{1.0F, 0.0F};
  const std::vector<float> north{0.0F, 1.0F};
  (void) good(m.learn_concept("rain", "water that falls from clouds", east));
  (void) good(m.learn_concept("fall", "to come down", north, 1.0F, 0.5F));
  (void) good(m.learn_association("rain", "fall"));
}

/// Names in their order.
std::string names(const result<std::vector<found_concept>>& found) {
  if (!found)
    return std::string(to_string(found.error().code));
  std::string all;
  for (const found_concept& c : *found)
    all += (all.empty() ? "" : " ") + c.name;
  return all;
}

} // namespace

TEST_CASE("R5: what is visible is found by words, vector, name and nearness, indexed or not") {
  stepped_system s;
  const auto memory = s.open(searched());
  learn_weather(*memory);
  CHECK(names(memory->search({.text = "clouds"})).empty()); // not visible yet
  for (const auto wait : {11ms, 200ms}) {
    s.advance(wait);
    CHECK(names(memory->search({.text = "clouds"})) == "rain");
    CHECK(names(memory->search({.prefix = "f"})) == "fall");
    CHECK(names(memory->search({.vector = {0.1F, 1.0F}})) == "fall rain");
    CHECK(names(memory->search({.near = {"rain"}})) == "fall");
    CHECK(names(memory->search({.vector = {1.0F, 1.0F}, .filter = {.confidence_min = 0.75F}}))
          == "rain");
    const auto both = good(memory->search({.text = "water", .vector = {1.0F, 0.0F}}));
    REQUIRE(both.size() == 2);
    CHECK(both[0].id == concept_id::from_name("rain"));
    CHECK(both[0].score == Approx(2.0 / 61));
    CHECK(both[0].by_text.rank == 1);
    CHECK(both[0].by_vector.rank == 1);
    CHECK(both[0].by_vector.score == Approx(1.0));
    CHECK(both[0].by_graph.rank == 0);
  }
  CHECK(memory->snapshot()->index() != nullptr);
}

TEST_CASE("what cannot be searched for is refused with the reason") {
  stepped_system s;
  const auto memory = s.open(searched());
  learn_weather(*memory);
  s.advance(50ms);
  CHECK(names(memory->search({.near = {"snow"}})) == "not_found");
  CHECK(names(memory->search({.vector = {1.0F}})) == "invalid_argument");
  CHECK(names(memory->search({.vector = {0.0F, 0.0F}})) == "invalid_argument");
  CHECK(names(memory->search({.text = "..."})) == "invalid_argument");
  CHECK(names(memory->search({})).empty());
}
