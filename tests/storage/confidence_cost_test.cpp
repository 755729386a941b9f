#include "storage/confidence_cost.hpp"

#include "tests/catch.hpp"

#include <cmath>
#include <limits>
#include <random>

using namespace cmem;

namespace {

// In units of 2^-32.
long double exact_cost(float confidence) {
  return -std::log2(static_cast<long double>(confidence)) * 0x1p32L;
}

} // namespace

TEST_CASE("A hop of full confidence costs nothing but the hop") {
  CHECK(length_of(1.0F) == 1);
  CHECK(hops_of(5 * length_of(1.0F)) == 5);
}

TEST_CASE("Powers of 2 are exact, down to the least float") {
  for (int octaves = 0; octaves <= 149; ++octaves) {
    const path_length l = length_of(std::ldexp(1.0F, -octaves));
    CHECK(cost_of(l) == static_cast<std::uint64_t>(octaves) << 32);
    CHECK(hops_of(l) == 1);
  }
}

TEST_CASE("Costs are logarithms, to one unit, and rise as confidences fall") {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> even(0.0F, 1.0F);
  for (std::size_t i = 0; i < test::sweep(200'000); ++i) {
    const float c = std::ldexp(even(random), -static_cast<int>(i % 130));
    if (c <= 0.0F || c >= 1.0F)
      continue;
    const long double off = static_cast<long double>(cost_of(length_of(c))) - exact_cost(c);
    REQUIRE(std::abs(off) <= 1.0L);
    REQUIRE(length_of(std::nextafter(c, 2.0F)) < length_of(c));
    if (c >= 2 * std::numeric_limits<float>::min())
      REQUIRE(cost_of(length_of(c / 2)) == cost_of(length_of(c)) + (std::uint64_t{1} << 32));
  }
}

TEST_CASE("The worst path that is allowed has a length") {
  const path_length worst = length_of(std::numeric_limits<float>::denorm_min());
  CHECK(worst <= std::numeric_limits<path_length>::max() / 2048);
  CHECK(hops_of(2048 * worst) == 2048);
  CHECK(2048 * worst < std::uint64_t{1} << 63);
}
