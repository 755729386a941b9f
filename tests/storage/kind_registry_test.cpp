#include "storage/kind_registry.hpp"

#include "tests/catch.hpp"

#include <thread>

using namespace cmem;

TEST_CASE("the built-in kinds are known from the start") {
  const kind_registry kinds;
  CHECK(kinds.size() == 5);
  CHECK(kinds.name_of(kinds::semantic) == "semantic");
  CHECK(kinds.name_of(kinds::causal) == "causal");
  CHECK(kinds.name_of(kinds::temporal) == "temporal");
  CHECK(kinds.name_of(kinds::hierarchical) == "hierarchical");
  CHECK(kinds.name_of(kinds::compositional) == "compositional");
  CHECK(kinds.find("causal") == kinds::causal);
  CHECK_FALSE(kinds.contains(5));
}

TEST_CASE("a kind is registered once") {
  kind_registry kinds;
  const auto id = kinds.add("antonym");
  REQUIRE(id);
  CHECK(*id == 5);
  CHECK(kinds.contains(*id));
  CHECK(kinds.add("antonym").value() == *id);
  CHECK(kinds.add("semantic").value() == kinds::semantic);
  CHECK(kinds.size() == 6);
  CHECK_FALSE(kinds.find("synonym"));
}

TEST_CASE("names of kinds have 1 to 1024 bytes") {
  kind_registry kinds;
  CHECK(kinds.add("").error()
        == failure{errc::invalid_argument, "kind name is empty: must have 1 to 1024 bytes"});
  CHECK(kinds.add(std::string(1025, 'k')).error()
        == failure{errc::invalid_argument, "kind name has 1025 bytes: must have 1 to 1024"});
  CHECK(kinds.add(std::string(1024, 'k')).value() == 5);
  CHECK(kinds.size() == 6);
}

TEST_CASE("there are at most kinds_max kinds") {
  kind_registry kinds;
  std::vector<std::string_view> names;
  for (std::size_t i = kinds.size(); i < kinds_max; ++i)
    names.push_back(kinds.name_of(kinds.add("kind " + std::to_string(i)).value()));
  CHECK(kinds.size() == kinds_max);
  CHECK(kinds.add("one more").error()
        == failure{errc::limit_exceeded, "kind `one more` would be one more than 4096 kinds"});
  CHECK(kinds.add("kind 4095").value() == 4095);
  for (std::size_t i = 5; i < kinds_max; ++i) // the views stayed good
    CHECK(names[i - 5] == "kind " + std::to_string(i));
}

TEST_CASE("threads that register the same names agree, and readers need no lock") {
  kind_registry kinds;
  constexpr std::size_t count = 500;
  std::array<std::vector<kind_id>, 3> ids;
  std::vector<std::thread> threads;
  for (auto& mine : ids)
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < count; ++i)
        mine.push_back(kinds.add("kind " + std::to_string(i)).value());
    });
  bool whole = true;
  while (kinds.size() < 5 + count)
    for (std::size_t i = 0; i < kinds.size(); ++i)
      whole = whole && !kinds.name_of(static_cast<kind_id>(i)).empty();
  for (auto& t : threads)
    t.join();
  CHECK(whole);
  CHECK(ids[0] == ids[1]);
  CHECK(ids[0] == ids[2]);
  CHECK(kinds.size() == 5 + count);
}
