// Ties are resolved by ids, so that a store that was closed and opened again, where every index is
// another one, answers as before.

#include "storage/queries.hpp"
#include "tests/storage/store_fixture.hpp"

#include <algorithm>
#include <random>
#include <vector>

using namespace cmem;
using namespace cmem::test;

namespace {

std::string name_of(std::uint32_t n) { return "c" + std::to_string(n); }

constexpr std::uint32_t concepts = 120;

// The same for the same association, however often it is learned.
std::uint64_t link_hash(const std::string& from, const std::string& to, std::uint32_t kind) {
  return hash_value(concept_id::from_name(from + " " + to + " " + std::to_string(kind)));
}

void learn_graph(store_fixture& f, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::uint32_t> order;
  for (std::uint32_t n = 0; n < concepts; ++n)
    order.push_back(n);
  std::shuffle(order.begin(), order.end(), random);
  for (std::size_t i = 0; i < order.size(); ++i) {
    f.learn(name_of(order[i]));
    if (i % 100 == 99)
      f.reconcile();
  }
  f.reconcile();
  // Few confidences and many ways: most paths have others beside them that are as good.
  std::vector<op::learn_association> links;
  std::mt19937 graph(11);
  constexpr float confidences[] = {0.0F, 0.5F, 0.5F, 1.0F};
  for (std::uint32_t i = 0; i < 700; ++i) {
    const auto from = name_of(static_cast<std::uint32_t>(graph() % concepts));
    const auto to = name_of(static_cast<std::uint32_t>(graph() % concepts));
    links.push_back({.source = concept_id::from_name(from),
                     .target = concept_id::from_name(to),
                     .kind = static_cast<kind_id>(i % 3),
                     .confidence = confidences[link_hash(from, to, i % 3) % 4]});
  }
  std::shuffle(links.begin(), links.end(), random);
  for (std::size_t i = 0; i < links.size(); ++i) {
    f.write(links[i]);
    if (i % 100 == 99)
      f.reconcile();
  }
  f.reconcile();
}

std::string answers(store_fixture& f) {
  const auto s = f.memory->load();
  path_scratch scratch;
  std::string text;
  for (std::uint32_t n = 0; n < concepts; ++n)
    for (const path_order order : {path_order::fewest_hops, path_order::most_confident})
      for (const direction along : {direction::outgoing, direction::incoming, direction::both})
        for (const std::uint32_t max_depth : {3U, path_depth_max}) {
          const auto a = find_paths(*s, concept_id::from_name(name_of(n)),
                                    concept_id::from_name(name_of((n * 7 + 1) % concepts)),
                                    {.order = order,
                                     .max_depth = max_depth,
                                     .alternatives = 3,
                                     .filter = {.kinds = {}, .along = along},
                                     .limits = {}},
                                    scratch);
          REQUIRE(a);
          for (const path& p : a->found) {
            for (const path_step& step : p.steps)
              text += s->at(step.index).id().hex() + "/" + std::to_string(step.kind) + "/"
                      + std::to_string(static_cast<int>(step.along)) + " ";
            text += std::to_string(p.confidence) + "\n";
          }
          text += std::to_string(a->visited) + "\n";
        }
  return text;
}

} // namespace

TEST_CASE("Ties are resolved the same way after reopening, and after learning in another order") {
  std::string first;
  for (unsigned seed = 1; seed <= 3; ++seed) {
    store_fixture f(seed);
    f.open();
    learn_graph(f, seed);
    const std::string learned = answers(f);
    if (first.empty())
      first = learned;
    CHECK(learned == first);
    if (seed != 2) { // else it comes from the log
      f.memory->ask_for_flush();
      (void) f.memory->reconcile();
      REQUIRE(f.memory->flush());
    }
    CHECK(f.close() == failure{});
    f.open();
    CHECK(answers(f) == learned);
  }
}
