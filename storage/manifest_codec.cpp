#include "storage/archive_buffer.hpp"
#include "storage/limits.hpp"
#include "storage/manifest.hpp"

#include <cereal/archives/portable_binary.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>

#include <istream>
#include <ostream>

namespace cmem {

namespace {

template <class Archive>
void serialize_settings(Archive& archive, manifest& m, std::uint8_t& times) {
  archive(m.checkpoint, m.durable, m.reserved, m.timestamp, m.next_segment, m.vector_dimension,
          times);
}

} // namespace

// Found by cereal through its argument; hence not among the nameless.
template <class Archive>
void serialize(Archive& archive, segment_ref& s) {
  archive(s.number, s.bytes, s.first_sequence, s.last_sequence, s.checksum);
}

manifest_root sealed(manifest_root r) noexcept {
  r.checksum =
    segment_checksum(std::as_bytes(std::span(&r, 1)).first(offsetof(manifest_root, checksum)));
  return r;
}

std::vector<std::byte> encode(const manifest& m) {
  std::vector<std::byte> bytes;
  archive_sink sink(bytes);
  std::ostream stream(&sink);
  cereal::PortableBinaryOutputArchive archive(stream);
  manifest copy = m; // one function serves both ways, and wants to write
  std::uint8_t times = m.association_times ? 1 : 0;
  serialize_settings(archive, copy, times);
  archive(copy.segments, copy.kinds);
  return bytes;
}

// Lists not by cereal's own loading: that takes memory as the lengths say.
result<manifest> decode(const_bytes body) {
  archive_source source(body);
  std::istream stream(&source);
  const auto refuse = [](const char* why) { return failure{errc::corrupt, why}; };
  try {
    cereal::PortableBinaryInputArchive archive(stream);
    if (body.front() != std::byte{1})
      return refuse("it is not little-endian");
    manifest m;
    std::uint8_t times = 0;
    serialize_settings(archive, m, times);
    if (times > 1 || m.vector_dimension > vector_dimension_max)
      return refuse("its settings are out of bounds");
    m.association_times = times == 1;
    std::uint64_t count = 0;
    archive(count);
    if (count > source.left() / sizeof(segment_ref))
      return refuse("it has more segments than room for them");
    for (std::uint64_t i = 0; i != count; ++i) {
      archive(m.segments.emplace_back());
      if (m.segments.back().number >= m.next_segment)
        return refuse("it names a segment of a number that was not given out");
    }
    archive(count);
    if (count > kinds_max)
      return refuse("it has more kinds than there can be");
    for (std::uint64_t i = 0; i != count; ++i) {
      std::uint64_t length = 0;
      archive(length);
      if (length == 0 || length > name_bytes_max)
        return refuse("the name of a kind is out of bounds");
      std::string& name = m.kinds.emplace_back(static_cast<std::size_t>(length), '\0');
      archive.loadBinary<1>(name.data(), static_cast<std::streamsize>(length));
    }
    if (source.left() != 0)
      return refuse("something lies behind it");
    return m;
  } catch (const cereal::Exception&) {
    return refuse("it ends early");
  }
}

} // namespace cmem
