#include "storage/limits.hpp"
#include "storage/manifest.hpp"
#include "storage/portable_archive.hpp"

namespace cmem {

manifest_root sealed(manifest_root r) noexcept {
  r.checksum =
    segment_checksum(std::as_bytes(std::span(&r, 1)).first(offsetof(manifest_root, checksum)));
  return r;
}

std::vector<std::byte> encode(const manifest& m, std::uint32_t version) {
  std::vector<std::byte> bytes;
  archive_writer archive(bytes);
  archive.put(m.checkpoint);
  archive.put(m.durable);
  archive.put(m.reserved);
  archive.put(m.timestamp);
  archive.put(m.next_segment);
  archive.put(m.vector_dimension);
  archive.put(static_cast<std::uint8_t>(m.association_times ? 1 : 0));
  archive.put(std::uint64_t{m.segments.size()});
  for (const segment_ref& s : m.segments)
    for (const std::uint64_t n : {s.number, s.bytes, s.first_sequence, s.last_sequence, s.checksum})
      archive.put(n);
  archive.put(std::uint64_t{m.kinds.size()});
  for (const std::string& name : m.kinds)
    archive.put_text(name);
  if (version == 1)
    return bytes;
  archive.put(m.strength_half_life_us);
  for (const std::uint64_t n : {m.written.learned_bytes, m.written.log_bytes,
                                m.written.flushed_bytes, m.written.compacted_bytes})
    archive.put(n);
  return bytes;
}

result<manifest> decode(const_bytes body, std::uint32_t version) {
  const auto refuse = [](const char* why) { return failure{errc::corrupt, why}; };
  archive_reader archive(body);
  manifest m;
  m.checkpoint = archive.get<std::uint64_t>();
  m.durable = archive.get<std::uint64_t>();
  m.reserved = archive.get<std::uint64_t>();
  m.timestamp = archive.get<timestamp_us>();
  m.next_segment = archive.get<std::uint64_t>();
  m.vector_dimension = archive.get<std::uint32_t>();
  const auto times = archive.get<std::uint8_t>();
  if (times > 1 || m.vector_dimension > vector_dimension_max)
    return refuse("its settings are out of bounds");
  m.association_times = times == 1;
  const auto segments = archive.get<std::uint64_t>();
  if (segments > archive.rest().size() / sizeof(segment_ref))
    return refuse("it has more segments than room for them");
  for (std::uint64_t i = 0; i != segments; ++i) {
    segment_ref& s = m.segments.emplace_back();
    for (std::uint64_t* const n :
         {&s.number, &s.bytes, &s.first_sequence, &s.last_sequence, &s.checksum})
      *n = archive.get<std::uint64_t>();
    if (s.number >= m.next_segment)
      return refuse("it names a segment of a number that was not given out");
  }
  const auto kinds = archive.get<std::uint64_t>();
  if (kinds > kinds_max)
    return refuse("it has more kinds than there can be");
  for (std::uint64_t i = 0; i != kinds && !archive.failed(); ++i) {
    const std::string_view name = archive.get_text();
    if (!archive.failed() && (name.empty() || name.size() > name_bytes_max))
      return refuse("the name of a kind is out of bounds");
    m.kinds.emplace_back(name);
  }
  if (version != 1) {
    m.strength_half_life_us = archive.get<timestamp_us>();
    for (std::uint64_t* const n : {&m.written.learned_bytes, &m.written.log_bytes,
                                   &m.written.flushed_bytes, &m.written.compacted_bytes})
      *n = archive.get<std::uint64_t>();
  }
  if (m.strength_half_life_us < 0)
    return refuse("its strengths would grow with time");
  if (archive.failed())
    return refuse("it is not a little-endian archive, or ends early");
  if (!archive.rest().empty())
    return refuse("something lies behind it");
  return m;
}

} // namespace cmem
