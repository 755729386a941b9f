// Every position in arrays of every small length, and some long ones: equal to the plain loop.

#include "storage/find_value.hpp"
#include "tests/catch.hpp"

#include <memory>
#include <numeric>
#include <vector>

using namespace cmem;

TEST_CASE("find_value finds the first position, and reads nothing beyond the end", "[find_value]") {
  for (std::uint32_t n :
       {0U, 1U, 2U, 7U, 8U, 9U, 15U, 16U, 17U, 31U, 33U, 63U, 64U, 65U, 80U, 127U, 200U, 256U}) {
    std::vector<std::uint32_t> values(n); // its own allocation: AddressSanitizer sees its end
    std::iota(values.begin(), values.end(), 100U);
    for (std::uint32_t at = 0; at < n; ++at)
      CHECK(find_value(values.data(), n, 100 + at) == at);
    CHECK(find_value(values.data(), n, 5) == n);
    CHECK(find_value(values.data(), n, 100 + n) == n);
  }
}

TEST_CASE("of equal values find_value takes the first, as the plain loop does", "[find_value]") {
  for (std::uint32_t n = 1; n < 150; ++n)
    for (std::uint32_t first = 0; first < n; first += 7) {
      std::vector<std::uint32_t> values(n, 1);
      for (std::uint32_t i = first; i < n; i += 3)
        values[i] = 2;
      CHECK(find_value(values.data(), n, 2) == find_value_scalar(values.data(), n, 2));
    }
}
