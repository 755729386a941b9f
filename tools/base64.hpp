#pragma once
// Bytes as text and back: RFC 4648, section 4, with padding.

#include <optional>
#include <string>
#include <string_view>

namespace cmem::tools {

[[nodiscard]] std::string to_base64(std::string_view bytes);
/// Nothing unless `text` is what to_base64() writes: padded, without line breaks, and zero in the
/// bits that no byte uses.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

} // namespace cmem::tools
