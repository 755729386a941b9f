// path asks the snapshot that a store opens with.

#include "tools/jsonl_writer.hpp"
#include "tools/shown.hpp"
#include "tools/shown_path.hpp"
#include "tools/store_commands.hpp"
#include "tools/store_opening.hpp"

namespace cmem::tools {
namespace {

using nlohmann::ordered_json;

ordered_json answer_json(const graph_snapshot& s, const kind_registry& kinds,
                         const path_answer& found, const path_arguments& a) {
  const bool directions = a.bounds.direction != "out";
  ordered_json j;
  j["found"] = !found.found.empty();
  if (found.found.empty()) {
    j["hops"] = nullptr;
    j["path"] = ordered_json::array();
    j["kinds"] = ordered_json::array();
    j["confidence"] = nullptr;
  } else {
    j.update(path_json(s, kinds, found.found.front(), directions));
  }
  if (a.alternatives) {
    j["alternatives"] = ordered_json::array();
    for (std::size_t i = 1; i < found.found.size(); ++i)
      j["alternatives"].push_back(path_json(s, kinds, found.found[i], directions));
  }
  j["end"] = to_string(found.end);
  return j;
}

void print_answer(std::ostream& out, const graph_snapshot& s, const kind_registry& kinds,
                  const path_answer& found, const path_arguments& a) {
  bool first = true;
  for (const path& p : found.found) {
    if (!first)
      out << '\n';
    first = false;
    print_steps(out, s, kinds, p, "");
    out << p.hops() << " hops, confidence " << show_product(p.confidence) << '\n';
  }
  if (found.found.empty())
    out << (found.end == traversal_end::complete ? "no path within " : "no path found within ")
        << a.max_depth << " hops\n";
  note_partial(out, found.end);
}

} // namespace

int path_command(const path_arguments& a, const console& c) {
  const auto memory = open_store(a.store, {}, c);
  if (!memory)
    return fail(c, memory.error());
  const auto s = (*memory)->share();
  const kind_registry& kinds = (*memory)->known_kinds();
  for (const auto& end : {a.from, a.to})
    if (!s->find(parse_id(end)))
      return fail(c, not_there(end));
  path_query query;
  query.order = a.weighted ? path_order::most_confident : path_order::fewest_hops;
  query.max_depth = a.max_depth;
  query.alternatives = a.alternatives.value_or(1);
  const auto filter = to_filter(a.bounds, kinds);
  if (!filter)
    return fail(c, filter.error());
  query.filter = *filter;
  query.limits = to_limits(a.bounds);
  path_scratch scratch;
  const auto found = find_paths(*s, parse_id(a.from), parse_id(a.to), query, scratch);
  if (!found)
    return fail(c, found.error());
  if (a.json)
    c.out << dump(answer_json(*s, kinds, *found, a)) << '\n';
  else
    print_answer(c.out, *s, kinds, *found, a);
  return exit_ok;
}

} // namespace cmem::tools
