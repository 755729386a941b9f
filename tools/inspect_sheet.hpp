#pragma once
// What the parts of `cmem inspect` share.

#include "storage/env.hpp"
#include "tools/store_commands.hpp"

#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <string_view>

namespace cmem::tools {

/// Findings, each a line: `what: key value, key value`, or a JSON object.
class inspect_sheet {
public:
  inspect_sheet(std::ostream& out, bool json, std::uint64_t limit)
    : out_(out), json_(json), limit_(limit) {}

  void add(const nlohmann::ordered_json& finding);
  /// One of many: shown as long as there is room for it.
  void add_record(const nlohmann::ordered_json& finding);
  [[nodiscard]] bool room() const noexcept { return shown_ < limit_; }
  [[nodiscard]] std::uint64_t shown() const noexcept { return shown_; }
  [[nodiscard]] std::uint64_t not_shown() const noexcept { return not_shown_; }
  /// That there is more, and how to see it.
  void add_rest(std::uint64_t records);

private:
  std::ostream& out_;
  const bool json_;
  const std::uint64_t limit_; // of records
  std::uint64_t shown_ = 0;
  std::uint64_t not_shown_ = 0;
};

/// 16 hex digits.
[[nodiscard]] std::string hex_number(std::uint64_t n);
/// As it begins, with an ellipsis where that is not all.
[[nodiscard]] std::string shortened(std::string_view text);

/// Of a file of that type. Fails: corrupt, unsupported, io_error; what was found before is shown.
result<void> inspect_manifest(const inspect_arguments& a, const env& e, inspect_sheet& to);
result<void> inspect_segment(const inspect_arguments& a, const env& e, inspect_sheet& to);
result<void> inspect_vectors(const inspect_arguments& a, const env& e, inspect_sheet& to);
result<void> inspect_log(const inspect_arguments& a, const env& e, inspect_sheet& to);

} // namespace cmem::tools
