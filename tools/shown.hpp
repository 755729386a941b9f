#pragma once
// What a store holds as people and programs read it.

#include "storage/graph_snapshot.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace cmem::tools {

/// Fit for a terminal: control characters escaped, what is no UTF-8 replaced.
[[nodiscard]] std::string show_text(std::string_view text);
/// The name, or the id in hex where there is none.
[[nodiscard]] std::string show_name(const concept_id& id, std::string_view name);
/// "2026-02-03 04:05:06.000007 UTC"
[[nodiscard]] std::string show_time(timestamp_us t);

/// A number that is written as briefly as the float allows.
[[nodiscard]] double json_number(float x);
/// A product of floats, with about as many digits as they have, however small it is.
[[nodiscard]] std::string show_product(double x);
/// Sets `key`, or `key`_base64 where the text is no UTF-8.
void put_text(nlohmann::ordered_json& j, const std::string& key, std::string_view text);
/// Two spaces of indentation; replaces what is no UTF-8.
[[nodiscard]] std::string dump(const nlohmann::ordered_json& j, int indent = 2);

} // namespace cmem::tools
