#include "messages/archive_fields.hpp"

#include "messages/archive.hpp"
#include "storage/limits.hpp"

namespace cmem::archive {

std::size_t load_size(reader& in, std::size_t limit, const char* what) {
  std::uint64_t n = 0;
  in(n);
  if (n > limit)
    throw std::runtime_error(std::string(what) + " of " + std::to_string(n) + " elements: at most "
                             + std::to_string(limit));
  return static_cast<std::size_t>(n);
}

void save_text(writer& out, std::string_view s) {
  out(static_cast<std::uint64_t>(s.size()));
  out.saveBinary<1>(s.data(), static_cast<std::streamsize>(s.size()));
}

std::string load_text(reader& in, std::size_t limit, const char* what) {
  return std::string(load_view(in, limit, what));
}

std::string_view load_view(reader& in, std::size_t limit, const char* what) {
  return in.bytes.take(load_size(in, limit, what));
}

bool load_flag(reader& in) {
  std::uint8_t x = 0;
  in(x);
  if (x > 1)
    throw std::runtime_error("a flag is " + std::to_string(x) + ": 0 or 1");
  return x == 1;
}

void save(writer& out, const concept_id& id) { out.saveBinary<1>(id.bytes.data(), 16); }
void load(reader& in, concept_id& id) { in.loadBinary<1>(id.bytes.data(), 16); }

void save(writer& out, const concept_record& r) {
  save(out, r.id);
  save_text(out, r.name);
  save_text(out, r.content);
  save_list(out, r.vector, [&](float x) { out(x); });
  out(r.strength, r.confidence, r.created, r.last_accessed, r.access_count);
  save_list(out, r.attributes, [&](const auto& a) {
    save_text(out, a.first);
    save_text(out, a.second);
  });
}
void load(reader& in, concept_record& r) {
  load(in, r.id);
  r.name = load_text(in, name_bytes_max, "a name");
  r.content = load_text(in, content_bytes_max, "content");
  load_list(in, r.vector, vector_dimension_max, "a vector", [&](float& x) { in(x); });
  in(r.strength, r.confidence, r.created, r.last_accessed, r.access_count);
  load_list(in, r.attributes, attributes_max, "attributes", [&](auto& a) {
    a.first = load_text(in, attribute_key_bytes_max, "an attribute's key");
    a.second = load_text(in, attribute_value_bytes_max, "an attribute's value");
  });
}

void save(writer& out, const association_record& r) {
  save(out, r.source);
  save(out, r.target);
  out(r.kind, r.confidence, r.weight, r.created, r.last_used);
}
void load(reader& in, association_record& r) {
  load(in, r.source);
  load(in, r.target);
  in(r.kind, r.confidence, r.weight, r.created, r.last_used);
}

void save_along(writer& out, direction along) { out(static_cast<std::uint8_t>(along)); }
// Version 1 knew outgoing ones only.
direction load_along(reader& in) {
  if (in.version < 2)
    return direction::outgoing;
  std::uint8_t number = 0;
  in(number);
  if (number > static_cast<std::uint8_t>(direction::incoming))
    throw std::runtime_error("an association followed in direction " + std::to_string(number));
  return static_cast<direction>(number);
}

void save(writer& out, const neighbor_record& r) {
  save(out, r.id);
  out(r.kind, r.confidence, r.weight);
  save_along(out, r.along);
}
void load(reader& in, neighbor_record& r) {
  load(in, r.id);
  in(r.kind, r.confidence, r.weight);
  r.along = load_along(in);
}

void save(writer& out, const path_record& r) {
  save(out, r.source);
  save_list(out, r.hops, [&](const path_hop& h) {
    save(out, h.id);
    out(h.kind, h.confidence);
    save_along(out, h.along);
  });
  out(r.confidence);
}
void load(reader& in, path_record& r) {
  load(in, r.source);
  load_list(in, r.hops, path_depth_max, "a path", [&](path_hop& h) {
    load(in, h.id);
    in(h.kind, h.confidence);
    h.along = load_along(in);
  });
  in(r.confidence);
}

} // namespace cmem::archive
