#pragma once
// Operations made of numbers, on few concepts, so that they meet often.

#include "storage/records.hpp"

#include <array>
#include <cstdint>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace cmem::test {

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

inline constexpr std::uint32_t ids = 12;
inline constexpr std::array<std::string_view, 3> names{"", "one name", "another name"};
inline constexpr std::array<float, 4> vector_values{1.0F, -2.0F, 0.5F, 4.0F};

/// Ids 0–9 have names sometimes (never two, save id 9, which collides); the rest none.
inline concept_ref ref_of(decoder& d) {
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

inline write_op operation(std::uint64_t code, contents& c) {
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
inline std::string difference(const std::string& got, const std::string& expected) {
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

} // namespace cmem::test
