// expand shows what lies around concepts.

#include "tools/dot.hpp"
#include "tools/jsonl_writer.hpp"
#include "tools/shown.hpp"
#include "tools/store_commands.hpp"
#include "tools/store_opening.hpp"

namespace cmem::tools {
namespace {

using nlohmann::ordered_json;

ordered_json answer_json(const graph_snapshot& s, const kind_registry& kinds,
                         const subgraph_answer& found) {
  ordered_json j;
  j["concepts"] = ordered_json::array();
  for (const subgraph_concept& c : found.concepts) {
    const concept_view v = s.at(c.index);
    ordered_json one;
    one["id"] = v.id().hex();
    if (!v.name().empty())
      put_text(one, "name", v.name());
    one["hops"] = c.hops;
    j["concepts"].push_back(std::move(one));
  }
  j["associations"] = ordered_json::array();
  for (const subgraph_association& a : found.associations)
    j["associations"].push_back({{"source", line_name(s.at(a.source))},
                                 {"target", line_name(s.at(a.target))},
                                 {"kind", std::string(kinds.name_of(a.kind))},
                                 {"confidence", json_number(a.confidence)},
                                 {"weight", json_number(a.weight)}});
  j["hops"] = found.hops;
  j["concepts_cut"] = found.concepts_cut;
  j["associations_cut"] = found.associations_cut;
  j["end"] = to_string(found.end);
  return j;
}

void print_answer(std::ostream& out, const graph_snapshot& s, const kind_registry& kinds,
                  const subgraph_answer& found) {
  const auto name = [&s](std::uint32_t index) {
    const concept_view v = s.at(index);
    return show_name(v.id(), v.name());
  };
  for (const subgraph_concept& c : found.concepts)
    out << c.hops << "  " << name(c.index) << '\n';
  if (!found.associations.empty())
    out << '\n';
  for (const subgraph_association& a : found.associations)
    out << name(a.source) << " -[" << show_text(kinds.name_of(a.kind)) << ' '
        << show_float(a.confidence) << "]-> " << name(a.target) << '\n';
  out << '\n'
      << found.concepts.size() << " concepts, " << found.associations.size() << " associations\n";
  if (found.concepts_cut)
    out << "more concepts were left out: see --max-concepts\n";
  if (found.associations_cut)
    out << "less confident associations were left out: see --max-associations\n";
  note_partial(out, found.end);
}

} // namespace

int expand_command(const expand_arguments& a, const console& c) {
  const auto memory = open_store(a.store, {}, c);
  if (!memory)
    return fail(c, memory.error());
  const auto s = (*memory)->share();
  const kind_registry& kinds = (*memory)->known_kinds();
  std::vector<concept_id> seeds;
  for (const std::string& id : a.ids) {
    seeds.push_back(parse_id(id));
    if (!s->find(seeds.back()))
      return fail(c, not_there(id));
  }
  const auto filter = to_filter(a.bounds, kinds);
  if (!filter)
    return fail(c, filter.error());
  const subgraph_query query{a.hops, a.max_concepts, a.max_associations, *filter,
                             to_limits(a.bounds)};
  context_scratch scratch;
  const auto found = subgraph(*s, seeds, query, scratch);
  if (!found)
    return fail(c, found.error());
  if (a.json)
    c.out << dump(answer_json(*s, kinds, *found)) << '\n';
  else if (a.dot)
    write_dot(c.out, *s, kinds, *found);
  else
    print_answer(c.out, *s, kinds, *found);
  return exit_ok;
}

} // namespace cmem::tools
