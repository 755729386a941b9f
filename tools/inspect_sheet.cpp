#include "tools/inspect_sheet.hpp"

#include "tools/report.hpp"
#include "tools/shown.hpp"

#include <array>
#include <cstdio>

namespace cmem::tools {

using nlohmann::ordered_json;

void inspect_sheet::add(const ordered_json& finding) {
  if (json_) {
    out_ << dump(finding, -1) << '\n';
    return;
  }
  const char* before = "";
  for (const auto& [key, value] : finding.items()) {
    out_ << before << (key == "what" ? "" : key + " ")
         << (value.is_string() ? show_text(value.get_ref<const std::string&>()) : dump(value, -1));
    before = key == "what" ? ": " : ", ";
  }
  out_ << '\n';
}

void inspect_sheet::add_record(const ordered_json& finding) {
  if (!room()) {
    ++not_shown_;
    return;
  }
  ++shown_;
  add(finding);
}

void inspect_sheet::add_rest(std::uint64_t records) {
  if (records != 0)
    add({{"what", "more"}, {"records_not_shown", records}, {"see", "--limit"}});
}

std::string hex_number(std::uint64_t n) {
  std::array<char, 20> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(n));
  return text.data();
}

std::string shortened(std::string_view text) {
  constexpr std::size_t shown = 60;
  if (text.size() <= shown)
    return std::string(text);
  std::size_t end = shown;
  while (end > shown - 4 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end; // not within a character
  return std::string(text.substr(0, end)) + "…";
}

} // namespace cmem::tools
