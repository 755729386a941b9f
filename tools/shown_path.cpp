#include "tools/shown_path.hpp"

#include "tools/jsonl_writer.hpp"
#include "tools/shown.hpp"

#include <ostream>

namespace cmem::tools {

using nlohmann::ordered_json;

ordered_json path_json(const graph_snapshot& s, const kind_registry& kinds, const path& p,
                       bool directions) {
  ordered_json j;
  j["hops"] = p.hops();
  j["path"] = {line_name(s.at(p.source))};
  j["kinds"] = ordered_json::array();
  if (directions)
    j["directions"] = ordered_json::array();
  for (const path_step& step : p.steps) {
    j["path"].push_back(line_name(s.at(step.index)));
    j["kinds"].push_back(std::string(kinds.name_of(step.kind)));
    if (directions)
      j["directions"].push_back(step.along == direction::incoming ? "in" : "out");
  }
  j["confidence"] = p.confidence;
  return j;
}

void print_steps(std::ostream& out, const graph_snapshot& s, const kind_registry& kinds,
                 const path& p, std::string_view margin) {
  const auto name = [&s](std::uint32_t index) {
    const concept_view v = s.at(index);
    return show_name(v.id(), v.name());
  };
  out << margin << name(p.source) << '\n';
  for (const path_step& step : p.steps) {
    const bool back = step.along == direction::incoming;
    out << margin << (back ? "  <-[" : "  -[") << show_text(kinds.name_of(step.kind)) << ' '
        << show_float(step.confidence) << (back ? "]- " : "]-> ") << name(step.index) << '\n';
  }
}

} // namespace cmem::tools
