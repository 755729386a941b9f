// get and neighbors ask the segments where they can.

#include "tools/concept_source.hpp"
#include "tools/jsonl_writer.hpp"
#include "tools/shown.hpp"
#include "tools/store_commands.hpp"

namespace cmem::tools {
namespace {

using nlohmann::ordered_json;

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

} // namespace cmem::tools
