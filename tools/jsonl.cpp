#include "tools/dataset.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <unordered_map>

namespace cmem::tools {
namespace {

using nlohmann::json;

/// What is wrong with a line; becomes a failure with its number.
struct bad_line {
  std::string what;
};

/// Ids in order of their first sight; sorted into learned ones and mere ends when all is read.
class reader {
public:
  void line(const std::string& text) {
    json j;
    try {
      j = json::parse(text);
    } catch (const json::exception& e) { // a number too large is no parse_error
      throw bad_line{std::string("not JSON: ") + e.what()};
    }
    if (!j.is_object())
      throw bad_line{"must be a JSON object, {…}"};
    const std::string type = text_of(j, "type", true);
    if (type == "concept")
      read_concept(j);
    else if (type == "association")
      read_association(j);
    else
      throw bad_line{"type is \"" + type + "\": must be \"concept\" or \"association\""};
  }

  dataset finish() && {
    // Concepts to learn first, each part in its order; associations follow them to their new
    // places.
    std::vector<std::uint32_t> place(found_.size());
    std::uint32_t next = 0;
    for (const bool learned : {true, false})
      for (std::size_t i = 0; i < found_.size(); ++i)
        if (learned_[i] == learned)
          place[i] = next++;
    out_.concepts.resize(found_.size());
    for (std::size_t i = 0; i < found_.size(); ++i)
      out_.concepts[place[i]] = std::move(found_[i]);
    out_.learnable = static_cast<std::size_t>(std::count(learned_.begin(), learned_.end(), true));
    for (auto& a : out_.associations) {
      a.source = place[a.source];
      a.target = place[a.target];
    }
    return std::move(out_);
  }

private:
  static const json* member(const json& j, const char* key, bool required = false) {
    const auto at = j.find(key);
    if (at != j.end())
      return &*at;
    if (required)
      throw bad_line{std::string("needs \"") + key + "\""};
    return nullptr;
  }
  // A list or object is not written out: that recurses as deep as it is nested.
  static std::string show(const json& v) {
    return v.is_structured() ? "an " + std::string(v.type_name()) : v.dump();
  }
  static std::string text_of(const json& j, const char* key, bool required = false) {
    const json* v = member(j, key, required);
    if (v == nullptr)
      return {};
    if (!v->is_string())
      throw bad_line{std::string("\"") + key + "\" is " + show(*v) + ": must be a text"};
    return v->get<std::string>();
  }
  static float number(const json& v, std::string_view key, double least, double most) {
    const double x = v.is_number() ? v.get<double>() : std::nan("");
    if (!(x >= least && x <= most))
      throw bad_line{"\"" + std::string(key) + "\" is " + show(v) + ": must be a number from "
                     + json(least).dump() + " to " + json(most).dump()};
    return static_cast<float>(x);
  }
  static float number_of(const json& j, const char* key, double most) {
    const json* v = member(j, key);
    return v == nullptr ? 1.0F : number(*v, key, 0, most);
  }
  static void refuse_unknown(const json& j, std::initializer_list<std::string_view> known) {
    for (const auto& [key, value] : j.items())
      if (std::find(known.begin(), known.end(), key) == known.end())
        throw bad_line{"unknown key \"" + key + "\""};
  }

  std::uint32_t index_of(const json& j, const char* key) {
    const std::string text = text_of(j, key, true);
    if (text.empty())
      throw bad_line{std::string("\"") + key + "\" is empty: must be 32 hex digits or a name"};
    const auto hex = concept_id::from_hex(text);
    const concept_id id = hex ? *hex : concept_id::from_name(text);
    const auto [at, added] = index_.try_emplace(id, static_cast<std::uint32_t>(found_.size()));
    if (added) {
      found_.emplace_back().id = id;
      learned_.push_back(false);
    }
    auto& name = found_[at->second].name;
    if (!hex && name.empty())
      name = text;
    return at->second;
  }

  void read_concept(const json& j) {
    refuse_unknown(j, {"type", "id", "content", "strength", "confidence", "vector", "attributes"});
    data_concept c;
    c.content = text_of(j, "content");
    c.strength = number_of(j, "strength", std::numeric_limits<float>::max());
    c.confidence = number_of(j, "confidence", 1);
    read_vector(j, c);
    read_attributes(j, c);
    const std::uint32_t index = index_of(j, "id");
    if (learned_[index])
      throw bad_line{"concept \"" + text_of(j, "id") + "\" is there already: ids must differ"};
    learned_[index] = true;
    c.id = found_[index].id;
    c.name = std::move(found_[index].name);
    found_[index] = std::move(c);
  }

  void read_vector(const json& j, data_concept& c) {
    const json* v = member(j, "vector");
    if (v == nullptr)
      return;
    if (!v->is_array() || v->empty())
      throw bad_line{"\"vector\" must be a list of numbers"};
    constexpr double most = std::numeric_limits<float>::max();
    for (const auto& x : *v)
      c.vector.push_back(number(x, "vector", -most, most));
    const auto dimension = static_cast<std::uint32_t>(c.vector.size());
    if (out_.vector_dimension == 0)
      out_.vector_dimension = dimension;
    if (out_.vector_dimension != dimension)
      throw bad_line{"\"vector\" has " + std::to_string(dimension) + " numbers, the first one had "
                     + std::to_string(out_.vector_dimension) + ": all must have as many"};
  }

  static void read_attributes(const json& j, data_concept& c) {
    const json* a = member(j, "attributes");
    if (a == nullptr)
      return;
    if (!a->is_object())
      throw bad_line{"\"attributes\" must be an object of texts"};
    for (const auto& [key, value] : a->items()) {
      if (!value.is_string())
        throw bad_line{"attribute \"" + key + "\" is " + show(value) + ": must be a text"};
      c.attributes.emplace_back(key, value.get<std::string>());
    }
  }

  void read_association(const json& j) {
    refuse_unknown(j, {"type", "source", "target", "kind", "confidence", "weight"});
    data_association a;
    a.confidence = number_of(j, "confidence", 1);
    a.weight = number_of(j, "weight", std::numeric_limits<float>::max());
    a.kind = kind_of(member(j, "kind") == nullptr ? "semantic" : text_of(j, "kind"));
    a.source = index_of(j, "source");
    a.target = index_of(j, "target");
    out_.associations.push_back(a);
  }

  std::uint16_t kind_of(const std::string& name) {
    if (name.empty())
      throw bad_line{"\"kind\" is empty: must be a name"};
    const auto [at, added] =
      kinds_.try_emplace(name, static_cast<std::uint16_t>(out_.kinds.size()));
    if (added) {
      if (out_.kinds.size() == std::numeric_limits<std::uint16_t>::max())
        throw bad_line{"too many kinds"};
      out_.kinds.push_back(name);
    }
    return at->second;
  }

  dataset out_;
  std::vector<data_concept> found_;
  std::vector<bool> learned_; // parallel to found_
  std::unordered_map<concept_id, std::uint32_t> index_;
  std::unordered_map<std::string, std::uint16_t> kinds_;
};

} // namespace

result<dataset> read_jsonl(std::istream& in, const std::string& file) {
  reader r;
  std::string text;
  std::size_t number = 0;
  while (std::getline(in, text)) {
    ++number;
    if (text.find_first_not_of(" \t\r") == std::string::npos)
      continue;
    try {
      r.line(text);
    } catch (const bad_line& bad) {
      return failure{errc::parse_error, file + ":" + std::to_string(number) + ": " + bad.what};
    }
  }
  if (in.bad())
    return failure{errc::io_error, file + ": reading stopped after line " + std::to_string(number)};
  dataset d = std::move(r).finish();
  d.title = file;
  if (d.learnable == 0)
    return failure{errc::parse_error, file + ": has no concepts: add lines of type \"concept\""};
  return d;
}

} // namespace cmem::tools
