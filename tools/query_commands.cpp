// get and neighbors ask the segments where they can; path asks the snapshot that a store opens
// with.

#include "tools/concept_source.hpp"
#include "tools/jsonl_writer.hpp"
#include "tools/shown.hpp"
#include "tools/store_commands.hpp"

namespace cmem::tools {
namespace {

using nlohmann::ordered_json;

failure not_there(const std::string& id) {
  return {errc::not_found,
          "concept " + show_text(id) + " is not in the store; an ID is 32 hex digits or a name"};
}

ordered_json concept_json(const concept_record& r, std::uint64_t outgoing) {
  ordered_json j;
  j["id"] = r.id.hex();
  if (!r.name.empty())
    put_text(j, "name", r.name);
  put_text(j, "content", r.content);
  j["strength"] = json_number(r.strength);
  j["confidence"] = json_number(r.confidence);
  for (const float x : r.vector)
    j["vector"].push_back(json_number(x));
  j["attributes"] = ordered_json::object();
  for (const auto& [key, value] : r.attributes)
    j["attributes"][show_text(key)] = show_text(value);
  j["created_us"] = r.created;
  j["last_accessed_us"] = r.last_accessed;
  j["access_count"] = r.access_count;
  j["outgoing"] = outgoing;
  return j;
}

void print_concept(std::ostream& out, const concept_record& r, std::uint64_t outgoing) {
  out << show_name(r.id, r.name) << "\n  id            " << r.id.hex() << "\n  content       "
      << show_text(r.content) << "\n  strength      " << show_float(r.strength)
      << "\n  confidence    " << show_float(r.confidence) << '\n';
  if (!r.vector.empty()) {
    out << "  vector       ";
    for (const float x : r.vector)
      out << ' ' << show_float(x);
    out << '\n';
  }
  for (const auto& [key, value] : r.attributes)
    out << "  attribute     " << show_text(key) << " = " << show_text(value) << '\n';
  out << "  created       " << show_time(r.created) << "\n  last accessed "
      << show_time(r.last_accessed) << ", " << r.access_count << " times\n  outgoing      "
      << outgoing << " associations\n";
}

ordered_json neighbor_json(const found_neighbor& n) {
  ordered_json one;
  one["id"] = n.id.hex();
  if (!n.name.empty())
    put_text(one, "name", n.name);
  one["kind"] = n.kind;
  one["confidence"] = json_number(n.confidence);
  one["weight"] = json_number(n.weight);
  return one;
}

std::string show_name(const concept_view& v) { return tools::show_name(v.id(), v.name()); }

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
  const auto source = open_source(a.store, direction::outgoing, c);
  return source ? get_from(**source, a, c) : fail(c, source.error());
}

int get_from(const concept_source& from, const get_arguments& a, const console& c) {
  const auto id = parse_id(a.id);
  const auto found = from.get(id);
  if (!found)
    return fail(c, found.error());
  if (!*found)
    return fail(c, not_there(a.id));
  const auto outgoing = from.outgoing(id);
  if (!outgoing)
    return fail(c, outgoing.error());
  if (a.json)
    c.out << dump(concept_json(**found, *outgoing)) << '\n';
  else
    print_concept(c.out, **found, *outgoing);
  return exit_ok;
}

int neighbors_command(const neighbors_arguments& a, const console& c) {
  const auto source =
    open_source(a.store, a.incoming ? direction::incoming : direction::outgoing, c);
  return source ? neighbors_from(**source, a, c) : fail(c, source.error());
}

int neighbors_from(const concept_source& from, const neighbors_arguments& a, const console& c) {
  neighbor_filter filter;
  filter.confidence_min = a.min_confidence;
  filter.limit = a.limit;
  if (a.kind) {
    const auto kind = from.kinds().find(*a.kind);
    if (!kind)
      return fail(c, {errc::unknown_kind, "kind " + show_text(*a.kind) + " is not in the store"});
    filter.kinds.insert(*kind);
  }
  const auto id = parse_id(a.id);
  const auto found =
    from.neighbors(id, a.incoming ? direction::incoming : direction::outgoing, filter);
  if (!found)
    return fail(c, found.error().code == errc::not_found ? not_there(a.id) : found.error());
  ordered_json j;
  j["id"] = id.hex();
  j["direction"] = a.incoming ? "incoming" : "outgoing";
  j["neighbors"] = ordered_json::array();
  for (const found_neighbor& n : *found) {
    if (a.json)
      j["neighbors"].push_back(neighbor_json(n));
    else
      c.out << tools::show_name(n.id, n.name) << "  " << show_text(n.kind) << ", confidence "
            << show_float(n.confidence) << ", weight " << show_float(n.weight) << '\n';
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
