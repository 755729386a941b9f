#include "storage/traversal.hpp"
#include "tests/catch.hpp"

#include <limits>

using namespace cmem;

TEST_CASE("A set of kinds has what was put into it", "[traversal]") {
  const kind_set none;
  CHECK(none.empty());
  CHECK_FALSE(none.contains(kinds::semantic));
  const kind_set two{kinds::causal, 4095};
  CHECK_FALSE(two.empty());
  CHECK(two.contains(kinds::causal));
  CHECK(two.contains(4095));
  CHECK_FALSE(two.contains(kinds::semantic));
  CHECK_FALSE(two.contains(4096)); // no kind at all
}

TEST_CASE("A filter knows whether everything passes", "[traversal]") {
  CHECK(traversal_filter{}.passes_all());
  CHECK(traversal_filter{.along = direction::both}.passes_all());
  CHECK_FALSE(traversal_filter{.kinds = {kinds::causal}}.passes_all());
  CHECK_FALSE(traversal_filter{.confidence_min = 0.1F}.passes_all());
  CHECK_FALSE(traversal_filter{.strength_min = 0.1F}.passes_all());
}

TEST_CASE("A bound that is not a number is refused, one that nothing meets is not", "[traversal]") {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(check(traversal_filter{}));
  CHECK(check(traversal_filter{.confidence_min = 2.0F, .strength_min = 1e30F}));
  const auto confidence = check(traversal_filter{.confidence_min = nan});
  REQUIRE_FALSE(confidence);
  CHECK(confidence.error().code == errc::invalid_argument);
  CHECK(confidence.error().detail.find("confidence_min") != std::string::npos);
  const auto strength = check(traversal_filter{.strength_min = nan});
  REQUIRE_FALSE(strength);
  CHECK(strength.error().detail.find("strength_min") != std::string::npos);
}

TEST_CASE("Why a traversal ended has a name", "[traversal]") {
  CHECK(to_string(traversal_end::complete) == "complete");
  CHECK(to_string(traversal_end::deadline) == "deadline");
  CHECK(to_string(traversal_end::visited_max) == "visited_max");
}
