// Times, marks, half-lives and reasons.

#include "storage/retention.hpp"
#include "tests/catch.hpp"

#include <cmath>
#include <limits>
#include <vector>

using namespace cmem;

namespace {

constexpr timestamp_us second = 1'000'000;

retention_marks marks(std::vector<attribute_update> attributes) {
  std::vector<std::byte> bytes(encoded_attribute_bytes(attributes));
  bytes.resize(encode_attributes(attributes, bytes));
  return marks_of(attribute_reader(bytes));
}

} // namespace

TEST_CASE("a time is written as RFC 3339 has it, and read again") {
  CHECK(format_time(0) == "1970-01-01T00:00:00Z");
  CHECK(format_time(1'801'382'400 * second) == "2027-01-31T08:00:00Z");
  CHECK(format_time(1'801'382'400 * second + 250'000) == "2027-01-31T08:00:00.250000Z");
  CHECK(format_time(951'782'399 * second) == "2000-02-28T23:59:59Z");
  CHECK(format_time(951'782'400 * second) == "2000-02-29T00:00:00Z"); // a leap year
  for (const timestamp_us t : {timestamp_us{0}, timestamp_us{1}, 951'782'400 * second + 999'999,
                               4'107'542'399 * second, 253'402'300'799 * second})
    CHECK(parse_time(format_time(t)) == t);
  CHECK(parse_time("2027-01-31T08:00:00.25Z") == 1'801'382'400 * second + 250'000);
  CHECK(parse_time("2027-01-31T08:00:00.0000019Z") == 1'801'382'400 * second + 1);
  for (const char* bad : {"",
                          "Z",
                          "never",
                          "2027-01-31",
                          "2027-01-31T08:00:00",
                          "2027-01-31T08:00:00+01:00",
                          "2027-01-31 08:00:00Z",
                          "2027-02-29T08:00:00Z",
                          "2027-13-01T08:00:00Z",
                          "2027-00-01T08:00:00Z",
                          "2027-01-31T24:00:00Z",
                          "2027-01-31T08:60:00Z",
                          "2027-01-31T08:00:60Z",
                          "2027-01-31T08:00:00.Z",
                          "2027-01-31T08:00:00.-1Z",
                          "2027-01-31T08:00:00,5Z",
                          "-027-01-31T08:00:00Z",
                          "1969-12-31T23:59:59Z",
                          "1801382400000000",
                          "2027-01-31T08:00:00ZZ",
                          " 2027-01-31T08:00:00Z"}) {
    INFO(bad);
    CHECK_FALSE(parse_time(bad));
  }
}

TEST_CASE("marks are attributes") {
  CHECK_FALSE(marks({}).pinned);
  CHECK_FALSE(marks({{"expires_at", "2027-01-31T08:00:00Z"}}).expires_at);
  const auto both =
    marks({{expires_at_key, "1970-01-01T00:00:01Z"}, {"a", "b"}, {pinned_key, "true"}});
  CHECK(both.expires_at == second);
  CHECK(both.pinned);
}

TEST_CASE("half of a strength is left after each half-life") {
  const strength_decay off{0, 1'000 * second};
  CHECK(off(8.0F, 0) == 8.0F);
  const strength_decay d{10 * second, 100 * second};
  CHECK(d(8.0F, 100 * second) == 8.0F);
  CHECK(d(8.0F, 90 * second) == 4.0F);
  CHECK(d(8.0F, 70 * second) == 1.0F);
  CHECK(d(8.0F, 95 * second) == Approx(8.0 / std::sqrt(2.0)));
  CHECK(d(8.0F, 101 * second) == 8.0F); // clocks differ: nothing grows
  CHECK(d(0.0F, 0) == 0.0F);
  // It ends at nothing, not at a number that is none.
  const strength_decay fast{1, std::numeric_limits<timestamp_us>::max()};
  CHECK(fast(std::numeric_limits<float>::max(), 0) == 0.0F);
  // In one step or in two: the same.
  const strength_decay first{10 * second, 87 * second};
  CHECK(d(first(5.0F, 31 * second), 87 * second) == Approx(d(5.0F, 31 * second)));
}

TEST_CASE("why a concept may be forgotten") {
  const retention_rules rules{true, 0.5F, 10 * second};
  const timestamp_us now = 100 * second;
  const retention_facts fine{1.0F, 95 * second, {now + 1, false}};
  CHECK_FALSE(reason_to_forget(fine, rules, now));
  retention_facts c = fine;
  c.marks.expires_at = now;
  CHECK(reason_to_forget(c, rules, now) == retention_reason::expired);
  CHECK_FALSE(reason_to_forget(c, {false, 0.5F, 10 * second}, now));
  c = fine;
  c.strength = 0.49F;
  CHECK(reason_to_forget(c, rules, now) == retention_reason::faded);
  c.strength = 0.5F;
  CHECK_FALSE(reason_to_forget(c, rules, now));
  c = fine;
  c.last_accessed = 90 * second;
  CHECK_FALSE(reason_to_forget(c, rules, now));
  c.last_accessed = 90 * second - 1;
  CHECK(reason_to_forget(c, rules, now) == retention_reason::unused);
  CHECK_FALSE(reason_to_forget(c, {true, 0.5F, 0}, now));
  c = {0.0F, 0, {0, true}}; // all three, and pinned
  CHECK_FALSE(reason_to_forget(c, rules, now));
  c.marks.pinned = false;
  CHECK(reason_to_forget(c, rules, now) == retention_reason::expired);
  // By default only what expires goes.
  CHECK_FALSE(reason_to_forget({0.0F, 0, {}}, {}, now));
}
