#pragma once
// Lines that parse_line() reads back to the same: equal items make equal bytes.

#include "storage/graph_snapshot.hpp"

#include <string>
#include <string_view>

namespace cmem::tools {

/// How a line names a concept: by its name; in hex where it has none, and where its name is no
/// UTF-8 or would be read as hex (the concept's own line then has it as "name_base64").
[[nodiscard]] std::string line_name(const concept_view& c);

/// Shortest text that is read back as the same number. Precondition: finite.
[[nodiscard]] std::string show_float(float x);

/// Each appends one line. Times and counts are left out: learning sets them anew.
void append_concept(std::string& out, const concept_view& c);
/// `source` and `target` as line_name() has them.
void append_association(std::string& out, std::string_view source, std::string_view target,
                        std::string_view kind, float confidence, float weight);

} // namespace cmem::tools
