// A manifest, from the bytes of the file alone: both roots, and what the one that counts leads to.

#include "storage/format_version.hpp"
#include "storage/manifest.hpp"
#include "tools/inspect_sheet.hpp"
#include "tools/shown.hpp"

namespace cmem::tools {
namespace {

using nlohmann::ordered_json;

struct found_root {
  manifest_root root;
  std::string fault; // empty: none
  bool newer = false;
  std::optional<manifest> value;
};

result<found_root> read_root(const file& from, std::uint64_t bytes, std::uint64_t offset) {
  found_root f;
  const auto got = from.read_at(std::as_writable_bytes(std::span(&f.root, 1)), offset);
  if (!got)
    return got.error();
  const manifest_root& r = f.root;
  if (*got != sizeof r || r.magic != manifest_magic || r.checksum != sealed(r).checksum)
    f.fault = "fails its checksum";
  else if ((f.newer = r.version > manifest_version))
    f.fault = "of a newer version than this program reads";
  else if (r.body.bytes > manifest_body_bytes_max || r.body.bytes > bytes
           || r.body.offset > bytes - r.body.bytes)
    f.fault = "leads beyond the file";
  if (!f.fault.empty())
    return f;
  std::vector<std::byte> body(static_cast<std::size_t>(r.body.bytes));
  if (auto done = from.read_all_at(body, r.body.offset); !done)
    return done.error();
  if (segment_checksum(body) != r.body_checksum) {
    f.fault = "leads to what fails its checksum";
    return f;
  }
  auto value = decode(body, r.version);
  if (value)
    f.value = std::move(*value);
  else
    f.fault = value.error().detail;
  return f;
}

void show_root(const found_root& f, std::uint64_t offset, bool counts, inspect_sheet& to) {
  ordered_json j = {{"what", "root"}, {"offset", offset}};
  if (f.root.magic == manifest_magic) {
    j["version"] = f.root.version;
    j["generation"] = f.root.generation;
    j["store"] = hex_number(f.root.store);
    j["body_offset"] = f.root.body.offset;
    j["body_bytes"] = f.root.body.bytes;
  }
  if (f.value) {
    j["checkpoint"] = f.value->checkpoint;
    j["reserved"] = f.value->reserved;
    j["segments"] = f.value->segments.size();
  }
  j["state"] = !f.fault.empty() ? f.fault : counts ? "counts" : "older";
  to.add(j);
}

void show(const manifest& m, std::uint64_t store, inspect_sheet& to) {
  to.add({{"what", "manifest"},
          {"store", hex_number(store)},
          {"checkpoint", m.checkpoint},
          {"durable", m.durable},
          {"reserved", m.reserved},
          {"time", show_time(m.timestamp)},
          {"vector_dimension", m.vector_dimension},
          {"association_times", m.association_times},
          {"next_segment", m.next_segment},
          {"segments", m.segments.size()},
          {"kinds", m.kinds.size()},
          {"strength_half_life_us", m.strength_half_life_us},
          {"learned_bytes", m.written.learned_bytes},
          {"log_bytes", m.written.log_bytes},
          {"flushed_bytes", m.written.flushed_bytes},
          {"compacted_bytes", m.written.compacted_bytes}});
  for (const segment_ref& s : m.segments)
    to.add_record({{"what", "segment"},
                   {"file", segment_file_name(s.number)},
                   {"bytes", s.bytes},
                   {"first_sequence", s.first_sequence},
                   {"last_sequence", s.last_sequence},
                   {"checksum", hex_number(s.checksum)}});
  for (std::size_t i = 0; i != m.kinds.size(); ++i)
    to.add_record({{"what", "kind"}, {"number", i}, {"name", m.kinds[i]}});
  to.add_rest(to.not_shown());
}

} // namespace

result<void> inspect_manifest(const inspect_arguments& a, const env& e, inspect_sheet& to) {
  const auto from = e.open(a.file, open_mode::read);
  if (!from)
    return from.error();
  const auto bytes = from->size();
  if (!bytes)
    return bytes.error();
  std::array<found_root, 2> roots;
  for (std::uint64_t slot = 0; slot != 2; ++slot) {
    auto read = read_root(*from, *bytes, slot * manifest_sector);
    if (!read)
      return read.error();
    roots[slot] = std::move(*read);
  }
  const bool second =
    roots[1].value && (!roots[0].value || roots[1].root.generation > roots[0].root.generation);
  const found_root& newest = roots[second ? 1 : 0];
  for (std::uint64_t slot = 0; slot != 2; ++slot)
    show_root(roots[slot], slot * manifest_sector, &roots[slot] == &newest, to);
  for (const found_root& f : roots) // its checksum is right, so this is no damage
    if (f.newer && (!newest.value || f.root.generation > newest.root.generation))
      return newer_format(a.file, f.root.version, manifest_version);
  if (!newest.value)
    return failure{errc::corrupt, a.file + " at offset 0: the root " + roots[0].fault
                                    + ", and at offset " + std::to_string(manifest_sector)
                                    + ": the root " + roots[1].fault};
  show(*newest.value, newest.root.store, to);
  return {};
}

} // namespace cmem::tools
