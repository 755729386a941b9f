// The engine against a sequential model: any operations, cut into any batches, with old snapshots
// held.

#include "storage/engine.hpp"
#include "tests/catch.hpp"
#include "tests/storage/model.hpp"
#include "tests/storage/operations.hpp"

#include <rapidcheck.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

using namespace cmem;
using namespace cmem::test;

namespace {

struct held_snapshot {
  snapshot_handle handle;
  std::string text;
};

} // namespace

TEST_CASE("snapshots are the fold of the entries that were applied", "[engine]") {
  const auto runs = cmem::test::sweep(10'000);
  rc::detail::TestParams params = rc::detail::configuration().testParams;
  params.maxSuccess = static_cast<int>(runs);
  params.maxSize = 100;
  const auto property = [] {
    const auto codes = *rc::gen::container<std::vector<std::uint64_t>>(
      static_cast<std::size_t>(*rc::gen::inRange(100, 160)),
      rc::gen::inRange<std::uint64_t>(0, ~0ULL));
    timestamp_us now = 1'000;
    engine_options options;
    options.vector_dimension = vector_values.size();
    options.arena_bytes = std::size_t{16} << 20;
    options.log_capacity = 200; // each costs a block made ready: most of a short run's time
    options.overflow = overflow_policy::reject;
    options.clock = [&now] { return now; };
    auto made = engine::create(options);
    RC_ASSERT(made.has_value());
    engine& memory = **made;
    model expected;
    std::vector<held_snapshot> held;
    std::vector<std::pair<ticket, errc>> pending;
    for (std::size_t i = 0; i < codes.size(); ++i) {
      now += 10;
      decoder d(codes[i]);
      const std::uint32_t action = d.below(8);
      if (action == 1) { // a batch of the next few
        std::array<contents, 4> texts;
        std::vector<write_op> ops;
        for (std::size_t k = 0; k < texts.size() && i + 1 < codes.size(); ++k)
          ops.push_back(operation(codes[++i] / 8, texts[k]));
        if (ops.empty())
          continue;
        const auto t = memory.learn_batch(ops);
        RC_ASSERT(t.has_value());
        pending.emplace_back(*t, expected.apply_batch(ops, now));
      } else if (action != 0) {
        contents c;
        const write_op o = operation(codes[i] / 8, c);
        const auto t = memory.write(o);
        RC_ASSERT(t.has_value());
        pending.emplace_back(*t, expected.apply(o, now));
      }
      if (action == 7 || i + 1 == codes.size()) {
        (void) memory.reconcile();
        const auto s = memory.share();
        for (const auto& [t, e] : pending) {
          const settlement want =
            e == errc::ok ? settlement{fate::applied, errc::ok} : settlement{fate::failed, e};
          const settlement got = s->outcome(t);
          RC_LOG() << "ticket " << t.number << ": " << to_string(got.reason) << ", expected "
                   << to_string(want.reason) << "\n";
          RC_ASSERT(got == want);
        }
        const std::string text = text_of(*s);
        RC_ASSERT(difference(text, expected.text()) == "");
        pending.clear();
        held.push_back({s, text});
        if (held.size() > 3)
          held.erase(held.begin() + d.below(3));
        for (const held_snapshot& h : held)
          RC_ASSERT(text_of(*h.handle) == h.text);
      }
    }
  };
  const auto outcome = rc::detail::checkTestable(property, rc::detail::TestMetadata{}, params);
  INFO("seed " << params.seed);
  rc::detail::printResultMessage(outcome, std::cerr);
  CHECK(outcome.template is<rc::detail::SuccessResult>());
}
