// get, neighbors and path: questions to the snapshot that a store opens with.

#include "tools/jsonl_writer.hpp"
#include "tools/shown.hpp"
#include "tools/store_commands.hpp"
#include "tools/store_opening.hpp"

namespace cmem::tools {
namespace {

using nlohmann::ordered_json;

failure not_there(const std::string& id) {
  return {errc::not_found,
          "concept " + show_text(id) + " is not in the store; an ID is 32 hex digits or a name"};
}

ordered_json concept_json(const concept_view& v, const graph_snapshot& s) {
  ordered_json j;
  j["id"] = v.id().hex();
  if (!v.name().empty())
    put_text(j, "name", v.name());
  put_text(j, "content", v.content());
  j["strength"] = json_number(v.strength());
  j["confidence"] = json_number(v.confidence());
  if (!v.vector().empty())
    for (const float x : v.vector())
      j["vector"].push_back(json_number(x));
  attribute_reader attributes = v.attributes();
  j["attributes"] = ordered_json::object();
  for (attribute_update a; attributes.next(a);)
    j["attributes"][show_text(a.key)] = show_text(a.value.value_or(std::string_view()));
  j["created_us"] = v.created();
  j["last_accessed_us"] = v.last_accessed();
  j["access_count"] = v.access_count();
  j["outgoing"] = s.out(v.index()).size();
  j["incoming"] = s.in(v.index()).size();
  return j;
}

void print_concept(std::ostream& out, const concept_view& v, const graph_snapshot& s) {
  out << show_name(v) << "\n  id            " << v.id().hex() << "\n  content       "
      << show_text(v.content()) << "\n  strength      " << show_float(v.strength())
      << "\n  confidence    " << show_float(v.confidence()) << '\n';
  if (!v.vector().empty()) {
    out << "  vector       ";
    for (const float x : v.vector())
      out << ' ' << show_float(x);
    out << '\n';
  }
  attribute_reader attributes = v.attributes();
  for (attribute_update a; attributes.next(a);)
    out << "  attribute     " << show_text(a.key) << " = "
        << show_text(a.value.value_or(std::string_view())) << '\n';
  out << "  created       " << show_time(v.created()) << "\n  last accessed "
      << show_time(v.last_accessed()) << ", " << v.access_count() << " times\n  associations  "
      << s.out(v.index()).size() << " outgoing, " << s.in(v.index()).size() << " incoming\n";
}

/// Names as commands take them again.
ordered_json names_of(const graph_snapshot& s, const path& p) {
  ordered_json names = ordered_json::array();
  names.push_back(line_name(s.at(p.source)));
  for (const path_step& step : p.steps)
    names.push_back(line_name(s.at(step.index)));
  return names;
}

ordered_json path_json(const graph_snapshot& s, const kind_registry& kinds,
                       const std::optional<path>& p) {
  ordered_json j;
  j["found"] = p.has_value();
  j["hops"] = p ? ordered_json(p->hops()) : ordered_json();
  j["path"] = p ? names_of(s, *p) : ordered_json::array();
  j["kinds"] = ordered_json::array();
  if (p)
    for (const path_step& step : p->steps)
      j["kinds"].push_back(std::string(kinds.name_of(step.kind)));
  j["confidence"] = p ? ordered_json(p->confidence) : ordered_json();
  return j;
}

void print_path(std::ostream& out, const graph_snapshot& s, const kind_registry& kinds,
                const path& p) {
  out << show_name(s.at(p.source)) << '\n';
  for (const path_step& step : p.steps)
    out << "  -[" << show_text(kinds.name_of(step.kind)) << ' ' << show_float(step.confidence)
        << "]-> " << show_name(s.at(step.index)) << '\n';
  out << p.hops() << " hops, confidence " << show_float(static_cast<float>(p.confidence)) << '\n';
}

} // namespace

int get_command(const get_arguments& a, const console& c) {
  const auto memory = open_store(a.store, {}, c);
  if (!memory)
    return fail(c, memory.error());
  const auto s = (*memory)->share();
  const auto found = s->find(parse_id(a.id));
  if (!found)
    return fail(c, not_there(a.id));
  if (a.json)
    c.out << dump(concept_json(*found, *s)) << '\n';
  else
    print_concept(c.out, *found, *s);
  return exit_ok;
}

int neighbors_command(const neighbors_arguments& a, const console& c) {
  const auto memory = open_store(a.store, {}, c);
  if (!memory)
    return fail(c, memory.error());
  const kind_registry& kinds = (*memory)->known_kinds();
  neighbor_filter filter;
  filter.confidence_min = a.min_confidence;
  filter.limit = a.limit;
  if (a.kind) {
    filter.kind = kinds.find(*a.kind);
    if (!filter.kind)
      return fail(c, {errc::unknown_kind, "kind " + show_text(*a.kind) + " is not in the store"});
  }
  const auto s = (*memory)->share();
  const auto id = parse_id(a.id);
  const auto direction = a.incoming ? direction::incoming : direction::outgoing;
  const auto found = neighbors(*s, id, direction, filter);
  if (!found)
    return fail(c, not_there(a.id));
  ordered_json j;
  j["id"] = id.hex();
  j["direction"] = a.incoming ? "incoming" : "outgoing";
  j["neighbors"] = ordered_json::array();
  for (const neighbor& n : *found) {
    const concept_view other = s->at(n.index);
    const std::string kind(kinds.name_of(n.kind));
    if (!a.json) {
      c.out << show_name(other) << "  " << show_text(kind) << ", confidence "
            << show_float(n.confidence) << ", weight " << show_float(n.weight) << '\n';
      continue;
    }
    ordered_json one;
    one["id"] = other.id().hex();
    if (!other.name().empty())
      put_text(one, "name", other.name());
    one["kind"] = kind;
    one["confidence"] = json_number(n.confidence);
    one["weight"] = json_number(n.weight);
    j["neighbors"].push_back(std::move(one));
  }
  if (a.json)
    c.out << dump(j) << '\n';
  return exit_ok;
}

int path_command(const path_arguments& a, const console& c) {
  const auto memory = open_store(a.store, {}, c);
  if (!memory)
    return fail(c, memory.error());
  const auto s = (*memory)->share();
  for (const auto& end : {a.from, a.to})
    if (!s->find(parse_id(end)))
      return fail(c, not_there(end));
  path_scratch scratch;
  const auto found = find_path(*s, parse_id(a.from), parse_id(a.to), a.max_depth, scratch);
  if (!found)
    return fail(c, found.error());
  if (a.json)
    c.out << dump(path_json(*s, (*memory)->known_kinds(), *found)) << '\n';
  else if (*found)
    print_path(c.out, *s, (*memory)->known_kinds(), **found);
  else
    c.out << "no path within " << a.max_depth << " hops\n";
  return exit_ok;
}

} // namespace cmem::tools
