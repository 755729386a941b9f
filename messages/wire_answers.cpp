#include "messages/wire_fields.hpp"
#include "storage/limits.hpp"

#include <stdexcept>
#include <string>
#include <string_view>

namespace cmem::wire {

namespace {

void save(writer& out, const failure& f) {
  save_enum(out, f.code);
  save_text(out, std::string_view(f.detail).substr(0, detail_bytes_max));
}
void load(reader& in, failure& f) {
  std::uint8_t code = 0;
  in(code);
  f.code = static_cast<errc>(code); // one of a newer version keeps its number
  f.detail = load_text(in, detail_bytes_max, "the detail of an error");
}

/// For what has failed: users make results of it.
void check_code(errc code) {
  if (code == errc::ok)
    throw std::runtime_error("an error with the code of none");
}

} // namespace

void save(writer& out, const welcome& m) {
  out(m.version);
  save(out, m.node);
  out(m.written, m.sequence, m.frame_bytes, m.dimension);
  save_enum(out, m.level);
  save_flag(out, m.read_only);
}
void load(reader& in, welcome& m) {
  in(m.version);
  load(in, m.node);
  in(m.written, m.sequence, m.frame_bytes, m.dimension);
  m.level = load_enum(in, durability::sync, "level of durability");
  m.read_only = load_flag(in);
}

void save(writer& out, const refused& m) { save(out, m.why); }
void load(reader& in, refused& m) {
  load(in, m.why);
  check_code(m.why.code);
}

void save(writer& out, const failed_write& f) {
  out(f.number);
  save_enum(out, f.why);
}
void load(reader& in, failed_write& f) {
  std::uint8_t code = 0;
  in(f.number, code);
  f.why = static_cast<errc>(code);
  check_code(f.why);
}

void save(writer& out, const visible& m) {
  out(m.up_to);
  save_all(out, m.failed);
}
void load(reader& in, visible& m) {
  in(m.up_to);
  load_all(in, m.failed, "a list of writes");
}

void save(writer& out, const durable& m) {
  out(m.up_to);
  save(out, m.why);
}
void load(reader& in, durable& m) {
  in(m.up_to);
  load(in, m.why);
}

void save(writer& out, const not_taken& m) {
  out(m.first);
  save(out, m.why);
  out(m.retry_after_ms);
}
void load(reader& in, not_taken& m) {
  in(m.first);
  load(in, m.why);
  check_code(m.why.code);
  in(m.retry_after_ms);
}

void save(writer& out, const failed& m) {
  save(out, m.why);
  out(m.retry_after_ms);
}
void load(reader& in, failed& m) {
  load(in, m.why);
  check_code(m.why.code);
  in(m.retry_after_ms);
}

void save(writer& out, const msg::neighbor_list& m) {
  out(m.sequence);
  save_all(out, m.neighbors);
}
void load(reader& in, msg::neighbor_list& m) {
  in(m.sequence);
  load_all(in, m.neighbors, "a list of neighbors");
}

void save(writer& out, const msg::path_answer& m) {
  out(m.sequence);
  save_flag(out, m.found);
  save(out, m.path);
}
void load(reader& in, msg::path_answer& m) {
  in(m.sequence);
  m.found = load_flag(in);
  load(in, m.path);
}

void save(writer& out, const msg::path_list& m) {
  out(m.sequence);
  save_all(out, m.paths.found);
  save_enum(out, m.paths.end);
  out(m.paths.visited);
}
void load(reader& in, msg::path_list& m) {
  in(m.sequence);
  load_all(in, m.paths.found, "a list of paths");
  m.paths.end = load_enum(in, traversal_end::visited_max, "end of a traversal");
  in(m.paths.visited);
}

void save(writer& out, const distant_concept& c) {
  save(out, c.id);
  out(c.hops);
}
void load(reader& in, distant_concept& c) {
  load(in, c.id);
  in(c.hops);
}

void save(writer& out, const msg::subgraph_found& m) {
  out(m.sequence);
  save_all(out, m.subgraph.concepts);
  save_all(out, m.subgraph.associations);
  save_flag(out, m.subgraph.concepts_cut);
  save_flag(out, m.subgraph.associations_cut);
  save_enum(out, m.subgraph.end);
  out(m.subgraph.hops, m.subgraph.visited);
}
void load(reader& in, msg::subgraph_found& m) {
  in(m.sequence);
  load_all(in, m.subgraph.concepts, "a list of concepts");
  load_all(in, m.subgraph.associations, "a list of associations");
  m.subgraph.concepts_cut = load_flag(in);
  m.subgraph.associations_cut = load_flag(in);
  m.subgraph.end = load_enum(in, traversal_end::visited_max, "end of a traversal");
  in(m.subgraph.hops, m.subgraph.visited);
}

void save(writer& out, const activated_concept& c) {
  save(out, c.id);
  out(c.activation);
  save(out, c.way);
  out(c.carried);
}
void load(reader& in, activated_concept& c) {
  load(in, c.id);
  in(c.activation);
  load(in, c.way);
  in(c.carried);
}

void save(writer& out, const msg::activation_found& m) {
  out(m.sequence);
  save_all(out, m.activation.hits);
  save_enum(out, m.activation.end);
  out(m.activation.hops, m.activation.visited);
}
void load(reader& in, msg::activation_found& m) {
  in(m.sequence);
  load_all(in, m.activation.hits, "a list of concepts");
  m.activation.end = load_enum(in, traversal_end::visited_max, "end of a traversal");
  in(m.activation.hops, m.activation.visited);
}

void save(writer& out, const found_concept& f) {
  save(out, f.id);
  save_text(out, f.name);
  out(f.score);
  for (const search_rank* r : {&f.by_text, &f.by_name, &f.by_vector, &f.by_graph})
    out(r->rank, r->score);
}
void load(reader& in, found_concept& f) {
  load(in, f.id);
  f.name = load_text(in, name_bytes_max, "a name");
  in(f.score);
  for (search_rank* r : {&f.by_text, &f.by_name, &f.by_vector, &f.by_graph})
    in(r->rank, r->score);
}

void save(writer& out, const msg::search_found& m) {
  out(m.sequence);
  save_all(out, m.hits);
}
void load(reader& in, msg::search_found& m) {
  in(m.sequence);
  load_all(in, m.hits, "a list of hits");
}

void save(writer& out, const kind_registered& m) { out(m.id); }
void load(reader& in, kind_registered& m) { in(m.id); }

void save(writer& out, const names& m) {
  save_list(out, m.of, [&](const std::string& name) { save_text(out, name); });
}
void load(reader& in, names& m) {
  load_list(in, m.of, archive_list_max, "a list of names",
            [&](std::string& name) { name = load_text(in, name_bytes_max, "a name"); });
}

void save(writer& out, const kind_names& m) {
  out(m.from);
  save_list(out, m.names, [&](const std::string& name) { save_text(out, name); });
  out(m.kinds);
}
void load(reader& in, kind_names& m) {
  in(m.from);
  load_list(in, m.names, kinds_max, "a list of kinds",
            [&](std::string& name) { name = load_text(in, name_bytes_max, "a kind's name"); });
  in(m.kinds);
}

void save(writer& out, const figures& m) {
  save_list(out, m.of, [&](const auto& f) {
    save_text(out, f.first);
    out(f.second);
  });
}
void load(reader& in, figures& m) {
  load_list(in, m.of, figures_max, "a list of figures", [&](auto& f) {
    f.first = load_text(in, name_bytes_max, "a figure's name");
    in(f.second);
  });
}

void save(writer& out, const health& m) {
  save_list(out, m.issues, [&](const health_issue& i) {
    save_text(out, i.what);
    out(i.value, i.limit);
    save_text(out, std::string_view(i.advice).substr(0, detail_bytes_max));
  });
}
void load(reader& in, health& m) {
  load_list(in, m.issues, figures_max, "a list of issues", [&](health_issue& i) {
    i.what = load_text(in, name_bytes_max, "an issue's name");
    in(i.value, i.limit);
    i.advice = load_text(in, detail_bytes_max, "advice");
  });
}

} // namespace cmem::wire
