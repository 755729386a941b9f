// W7: every input that is refused at the call, one section each, and its neighbour that is not.

#include "storage/validate.hpp"

#include "tests/catch.hpp"

#include <limits>

using namespace cmem;

namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float tiny = std::numeric_limits<float>::denorm_min();
constexpr float large = std::numeric_limits<float>::max();

const kind_registry kinds_of_test;

/// "" when the operation is good, else the failure as text. As a write_op it must be judged the
/// same.
template <class Op>
std::string verdict(const Op& o, std::uint32_t dimension = 3) {
  const validation_rules rules{kinds_of_test, dimension};
  const auto text = [](const result<void>& r) { return r ? std::string() : to_string(r.error()); };
  const std::string said = text(validate(o, rules));
  CHECK(text(validate(write_op(o), rules)) == said);
  return said;
}

std::string bad(const std::string& detail) { return "invalid_argument: " + detail; }

op::learn_concept learn(float strength, float confidence) {
  return {.id = "a", .strength = strength, .confidence = confidence};
}
op::learn_association associate(float confidence, float weight, kind_id kind = kinds::causal) {
  return {.source = "a", .target = "b", .kind = kind, .confidence = confidence, .weight = weight};
}
op::learn_concept with_vector(std::span<const float> v) { return {.id = "a", .vector = v}; }

} // namespace

TEST_CASE("W7: confidence of a concept") {
  CHECK(verdict(learn(1, 0)).empty());
  CHECK(verdict(learn(1, 1)).empty());
  CHECK(verdict(learn(1, 1.5F)) == bad("confidence is 1.5: must lie within [0, 1]"));
  CHECK(verdict(learn(1, std::nextafter(1.0F, 2.0F)))
        == bad("confidence is 1.0000001: must lie within [0, 1]"));
  CHECK(verdict(learn(1, -tiny)) == bad("confidence is -1e-45: must lie within [0, 1]"));
  CHECK(verdict(learn(1, not_a_number)) == bad("confidence is nan: must lie within [0, 1]"));
  CHECK(verdict(learn(1, inf)) == bad("confidence is inf: must lie within [0, 1]"));
  CHECK(verdict(learn(1, -inf)) == bad("confidence is -inf: must lie within [0, 1]"));
}

TEST_CASE("W7: strength") {
  CHECK(verdict(learn(0, 1)).empty());
  CHECK(verdict(learn(large, 1)).empty());
  CHECK(verdict(learn(-tiny, 1)) == bad("strength is -1e-45: must be finite and at least 0"));
  CHECK(verdict(learn(not_a_number, 1)) == bad("strength is nan: must be finite and at least 0"));
  CHECK(verdict(learn(inf, 1)) == bad("strength is inf: must be finite and at least 0"));
}

TEST_CASE("W7: confidence and weight of an association") {
  CHECK(verdict(associate(0, 0)).empty());
  CHECK(verdict(associate(1, large)).empty());
  CHECK(verdict(associate(2, 1)) == bad("confidence is 2: must lie within [0, 1]"));
  CHECK(verdict(associate(not_a_number, 1)) == bad("confidence is nan: must lie within [0, 1]"));
  CHECK(verdict(associate(1, -1)) == bad("weight is -1: must be finite and at least 0"));
  CHECK(verdict(associate(1, not_a_number)) == bad("weight is nan: must be finite and at least 0"));
  CHECK(verdict(associate(1, inf)) == bad("weight is inf: must be finite and at least 0"));
}

TEST_CASE("W7: deltas") {
  CHECK(verdict(op::strengthen{"a", -large}).empty());
  CHECK(verdict(op::strengthen{"a", not_a_number}) == bad("delta is nan: must be finite"));
  CHECK(verdict(op::strengthen{"a", -inf}) == bad("delta is -inf: must be finite"));
  CHECK(verdict(op::strengthen_association{"a", "b", 0, -1}).empty());
  CHECK(verdict(op::strengthen_association{"a", "b", 0, inf})
        == bad("delta is inf: must be finite"));
}

TEST_CASE("W7: the vector's dimension") {
  const std::vector<float> v{1, 2, 3, 4};
  CHECK(verdict(with_vector({})).empty());
  CHECK(verdict(with_vector({}), 0).empty());
  CHECK(verdict(with_vector(std::span(v).first(3))).empty());
  CHECK(verdict(with_vector(v))
        == bad("vector has 4 numbers: must have 3, the memory's vector_dimension, or none"));
  CHECK(verdict(with_vector(std::span(v).first(2)))
        == bad("vector has 2 numbers: must have 3, the memory's vector_dimension, or none"));
  CHECK(verdict(with_vector(v), 0)
        == bad("vector has 4 numbers: this memory keeps no vectors, its vector_dimension is 0"));
}

TEST_CASE("W7: numbers of the vector, wherever they stand") {
  for (const std::size_t n : {1U, 3U, 16U, 100U})
    for (std::size_t at = 0; at < n; ++at) {
      std::vector<float> v(n, -large);
      const auto dimension = static_cast<std::uint32_t>(n);
      CHECK(verdict(with_vector(v), dimension).empty());
      const std::string field = "vector[" + std::to_string(at) + "]";
      v[at] = not_a_number;
      CHECK(verdict(with_vector(v), dimension) == bad(field + " is nan: must be finite"));
      v[at] = -not_a_number;
      CHECK_FALSE(verdict(with_vector(v), dimension).empty());
      v[at] = -inf;
      CHECK(verdict(with_vector(v), dimension) == bad(field + " is -inf: must be finite"));
    }
}

TEST_CASE("W7: content over the limit") {
  std::string content(content_bytes_max, 'c');
  CHECK(verdict(op::learn_concept{.id = "a", .content = content}).empty());
  content += 'c';
  CHECK(verdict(op::learn_concept{.id = "a", .content = content})
        == bad("content has 1048577 bytes: must have 0 to 1048576"));
}

TEST_CASE("W7: unregistered kinds, in every operation that has one") {
  const std::string said = "unknown_kind: kind is 5: only the kinds below 5 are registered";
  CHECK(verdict(associate(1, 1, 4)).empty());
  CHECK(verdict(associate(1, 1, 5)) == said);
  CHECK(verdict(op::strengthen_association{"a", "b", 5, 1}) == said);
  CHECK(verdict(op::record_use{"a", "b", 5}) == said);
  CHECK(verdict(op::forget_association{"a", "b", 5}) == said);
  CHECK(verdict(associate(1, 1, 0xFFFF))
        == "unknown_kind: kind is 65535: only the kinds below 5 are registered");
  kind_registry more;
  const kind_id added = more.add("antonym").value();
  CHECK(validate(associate(1, 1, added), {more, 0}));
}

TEST_CASE("W7: names, in every operation") {
  const std::string longest(name_bytes_max, 'n');
  const std::string longer = longest + "n";
  const auto all_ops = [](const concept_ref& r) {
    return std::vector<write_op>{op::learn_concept{.id = r},
                                 op::strengthen{r, 1},
                                 op::record_access{r},
                                 op::set_attributes{.id = r},
                                 op::forget_concept{r},
                                 op::learn_association{r, "b"},
                                 op::strengthen_association{r, "b"},
                                 op::record_use{r, "b"},
                                 op::forget_association{r, "b"},
                                 op::learn_association{"a", r},
                                 op::strengthen_association{"a", r},
                                 op::record_use{"a", r},
                                 op::forget_association{"a", r}};
  };
  const auto field = [](std::size_t i) {
    return i < 5 ? "name" : i < 9 ? "source name" : "target name";
  };
  const validation_rules rules{kinds_of_test, 0};
  for (std::size_t i = 0; i < all_ops("x").size(); ++i) {
    CHECK(validate(all_ops(longest)[i], rules));
    CHECK(validate(all_ops(concept_id{})[i], rules));
    CHECK(to_string(validate(all_ops(longer)[i], rules).error())
          == bad(std::string(field(i)) + " has 1025 bytes: must have 1 to 1024"));
    CHECK(to_string(validate(all_ops("")[i], rules).error())
          == bad(std::string(field(i)) + " has 0 bytes: must have 1 to 1024"));
  }
}

TEST_CASE("W7: attributes") {
  const auto with = [](std::span<const attribute_update> u) {
    return verdict(op::set_attributes{"a", u});
  };
  const std::string key(attribute_key_bytes_max + 1, 'k');
  const std::string value(attribute_value_bytes_max + 1, 'v');
  const std::string_view k = std::string_view(key).substr(1);
  const std::string_view v = std::string_view(value).substr(1);
  std::vector<attribute_update> u{{"fine", "yes"}, {k, v}, {"gone", std::nullopt}, {"empty", ""}};
  CHECK(with({}).empty());
  CHECK(with(u).empty());

  u[1] = {"", "x"};
  CHECK(with(u) == bad("attribute key has 0 bytes: must have 1 to 256"));
  u[1] = {key, "x"};
  CHECK(with(u) == bad("attribute key has 257 bytes: must have 1 to 256"));
  u[1] = {"color", value};
  CHECK(with(u) == bad("value of attribute `color` has 4097 bytes: must have 0 to 4096"));

  u.assign(attributes_max, {"k", "v"});
  CHECK(with(u).empty());
  u.push_back({"k", std::nullopt});
  CHECK(with(u) == bad("attributes are 65: must be at most 64"));
}
