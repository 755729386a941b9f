#include "tools/histogram.hpp"

#include "tests/catch.hpp"
#include "tools/random.hpp"

#include <algorithm>
#include <vector>

using namespace cmem::tools;

TEST_CASE("an empty histogram answers 0") {
  const histogram h;
  CHECK(h.count() == 0);
  CHECK(h.quantile(0.99) == 0);
  CHECK(h.summary() == latency_summary{});
}

TEST_CASE("buckets follow one another without gap or overlap") {
  for (std::size_t i = 0; i + 1 < histogram::buckets; ++i) {
    const std::int64_t edge = histogram::upper_edge(i);
    REQUIRE(histogram::bucket_of(edge) == i);
    REQUIRE(histogram::bucket_of(edge + 1) == i + 1);
  }
}

TEST_CASE("quantiles are never too low and at most one bucket too high") {
  random_numbers random(7);
  histogram h;
  std::vector<std::int64_t> values;
  for (int i = 0; i < 100'000; ++i) {
    const auto v = static_cast<std::int64_t>(random.next() >> (24 + random.below(40)));
    values.push_back(v);
    h.record(v);
  }
  std::sort(values.begin(), values.end());
  for (const double q : {0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = std::max<std::size_t>(
      static_cast<std::size_t>(std::ceil(q * static_cast<double>(values.size()))), 1);
    const auto exact = static_cast<double>(values[rank - 1]);
    const auto shown = static_cast<double>(h.quantile(q));
    CAPTURE(q, exact, shown);
    CHECK(shown >= exact);
    CHECK(shown <= exact * (1 + 1.0 / 64) + 1);
  }
  CHECK(h.max() == values.back());
}

TEST_CASE("a lone value is each of its quantiles") {
  histogram h;
  h.record(1'234'567);
  CHECK(h.summary() == latency_summary{1, 1'234'567, 1'234'567, 1'234'567, 1'234'567});
}

TEST_CASE("negative durations count as 0, too long ones keep their maximum") {
  histogram h;
  h.record(-5);
  CHECK(h.quantile(1) == 0);
  const std::int64_t day = 86'400LL * 1'000'000'000;
  h.record(day);
  CHECK(h.max() == day);
  CHECK(h.quantile(1) == day);
}

TEST_CASE("merging is recording everything into one") {
  histogram a, b, all;
  for (std::int64_t v = 1; v < 1'000'000; v = v * 3 + 1) {
    (v % 2 == 0 ? a : b).record(v);
    all.record(v);
  }
  a.merge(b);
  CHECK(a.summary() == all.summary());
  a.clear();
  CHECK(a.summary() == latency_summary{});
}
