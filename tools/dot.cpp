#include "tools/dot.hpp"

#include "tools/jsonl_writer.hpp"
#include "tools/shown.hpp"
#include "tools/traversal_arguments.hpp"

#include <ostream>

namespace cmem::tools {

std::string dot_quoted(std::string_view text) {
  std::string quoted = "\"";
  const auto valid = nlohmann::json::parse(dump(nlohmann::ordered_json(text))).get<std::string>();
  for (const char c : valid) {
    if (c == '\n')
      quoted += "\\n";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      quoted += "\xEF\xBF\xBD"; // U+FFFD
    else if (c == '"' || c == '\\')
      (quoted += '\\') += c;
    else if (c == '&')
      quoted += "&amp;"; // graphviz reads entities
    else
      quoted += c;
  }
  return quoted += '"';
}

void write_dot(std::ostream& out, const graph_snapshot& s, const kind_registry& kinds,
               const subgraph_answer& found) {
  const auto node = [&s](std::uint32_t index) { return dot_quoted(s.node(index).id.hex()); };
  out << "digraph cmem {\n";
  note_partial(out, found.end, "  // ");
  if (found.concepts_cut || found.associations_cut)
    out << "  // more was left out\n";
  out << "  node [shape=box];\n";
  for (const subgraph_concept& c : found.concepts) {
    const concept_view v = s.at(c.index);
    out << "  " << node(c.index)
        << " [label=" << dot_quoted(v.name().empty() ? v.id().hex() : std::string(v.name()))
        << (c.hops == 0 ? ", style=bold" : "") << "];\n";
  }
  for (const subgraph_association& a : found.associations)
    out << "  " << node(a.source) << " -> " << node(a.target) << " [label="
        << dot_quoted(std::string(kinds.name_of(a.kind)) + ' ' + show_float(a.confidence))
        << "];\n";
  out << "}\n";
}

} // namespace cmem::tools
