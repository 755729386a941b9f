// Fading and forgetting against a sequential model, on a store that is opened again now and then:
// any operations, marks, rules and jumps of time.

#include "tests/storage/model.hpp"
#include "tests/storage/operations.hpp"
#include "tests/storage/store_fixture.hpp"

#include <rapidcheck.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

using namespace cmem;
using namespace cmem::test;

namespace {

constexpr timestamp_us second = 1'000'000;

struct scene : store_fixture {
  timestamp_us half_life;
  model expected;
  std::vector<std::pair<ticket, errc>> pending;

  explicit scene(timestamp_us h) : store_fixture(1), half_life(h), expected(h) {
    options.strength_half_life = h;
    options.vector_dimension = vector_values.size();
    options.store->compaction.fan_in = 2;
    now = 1'000 * second;
    open();
  }

  template <class Op>
  void apply(const Op& o) {
    const auto t = memory->write(o);
    RC_ASSERT(t.has_value());
    pending.emplace_back(*t, expected.apply(o, now));
  }
  void mark(decoder& d, const concept_id& id) {
    const bool pin = d.below(4) == 0;
    const bool off = d.below(4) == 0;
    const std::string time = format_time(now + static_cast<timestamp_us>(d.below(200)) * second);
    attribute_update update{pin ? pinned_key : expires_at_key, std::nullopt};
    if (!off)
      update.value = pin ? std::string_view("true") : std::string_view(time);
    apply(write_op(op::set_attributes{id, {&update, 1}}));
  }
  void forget_if_due(decoder& d, const concept_id& id) {
    retention_rules rules;
    rules.expired = d.below(3) != 0;
    rules.strength_min = static_cast<float>(d.below(3));
    rules.unused_max = static_cast<timestamp_us>(d.below(3)) * 50 * second;
    apply(op::forget_if_due{id, rules});
  }
  void check() {
    reconcile();
    const auto s = memory->share();
    for (const auto& [t, e] : pending) {
      const settlement got = s->outcome(t);
      RC_ASSERT(got.what == (e == errc::ok ? fate::applied : fate::failed));
      RC_ASSERT(got.reason == e);
    }
    pending.clear();
    RC_ASSERT(difference(text_of(*s), expected.text(s->timestamp())) == "");
  }
  void open_again(bool dies) {
    check();
    if (dies) {
      commit();
      die();
    } else {
      RC_ASSERT(close().code == errc::ok);
    }
    open();
    check();
  }
  void flush() {
    check();
    memory->ask_for_flush();
    reconcile();
    while (*memory->flush()) {}
  }
  void compact() {
    flush();
    for (result<bool> more = true; *more; more = memory->compact(1'000)) {
      RC_ASSERT(more.has_value());
      (void) memory->reconcile();
    }
    check();
  }
};

} // namespace

TEST_CASE("strengths fade and concepts go as a sequential fold has it") {
  rc::detail::TestParams params = rc::detail::configuration().testParams;
  params.maxSuccess = static_cast<int>(sweep(2'000));
  params.maxSize = 100;
  const auto property = [] {
    const auto codes = *rc::gen::container<std::vector<std::uint64_t>>(
      static_cast<std::size_t>(*rc::gen::inRange(60, 120)),
      rc::gen::inRange<std::uint64_t>(0, ~0ULL));
    scene s(codes[0] % 3 == 0 ? 0 : static_cast<timestamp_us>(1 + codes[0] % 60) * second);
    for (const std::uint64_t code : codes) {
      decoder d(code);
      const std::uint32_t action = d.below(16);
      s.now += action == 0 ? static_cast<timestamp_us>(d.below(100)) * second : 10;
      const std::uint32_t i = d.below(ids);
      const concept_id id = concept_id::from_halves(i * 0x9E37'79B9ULL, i);
      if (action <= 1) {
        s.check();
      } else if (action == 2 && d.below(4) == 0) {
        s.open_again(d.below(2) == 0);
      } else if (action == 3 && d.below(4) == 0) {
        s.flush();
      } else if (action == 4 && d.below(4) == 0) {
        s.compact();
      } else if (action <= 5) {
        s.mark(d, id);
      } else if (action <= 7) {
        s.forget_if_due(d, id);
      } else {
        contents c;
        s.apply(operation(code / 16, c));
      }
    }
    s.check();
  };
  const auto outcome = rc::detail::checkTestable(property, rc::detail::TestMetadata{}, params);
  INFO("seed " << params.seed);
  rc::detail::printResultMessage(outcome, std::cerr);
  CHECK(outcome.template is<rc::detail::SuccessResult>());
}
