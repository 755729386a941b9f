#include "tools/shown.hpp"

#include "tools/base64.hpp"
#include "tools/jsonl_writer.hpp"

#include <array>
#include <charconv>
#include <ctime>

namespace cmem::tools {
namespace {

using nlohmann::ordered_json;

} // namespace

std::string show_text(std::string_view text) {
  const std::string quoted = dump(ordered_json(text), -1);
  return quoted.substr(1, quoted.size() - 2);
}

std::string show_name(const concept_id& id, std::string_view name) {
  return name.empty() ? id.hex() : show_text(name);
}

std::string show_time(timestamp_us t) {
  const timestamp_us micros = ((t % 1'000'000) + 1'000'000) % 1'000'000;
  const std::time_t seconds = (t - micros) / 1'000'000;
  std::tm parts{};
  std::array<char, 64> text{};
  if (::gmtime_r(&seconds, &parts) == nullptr)
    return std::to_string(t) + " us";
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  const std::string fraction = std::to_string(1'000'000 + micros).substr(1);
  return std::string(text.data()) + '.' + fraction + " UTC";
}

double json_number(float x) {
  const std::string text = show_float(x);
  double read = 0;
  std::from_chars(text.data(), text.data() + text.size(), read);
  return read;
}

std::string show_product(double x) {
  std::array<char, 32> digits;
  char* const begin = digits.data();
  return {begin, std::to_chars(begin, begin + digits.size(), x, std::chars_format::general, 7).ptr};
}

void put_text(ordered_json& j, const std::string& key, std::string_view text) {
  try {
    static_cast<void>(ordered_json(text).dump());
    j[key] = text;
  } catch (const ordered_json::type_error&) {
    j[key + "_base64"] = to_base64(text);
  }
}

std::string dump(const ordered_json& j, int indent) {
  return j.dump(indent, ' ', false, ordered_json::error_handler_t::replace);
}

} // namespace cmem::tools
