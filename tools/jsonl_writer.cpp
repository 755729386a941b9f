#include "tools/jsonl_writer.hpp"

#include "tools/base64.hpp"

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

namespace cmem::tools {
namespace {

/// In quotes; nothing where it is no UTF-8.
std::optional<std::string> quoted(std::string_view text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::type_error&) {
    return std::nullopt;
  }
}

std::string quoted_base64(std::string_view bytes) { return '"' + to_base64(bytes) + '"'; }

/// `,"key":"text"`, or `,"key_base64":"…"`.
void append_text(std::string& out, const char* key, std::string_view text) {
  const auto plain = quoted(text);
  out.append(",\"").append(key).append(plain ? "\":" : "_base64\":");
  out += plain ? *plain : quoted_base64(text);
}

void append_number(std::string& out, const char* key, float x) {
  out.append(",\"").append(key).append("\":").append(show_float(x));
}

bool names_itself(std::string_view name) {
  return !name.empty() && !concept_id::from_hex(name) && quoted(name);
}

void append_attributes(std::string& out, const concept_view& c, bool plain) {
  std::string list;
  attribute_reader attributes = c.attributes();
  for (attribute_update a; attributes.next(a);) {
    const std::string_view value = a.value.value_or(std::string_view());
    const auto k = quoted(a.key);
    const auto v = quoted(value);
    if ((k && v) != plain)
      continue;
    list += list.empty() ? '{' : ',';
    list += (plain ? *k : quoted_base64(a.key)) + ':' + (plain ? *v : quoted_base64(value));
  }
  if (!list.empty())
    out.append(plain ? ",\"attributes\":" : ",\"attributes_base64\":").append(list) += '}';
}

} // namespace

std::string line_name(const concept_view& c) {
  return names_itself(c.name()) ? std::string(c.name()) : c.id().hex();
}

std::string show_float(float x) {
  std::array<char, 32> digits;
  char* const begin = digits.data();
  char* end = std::to_chars(begin, begin + digits.size(), x).ptr;
  // Readers take it for a double first, and rounding twice may end beside x.
  double read = 0;
  std::from_chars(begin, end, read);
  if (static_cast<float>(read) != x)
    end = std::to_chars(begin, begin + digits.size(), static_cast<double>(x)).ptr;
  return {begin, end};
}

void append_concept(std::string& out, const concept_view& c) {
  const std::string_view name = c.name();
  const bool plain = names_itself(name);
  out += "{\"type\":\"concept\",\"id\":";
  out += plain ? *quoted(name) : '"' + c.id().hex() + '"';
  if (!plain && !name.empty())
    out.append(",\"name_base64\":").append(quoted_base64(name));
  append_text(out, "content", c.content());
  append_number(out, "strength", c.strength());
  append_number(out, "confidence", c.confidence());
  std::vector<float> room;
  if (const std::span<const float> vector = c.vector().read(room); !vector.empty()) {
    char before = '[';
    out += ",\"vector\":";
    for (const float x : vector) {
      out += before;
      out += show_float(x);
      before = ',';
    }
    out += ']';
  }
  append_attributes(out, c, true);
  append_attributes(out, c, false);
  out += "}\n";
}

void append_association(std::string& out, std::string_view source, std::string_view target,
                        std::string_view kind, float confidence, float weight) {
  out += "{\"type\":\"association\"";
  append_text(out, "source", source);
  append_text(out, "target", target);
  append_text(out, "kind", kind);
  append_number(out, "confidence", confidence);
  append_number(out, "weight", weight);
  out += "}\n";
}

} // namespace cmem::tools
