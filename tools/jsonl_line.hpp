#pragma once
// One line of JSON lines. The format is in docs/scenarios.md.

#include "storage/result.hpp"
#include "tools/dataset.hpp"

#include <string>
#include <variant>

namespace cmem::tools {

/// A concept as a line names it.
struct line_end {
  concept_id id;
  std::string name; ///< empty: named by id
};

struct line_association {
  line_end source;
  line_end target;
  std::string kind;
  float confidence = 1.0F;
  float weight = 1.0F;
};

using line_item = std::variant<data_concept, line_association>;

/// Knows nothing of other lines, and of limits only those of numbers. Fails (parse_error) with what
/// is wrong, for keys that it does not know as well. Threads: any.
result<line_item> parse_line(std::string_view text);

} // namespace cmem::tools
