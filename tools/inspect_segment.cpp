#include "storage/attribute_codec.hpp"
#include "storage/segment_reader.hpp"
#include "tools/inspect_sheet.hpp"
#include "tools/shown.hpp"

namespace cmem::tools {
namespace {

using nlohmann::ordered_json;

constexpr std::array<const char*, segment_sections> section_names = {
  "concepts", "associations", "vectors", "content", "extras", "kinds", "bloom", "checksums"};

void show_header(const segment_reader& in, inspect_sheet& to) {
  const segment_header& h = in.header();
  to.add({{"what", "segment"},
          {"version", h.version},
          {"store", hex_number(h.store)},
          {"number", h.number},
          {"first_sequence", h.first_sequence},
          {"last_sequence", h.last_sequence},
          {"time", show_time(h.timestamp_us)},
          {"vector_dimension", h.vector_dimension},
          {"association_times", h.has(segment_header::association_times)},
          {"coded_vectors", h.has(segment_header::coded_vectors)},
          {"block_bytes", h.block_bytes},
          {"concepts", in.concept_count()},
          {"associations", in.association_count()},
          {"forgotten", h.forgotten},
          {"checksum", hex_number(h.checksum)}});
  for (std::size_t s = 0; s != segment_sections; ++s)
    to.add({{"what", "section"},
            {"name", section_names[s]},
            {"offset", h.sections[s].offset},
            {"bytes", h.sections[s].bytes}});
}

/// What every version has where it is.
result<void> show_newer(const inspect_arguments& a, const env& e, inspect_sheet& to) {
  const auto from = e.open(a.file, open_mode::read);
  if (!from)
    return from.error();
  const auto bytes = from->size();
  if (!bytes)
    return bytes.error();
  segment_header h;
  if (auto read = from->read_all_at(std::as_writable_bytes(std::span(&h, 1)), 0); !read)
    return read;
  to.add({{"what", "segment"}, {"version", h.version}, {"bytes", *bytes}});
  return {};
}

result<void> show_codebook(const segment_reader& in, inspect_sheet& to) {
  const auto book = in.codebook();
  if (!book)
    return book.error();
  if (*book)
    to.add({{"what", "codebook"},
            {"offset", in.header().at(segment_section::vectors).offset},
            {"dimension", (*book)->dimension()},
            {"parts", (*book)->parts()},
            {"trained_rows", (*book)->trained_rows()},
            {"expected_error", json_number(static_cast<float>((*book)->trained_error()))}});
  return {};
}

result<void> show_kinds(const segment_reader& in, inspect_sheet& to) {
  const auto kinds = in.kinds();
  if (!kinds)
    return kinds.error();
  for (std::size_t i = 0; i != kinds->size(); ++i)
    to.add({{"what", "kind"}, {"number", i}, {"name", (*kinds)[i]}});
  return {};
}

result<ordered_json> describe(const segment_reader& in, const segment_concept& c,
                              std::uint64_t offset) {
  ordered_json j = {{"what", "concept"}, {"offset", offset}, {"id", c.id.hex()}};
  if (c.has(segment_concept::forgotten)) {
    j["what"] = "forgotten";
    return j;
  }
  if (!c.has(segment_concept::learned))
    j["what"] = "placeholder";
  const auto content = in.content(c);
  if (!content)
    return content.error();
  const auto vector = in.vector(c);
  if (!vector)
    return vector.error();
  const auto extras = in.extras(c);
  if (!extras)
    return extras.error();
  if (!extras->name.empty())
    j["name"] = shortened(extras->name);
  if (c.has(segment_concept::older_payload)) {
    j["content"] = "as in an older segment";
  } else {
    j["content"] = shortened(*content);
    j["content_bytes"] = content->size();
    if (!vector->empty())
      j["vector_numbers"] = in.header().vector_dimension;
    if (vector->coded()) {
      j["vector_codes"] = vector->codes().size();
      j["vector_norm"] = vector->head().norm;
    }
  }
  j["strength"] = json_number(c.strength);
  j["confidence"] = json_number(c.confidence);
  j["created"] = show_time(c.created);
  j["last_accessed"] = show_time(c.last_accessed);
  j["access_count"] = c.access_count;
  ordered_json texts = ordered_json::object();
  attribute_reader attributes(extras->attributes);
  for (attribute_update a; attributes.next(a);)
    texts[show_text(a.key)] = shortened(a.value.value_or(std::string_view()));
  if (!texts.empty())
    j["attributes"] = std::move(texts);
  if (c.has(segment_concept::older_associations))
    j["associations"] = "as in an older segment";
  else
    j["associations"] = c.associations;
  return j;
}

/// Records, counting an association as one.
result<void> show_concept(const segment_reader& in, std::uint64_t index, inspect_sheet& to) {
  const auto c = in.at(index);
  if (!c)
    return c.error();
  const auto line = describe(
    in, **c, in.header().at(segment_section::concepts).offset + index * sizeof(segment_concept));
  if (!line)
    return line.error();
  to.add_record(*line);
  const auto list = in.associations(**c);
  if (!list)
    return list.error();
  for (const segment_association& a : *list) {
    if (!to.room())
      break;
    ordered_json j = {{"what", "  association"},
                      {"target", a.target.hex()},
                      {"kind", a.kind},
                      {"confidence", json_number(a.confidence)},
                      {"weight", json_number(a.weight)}};
    if (a.created != 0 || a.last_used != 0) {
      j["created"] = show_time(a.created);
      j["last_used"] = show_time(a.last_used);
    }
    to.add_record(j);
  }
  return {};
}

} // namespace

result<void> inspect_segment(const inspect_arguments& a, const env& e, inspect_sheet& to) {
  const auto in = segment_reader::open(e, a.file);
  if (!in) {
    if (in.error().code == errc::unsupported)
      if (auto shown = show_newer(a, e, to); !shown)
        return shown;
    return in.error();
  }
  show_header(*in, to);
  if (auto done = show_codebook(*in, to); !done)
    return done;
  if (auto done = show_kinds(*in, to); !done)
    return done;
  const std::uint64_t records = in->concept_count() + in->association_count();
  for (std::uint64_t i = 0; i != in->concept_count() && to.room(); ++i)
    if (auto done = show_concept(*in, i, to); !done)
      return done;
  to.add_rest(records - std::min(records, to.shown()));
  return {};
}

} // namespace cmem::tools
