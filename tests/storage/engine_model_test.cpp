// The engine against a sequential model: any operations, cut into any batches, with old snapshots
// held.

#include "storage/engine.hpp"
#include "tests/catch.hpp"
#include "tests/storage/model.hpp"

#include <rapidcheck.h>

#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

using namespace cmem;
using cmem::test::model;
using cmem::test::text_of;

namespace {

/// Turns a number into an operation, so that shrinking a number simplifies the operation; 0 is
/// none.
class decoder {
public:
  explicit decoder(std::uint64_t code) : left_(code) {}

  std::uint32_t below(std::uint32_t n) {
    const auto r = static_cast<std::uint32_t>(left_ % n);
    left_ /= n;
    return r;
  }

private:
  std::uint64_t left_;
};

constexpr std::uint32_t ids = 12;
constexpr std::array<std::string_view, 3> names{"", "one name", "another name"};
constexpr std::array<float, 4> vector_values{1.0F, -2.0F, 0.5F, 4.0F};

/// Ids 0–9 have names sometimes (never two, save id 9, which collides); the rest none.
concept_ref ref_of(decoder& d) {
  const std::uint32_t i = d.below(ids);
  const concept_id id = concept_id::from_halves(i * 0x9E37'79B9ULL, i);
  const std::uint32_t n = d.below(8);
  if (n < 5)
    return id;
  return {id, names[i == 9 ? 1 + n % 2 : 1]};
}

struct contents {
  std::string text;
  std::vector<attribute_update> attributes;
  std::array<std::string, 3> keys;
};

write_op operation(std::uint64_t code, contents& c) {
  decoder d(code);
  const std::uint32_t what = d.below(16);
  const concept_ref a = ref_of(d);
  switch (what) {
    case 1:
    case 2:
    case 3:
    case 4: {
      c.text.assign(d.below(300), static_cast<char>('a' + d.below(26)));
      const bool with_vector = d.below(2) != 0;
      return op::learn_concept{
        a, c.text, with_vector ? std::span<const float>(vector_values) : std::span<const float>(),
        static_cast<float>(d.below(10)), static_cast<float>(d.below(5)) / 4};
    }
    case 5: return op::strengthen{a, static_cast<float>(d.below(9)) - 4};
    case 6: return op::record_access{a};
    case 7: {
      const std::uint32_t n = 1 + d.below(3);
      c.attributes.clear();
      for (std::uint32_t i = 0; i < n; ++i) {
        c.keys[i] = "key" + std::to_string(d.below(70));
        const std::uint32_t v = d.below(3);
        c.attributes.push_back(
          {c.keys[i], v == 0 ? std::nullopt : std::optional<std::string_view>(names[v])});
      }
      return op::set_attributes{a, c.attributes};
    }
    case 8: return op::forget_concept{a};
    default: break;
  }
  const concept_ref b = ref_of(d);
  const auto kind = static_cast<kind_id>(d.below(3));
  switch (what) {
    case 9: return op::forget_association{a, b, kind};
    case 10: return op::strengthen_association{a, b, kind, static_cast<float>(d.below(9)) - 4};
    case 11: return op::record_use{a, b, kind};
    default:
      return op::learn_association{a, b, kind, static_cast<float>(d.below(5)) / 4,
                                   static_cast<float>(d.below(10))};
  }
}

/// Lines that are in one text only; "" when the texts are equal.
std::string difference(const std::string& got, const std::string& expected) {
  const auto lines = [](const std::string& text) {
    std::istringstream in(text);
    std::set<std::string> all;
    for (std::string line; std::getline(in, line);)
      all.insert(line);
    return all;
  };
  const auto g = lines(got);
  const auto e = lines(expected);
  std::string text;
  for (const std::string& line : g)
    if (!e.contains(line))
      text += "got      " + line + "\n";
  for (const std::string& line : e)
    if (!g.contains(line))
      text += "expected " + line + "\n";
  return text.empty() && got != expected ? "only the order differs" : text;
}

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
