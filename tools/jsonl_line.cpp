#include "tools/jsonl_line.hpp"

#include "tools/base64.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace cmem::tools {
namespace {

using nlohmann::json;

/// What is wrong with the line.
struct bad_line {
  std::string what;
};

const json* member(const json& j, const char* key, bool required = false) {
  const auto at = j.find(key);
  if (at != j.end())
    return &*at;
  if (required)
    throw bad_line{std::string("needs \"") + key + "\""};
  return nullptr;
}

// A list or object is not written out: that recurses as deep as it is nested.
std::string show(const json& v) {
  return v.is_structured() ? "an " + std::string(v.type_name()) : v.dump();
}

const std::string& text(const json& v, std::string_view key) {
  if (!v.is_string())
    throw bad_line{"\"" + std::string(key) + "\" is " + show(v) + ": must be a text"};
  return v.get_ref<const std::string&>();
}

std::string text_of(const json& j, const char* key, bool required = false) {
  const json* v = member(j, key, required);
  return v == nullptr ? std::string() : text(*v, key);
}

std::string bytes_of(const std::string& encoded, const std::string& key) {
  auto bytes = from_base64(encoded);
  if (!bytes)
    throw bad_line{"\"" + key + "\" is no base64: must be groups of four digits, padded with ="};
  return std::move(*bytes);
}

/// The text under `key`, or the bytes under `key`_base64.
std::string text_or_bytes(const json& j, const char* key) {
  const std::string encoded = std::string(key) + "_base64";
  const json* v = member(j, encoded.c_str());
  if (v == nullptr)
    return text_of(j, key);
  if (member(j, key) != nullptr)
    throw bad_line{"has both \"" + std::string(key) + "\" and \"" + encoded + "\""};
  return bytes_of(text(*v, encoded), encoded);
}

float number(const json& v, std::string_view key, double least, double most) {
  const double x = v.is_number() ? v.get<double>() : std::nan("");
  if (!(x >= least && x <= most))
    throw bad_line{"\"" + std::string(key) + "\" is " + show(v) + ": must be a number from "
                   + json(least).dump() + " to " + json(most).dump()};
  return static_cast<float>(x);
}

float number_of(const json& j, const char* key, double most) {
  const json* v = member(j, key);
  return v == nullptr ? 1.0F : number(*v, key, 0, most);
}

void refuse_unknown(const json& j, std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : j.items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      throw bad_line{"unknown key \"" + key + "\""};
}

line_end end_of(const json& j, const char* key) {
  std::string name = text_of(j, key, true);
  if (name.empty())
    throw bad_line{std::string("\"") + key + "\" is empty: must be 32 hex digits or a name"};
  if (const auto id = concept_id::from_hex(name))
    return {*id, {}};
  const auto id = concept_id::from_name(name);
  return {id, std::move(name)};
}

std::vector<float> vector_of(const json& j) {
  std::vector<float> numbers;
  const json* v = member(j, "vector");
  if (v == nullptr)
    return numbers;
  if (!v->is_array() || v->empty())
    throw bad_line{"\"vector\" must be a list of numbers"};
  constexpr double most = std::numeric_limits<float>::max();
  numbers.reserve(v->size());
  for (const auto& x : *v)
    numbers.push_back(number(x, "vector", -most, most));
  return numbers;
}

void read_attributes(const json& j, const char* member_key, bool encoded, data_concept& c) {
  const json* a = member(j, member_key);
  if (a == nullptr)
    return;
  if (!a->is_object())
    throw bad_line{"\"" + std::string(member_key) + "\" must be an object of texts"};
  for (const auto& [key, value] : a->items()) {
    if (!value.is_string())
      throw bad_line{"attribute \"" + key + "\" is " + show(value) + ": must be a text"};
    const auto& of = value.get_ref<const std::string&>();
    if (encoded)
      c.attributes.emplace_back(bytes_of(key, member_key), bytes_of(of, member_key));
    else
      c.attributes.emplace_back(key, of);
  }
}

data_concept read_concept(const json& j) {
  refuse_unknown(j, {"type", "id", "name_base64", "content", "content_base64", "strength",
                     "confidence", "vector", "attributes", "attributes_base64"});
  data_concept c;
  line_end self = end_of(j, "id");
  c.id = self.id;
  c.name = std::move(self.name);
  if (member(j, "name_base64") != nullptr) {
    if (!c.name.empty())
      throw bad_line{"has a name in \"id\" and \"name_base64\": one must be enough"};
    c.name = bytes_of(text_of(j, "name_base64"), "name_base64");
    if (concept_id::from_name(c.name) != c.id)
      throw bad_line{"\"name_base64\" is not the name of this \"id\""};
  }
  c.content = text_or_bytes(j, "content");
  c.strength = number_of(j, "strength", std::numeric_limits<float>::max());
  c.confidence = number_of(j, "confidence", 1);
  c.vector = vector_of(j);
  read_attributes(j, "attributes", false, c);
  read_attributes(j, "attributes_base64", true, c);
  return c;
}

line_association read_association(const json& j) {
  refuse_unknown(j, {"type", "source", "target", "kind", "kind_base64", "confidence", "weight"});
  line_association a;
  a.confidence = number_of(j, "confidence", 1);
  a.weight = number_of(j, "weight", std::numeric_limits<float>::max());
  const bool named = member(j, "kind") != nullptr || member(j, "kind_base64") != nullptr;
  a.kind = named ? text_or_bytes(j, "kind") : "semantic";
  if (a.kind.empty())
    throw bad_line{"\"kind\" is empty: must be a name"};
  a.source = end_of(j, "source");
  a.target = end_of(j, "target");
  return a;
}

line_item read_item(std::string_view line) {
  json j;
  try {
    j = json::parse(line);
  } catch (const json::exception& e) { // a number too large is no parse_error
    throw bad_line{std::string("not JSON: ") + e.what()};
  }
  if (!j.is_object())
    throw bad_line{"must be a JSON object, {…}"};
  const std::string type = text_of(j, "type", true);
  if (type == "concept")
    return read_concept(j);
  if (type == "association")
    return read_association(j);
  throw bad_line{"type is \"" + type + "\": must be \"concept\" or \"association\""};
}

} // namespace

result<line_item> parse_line(std::string_view text) {
  try {
    return read_item(text);
  } catch (const bad_line& bad) {
    return failure{errc::parse_error, bad.what};
  }
}

} // namespace cmem::tools
