// An index of vectors: its header, and whose the slots are and where they lead.

#include "storage/vector_index_file.hpp"
#include "tools/inspect_sheet.hpp"

#include <algorithm>
#include <vector>

namespace cmem::tools {
namespace {

using nlohmann::ordered_json;

constexpr std::array<const char*, vector_sections> section_names = {
  "ids", "hashes", "forms", "codes", "rows", "first_upper", "twins", "upper", "checksums"};

void show_header(const vector_index_header& h, inspect_sheet& to) {
  to.add({{"what", "index of vectors"},
          {"version", h.version},
          {"store", hex_number(h.store)},
          {"vector_dimension", h.dimension},
          {"slots", h.slots},
          {"metric", to_string(static_cast<vector_metric>(h.metric))},
          {"neighbors", h.neighbors},
          {"graph_slots", h.graph_slots},
          {"upper_rows", h.upper_rows},
          {"checksum", hex_number(h.checksum)}});
  for (std::size_t s = 0; s != vector_sections; ++s)
    to.add({{"what", "section"},
            {"name", section_names[s]},
            {"offset", h.sections[s].offset},
            {"bytes", h.sections[s].bytes}});
}

/// `count` items of a section, from the one at `first` on.
template <class T>
result<std::vector<T>> items(const file& from, const segment_extent& section, std::uint64_t first,
                             std::size_t count) {
  std::vector<T> read(count);
  if (auto done = from.read_all_at(std::as_writable_bytes(std::span(read)),
                                   section.offset + first * sizeof(T));
      !done)
    return done.error();
  return read;
}

result<void> show_slot(const file& from, const vector_index_header& h, std::uint32_t slot,
                       inspect_sheet& to) {
  const auto id = items<concept_id>(from, h.at(vector_section::ids), slot, 1);
  if (!id)
    return id.error();
  const auto form = items<vector_slot_form>(from, h.at(vector_section::forms), slot, 1);
  if (!form)
    return form.error();
  const bool nobody = id->front() == concept_id{};
  ordered_json j = {{"what", "slot"},
                    {"number", slot},
                    {"id", nobody ? "nobody's" : id->front().hex()},
                    {"norm", form->front().norm}};
  if (slot < h.graph_slots) {
    const std::size_t width = std::size_t{2} * h.neighbors;
    const auto row =
      items<std::uint32_t>(from, h.at(vector_section::rows), std::uint64_t{slot} * width, width);
    if (!row)
      return row.error();
    j["neighbors"] = std::count_if(row->begin(), row->end(), [](auto n) { return n != 0; });
  }
  to.add_record(j);
  return {};
}

} // namespace

result<void> inspect_vectors(const inspect_arguments& a, const env& e, inspect_sheet& to) {
  const auto h = read_vector_index_header(e, a.file);
  if (!h)
    return h.error();
  show_header(*h, to);
  const auto from = e.open(a.file, open_mode::read);
  if (!from)
    return from.error();
  std::uint32_t slot = 0;
  for (; slot != h->slots && to.room(); ++slot)
    if (auto done = show_slot(*from, *h, slot, to); !done)
      return done;
  to.add_rest(h->slots - slot);
  return {};
}

} // namespace cmem::tools
