#include "messages/wire_fields.hpp"
#include "storage/limits.hpp"

#include <string_view>

namespace cmem::wire {

void save(writer& out, const hello& m) {
  out(m.lowest, m.newest);
  save(out, m.client);
  out(m.next_write);
  save_text(out, std::string_view(m.software).substr(0, software_bytes_max));
}
void load(reader& in, hello& m) {
  in(m.lowest, m.newest);
  load(in, m.client);
  in(m.next_write);
  m.software = load_text(in, software_bytes_max, "a name of software");
}

void save(writer& out, const list_kinds& m) { out(m.from); }
void load(reader& in, list_kinds& m) { in(m.from); }

void save(writer& out, const get_names& m) { save_all(out, m.ids); }
void load(reader& in, get_names& m) { load_all(in, m.ids, "a list of ids"); }

void save(writer& out, const msg::find& m) { save(out, m.id); }
void load(reader& in, msg::find& m) { load(in, m.id); }

namespace {

void save_kinds(writer& out, const std::vector<kind_id>& kinds) {
  save_list(out, kinds, [&](kind_id k) { out(k); });
}
void load_kinds(reader& in, std::vector<kind_id>& kinds) {
  load_list(in, kinds, kinds_max, "a list of kinds", [&](kind_id& k) { in(k); });
}

} // namespace

void save(writer& out, const msg::neighbors& m) {
  save(out, m.id);
  save_enum(out, m.towards);
  save_kinds(out, m.kinds);
  out(m.confidence_min, m.strength_min, m.limit);
}
void load(reader& in, msg::neighbors& m) {
  load(in, m.id);
  m.towards = load_enum(in, direction::both, "direction");
  load_kinds(in, m.kinds);
  in(m.confidence_min, m.strength_min, m.limit);
}

void save(writer& out, const msg::find_path& m) {
  save(out, m.source);
  save(out, m.target);
  out(m.max_depth);
}
void load(reader& in, msg::find_path& m) {
  load(in, m.source);
  load(in, m.target);
  in(m.max_depth);
}

namespace {

void save(writer& out, const msg::traversal_bounds& b) {
  save_kinds(out, b.kinds);
  out(b.confidence_min, b.strength_min);
  save_enum(out, b.along);
  out(b.within_us, b.visited_max);
}
void load(reader& in, msg::traversal_bounds& b) {
  load_kinds(in, b.kinds);
  in(b.confidence_min, b.strength_min);
  b.along = load_enum(in, direction::both, "direction");
  in(b.within_us, b.visited_max);
}

} // namespace

void save(writer& out, const msg::find_paths& m) {
  save(out, m.source);
  save(out, m.target);
  save_enum(out, m.order);
  out(m.max_depth, m.alternatives);
  save(out, m.bounds);
}
void load(reader& in, msg::find_paths& m) {
  load(in, m.source);
  load(in, m.target);
  m.order = load_enum(in, path_order::most_confident, "order of paths");
  in(m.max_depth, m.alternatives);
  load(in, m.bounds);
}

void save(writer& out, const msg::subgraph& m) {
  save_all(out, m.seeds);
  out(m.hops, m.concepts_max, m.associations_max);
  save(out, m.bounds);
}
void load(reader& in, msg::subgraph& m) {
  load_all(in, m.seeds, "a list of seeds");
  in(m.hops, m.concepts_max, m.associations_max);
  load(in, m.bounds);
}

void save(writer& out, const msg::activation_seed& s) {
  save(out, s.id);
  out(s.energy);
}
void load(reader& in, msg::activation_seed& s) {
  load(in, s.id);
  in(s.energy);
}

void save(writer& out, const msg::activate& m) {
  save_all(out, m.seeds);
  out(m.hops, m.decay, m.threshold, m.top_k);
  save_flag(out, m.fan_effect);
  save_flag(out, m.with_seeds);
  save(out, m.bounds);
}
void load(reader& in, msg::activate& m) {
  load_all(in, m.seeds, "a list of seeds");
  in(m.hops, m.decay, m.threshold, m.top_k);
  m.fan_effect = load_flag(in);
  m.with_seeds = load_flag(in);
  load(in, m.bounds);
}

namespace {

void save(writer& out, const msg::search_filter& f) {
  save_list(out, f.attributes, [&](const auto& a) {
    save_text(out, a.first);
    save_text(out, a.second);
  });
  out(f.confidence_min, f.strength_min);
  save_flag(out, f.any_id);
  save_all(out, f.ids);
}
void load(reader& in, msg::search_filter& f) {
  load_list(in, f.attributes, attributes_max, "attributes", [&](auto& a) {
    a.first = load_text(in, attribute_key_bytes_max, "an attribute's key");
    a.second = load_text(in, attribute_value_bytes_max, "an attribute's value");
  });
  in(f.confidence_min, f.strength_min);
  f.any_id = load_flag(in);
  load_all(in, f.ids, "a list of ids");
}

} // namespace

void save(writer& out, const msg::search& m) {
  save_text(out, m.text);
  save_flag(out, m.all_words);
  save_text(out, m.prefix);
  save_list(out, m.vector, [&](float x) { out(x); });
  save_all(out, m.near);
  save(out, m.filter);
  out(m.k, m.depth);
  save_enum(out, m.metric);
  save_flag(out, m.exact);
}
void load(reader& in, msg::search& m) {
  m.text = load_text(in, content_bytes_max, "a text to search for");
  m.all_words = load_flag(in);
  m.prefix = load_text(in, name_bytes_max, "the beginning of a name");
  load_list(in, m.vector, vector_dimension_max, "a vector", [&](float& x) { in(x); });
  load_all(in, m.near, "a list of concepts");
  load(in, m.filter);
  in(m.k, m.depth);
  m.metric = load_enum(in, vector_metric::l2, "metric");
  m.exact = load_flag(in);
}

void save(writer& out, const msg::register_kind& m) { save_text(out, m.name); }
void load(reader& in, msg::register_kind& m) {
  m.name = load_text(in, name_bytes_max, "a kind's name");
}

} // namespace cmem::wire
