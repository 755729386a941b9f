#include "storage/vector_kernels.hpp"

#include "storage/limits.hpp"
#include "tests/catch.hpp"

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

using namespace cmem;

namespace {

enum class shape { plain, huge, denormal, one_large, zero, mixed };
constexpr shape all_shapes[] = {shape::plain,     shape::huge, shape::denormal,
                                shape::one_large, shape::zero, shape::mixed};

std::vector<float> make_vector(std::mt19937& random, std::size_t dimension, shape of) {
  std::normal_distribution<float> normal;
  std::vector<float> v(dimension);
  for (float& x : v)
    x = normal(random);
  const auto scale_by = [&v](float factor) {
    for (float& x : v)
      x *= factor;
  };
  switch (of) {
    case shape::plain: break;
    case shape::huge:
      for (float& x : v)
        x = std::copysign(std::numeric_limits<float>::max(), x);
      break;
    case shape::denormal: scale_by(std::numeric_limits<float>::denorm_min() * 3); break;
    case shape::one_large: v[random() % dimension] = 1e30F; break;
    case shape::zero: scale_by(0.0F); break;
    case shape::mixed:
      for (float& x : v)
        x = std::ldexp(x, static_cast<int>(random() % 200) - 100);
      break;
  }
  return v;
}

std::vector<std::int8_t> random_codes(std::mt19937& random, std::size_t count) {
  std::vector<std::int8_t> codes(count);
  for (auto& c : codes)
    c = static_cast<std::int8_t>(static_cast<int>(random() % 255) - 127);
  return codes;
}

} // namespace

TEST_CASE("Sums of floats are the same to the last bit, whatever instructions add them up") {
  std::mt19937 random(1);
  const auto kernels = float_kernels_here();
  const float_kernels& plain = kernels.back();
  REQUIRE(plain.name == std::string("plain"));
  for (std::size_t dimension = 1; dimension < 200; ++dimension)
    for (const shape a_shape : all_shapes) {
      const auto a = make_vector(random, dimension, a_shape);
      const auto b = make_vector(random, dimension, all_shapes[random() % std::size(all_shapes)]);
      const vector_products products = plain.multiply(a, b);
      const double distance = plain.squared_distance(a, b);
      REQUIRE(std::isfinite(products.with_self));
      REQUIRE(std::isfinite(distance));
      for (const float_kernels& k : kernels) {
        CAPTURE(k.name, dimension);
        REQUIRE(k.multiply(a, b) == products);
        REQUIRE(k.squared_distance(a, b) == distance);
      }
      REQUIRE(multiply(a, b) == products);
      REQUIRE(squared_distance(a, b) == distance);
    }
}

TEST_CASE("Sums of floats are added up in the order that the header says") {
  std::vector<float> a(37);
  std::vector<float> b(37);
  std::mt19937 random(2);
  for (std::size_t i = 0; i < a.size(); ++i) {
    a[i] = std::ldexp(1.0F, static_cast<int>(random() % 60));
    b[i] = 1.0F + std::ldexp(1.0F, -20) * static_cast<float>(i);
  }
  double lanes[16] = {};
  for (std::size_t i = 0; i < a.size(); ++i)
    lanes[i % 16] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  for (const std::size_t apart : {8U, 4U, 2U, 1U})
    for (std::size_t l = 0; l < apart; ++l)
      lanes[l] += lanes[l + apart];
  CHECK(multiply(a, b).with_other == lanes[0]);
}

TEST_CASE("Products of codes are the same, whatever instructions take them") {
  std::mt19937 random(3);
  const auto kernels = code_kernels_here();
  REQUIRE(kernels.back().name == std::string("plain"));
  for (const std::size_t stride : {64U, 128U, 192U, 256U, 832U, 4096U}) {
    constexpr std::size_t count = 21;
    const auto query = random_codes(random, stride);
    const auto codes = random_codes(random, stride * count);
    std::vector<const std::int8_t*> anywhere;
    std::vector<std::int32_t> expected;
    for (std::size_t n = 0; n < count; ++n) {
      anywhere.push_back(&codes[n * stride]);
      std::int64_t sum = 0;
      for (std::size_t i = 0; i < stride; ++i)
        sum += std::int64_t{query[i]} * codes[n * stride + i];
      expected.push_back(static_cast<std::int32_t>(sum));
    }
    for (const code_kernels& k : kernels) {
      CAPTURE(k.name, stride);
      std::vector<std::int32_t> run(count);
      std::vector<std::int32_t> at(count);
      k.run(query.data(), codes.data(), stride, count, run.data());
      k.at(query.data(), anywhere.data(), stride, count, at.data());
      REQUIRE(run == expected);
      REQUIRE(at == expected);
      for (std::size_t n = 0; n < count; ++n)
        REQUIRE(k.one(query.data(), anywhere[n], stride) == expected[n]);
      k.run(query.data(), nullptr, stride, 0, nullptr);
      k.at(query.data(), nullptr, stride, 0, nullptr);
    }
  }
}

TEST_CASE("The largest products of codes of the largest dimension do not overflow") {
  const std::size_t stride = code_stride(vector_dimension_max);
  const std::vector<std::int8_t> most(stride, 127);
  const std::vector<std::int8_t> least(stride, -127);
  const auto n = static_cast<std::int32_t>(stride);
  for (const code_kernels& k : code_kernels_here()) {
    CHECK(k.one(most.data(), most.data(), stride) == 127 * 127 * n);
    CHECK(k.one(least.data(), least.data(), stride) == 127 * 127 * n);
    CHECK(k.one(most.data(), least.data(), stride) == -127 * 127 * n);
  }
}

TEST_CASE("What codes leave out is no more than they say, for any finite vector") {
  std::mt19937 random(4);
  for (const std::size_t dimension : {1U, 2U, 63U, 64U, 65U, 100U, 768U, 4096U})
    for (const shape of : all_shapes)
      for (int round = 0; round < 5; ++round) {
        const auto v = make_vector(random, dimension, of);
        std::vector<std::int8_t> codes(code_stride(dimension), 1);
        const quantized_vector q = quantize(v, codes.data());
        long double square = 0;
        long double left = 0;
        for (std::size_t i = 0; i < dimension; ++i) {
          const long double x = v[i];
          const long double d = x - static_cast<long double>(codes[i]) * q.unit_scale * q.norm;
          square += x * x;
          left += d * d;
          REQUIRE(codes[i] >= -127);
        }
        for (std::size_t i = dimension; i < codes.size(); ++i)
          REQUIRE(codes[i] == 0);
        CAPTURE(dimension, static_cast<int>(of));
        REQUIRE((q.norm == 0.0) == (square == 0.0L));
        REQUIRE(std::abs(static_cast<long double>(q.norm) - std::sqrt(square))
                <= 1e-12L * std::sqrt(square));
        REQUIRE(std::sqrt(left) <= static_cast<long double>(q.unit_residual) * q.norm);
        // And not much more: half a step a component.
        const double half_steps =
          0.5 * static_cast<double>(q.unit_scale) * std::sqrt(static_cast<double>(dimension));
        REQUIRE(static_cast<double>(q.unit_residual) <= half_steps * 1.001 + 1e-9);
      }
}
