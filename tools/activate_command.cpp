// activate shows what comes to mind with concepts, and why.

#include "tools/jsonl_writer.hpp"
#include "tools/shown.hpp"
#include "tools/shown_path.hpp"
#include "tools/store_commands.hpp"
#include "tools/store_opening.hpp"

namespace cmem::tools {
namespace {

using nlohmann::ordered_json;

ordered_json answer_json(const graph_snapshot& s, const kind_registry& kinds,
                         const activation_answer& found, bool directions) {
  ordered_json j;
  j["hits"] = ordered_json::array();
  for (const activation_hit& h : found.hits) {
    const concept_view v = s.at(h.index);
    ordered_json one;
    one["id"] = v.id().hex();
    if (!v.name().empty())
      put_text(one, "name", v.name());
    one["activation"] = h.activation;
    one["carried"] = h.carried;
    one.update(path_json(s, kinds, h.way, directions));
    j["hits"].push_back(std::move(one));
  }
  j["reached"] = found.visited;
  j["hops"] = found.hops;
  j["end"] = to_string(found.end);
  return j;
}

void print_answer(std::ostream& out, const graph_snapshot& s, const kind_registry& kinds,
                  const activation_answer& found) {
  for (const activation_hit& h : found.hits) {
    const concept_view v = s.at(h.index);
    out << show_float(static_cast<float>(h.activation)) << "  " << show_name(v.id(), v.name())
        << '\n';
    print_steps(out, s, kinds, h.way, "    ");
  }
  if (found.hits.empty())
    out << "nothing comes to mind\n";
  note_partial(out, found.end);
}

} // namespace

int activate_command(const activate_arguments& a, const console& c) {
  const auto memory = open_store(a.store, {}, c);
  if (!memory)
    return fail(c, memory.error());
  const auto s = (*memory)->share();
  const kind_registry& kinds = (*memory)->known_kinds();
  std::vector<basic_activation_seed<concept_id>> seeds;
  for (const std::string& id : a.ids) {
    seeds.push_back({parse_id(id), a.energy});
    if (!s->find(seeds.back().at))
      return fail(c, not_there(id));
  }
  const auto filter = to_filter(a.bounds, kinds);
  if (!filter)
    return fail(c, filter.error());
  activation_query query;
  query.hops = a.hops;
  query.decay = a.decay;
  query.threshold = a.threshold;
  query.top_k = a.top;
  query.fan_effect = a.fan;
  query.filter = *filter;
  query.limits = to_limits(a.bounds);
  context_scratch scratch;
  const auto found = activate(*s, seeds, query, scratch);
  if (!found)
    return fail(c, found.error());
  if (a.json)
    c.out << dump(answer_json(*s, kinds, *found, a.bounds.direction != "out")) << '\n';
  else
    print_answer(c.out, *s, kinds, *found);
  return exit_ok;
}

} // namespace cmem::tools
