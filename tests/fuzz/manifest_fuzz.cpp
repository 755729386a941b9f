// Any bytes as a manifest: refused, or one that is written the same again and can be gone on with.
// The first byte chooses between the body alone, of either version, and the whole file; of that,
// whether the checksums are made right (and the version, where it is not 1), and whether the gaps
// between its roots and bodies are left out of the input.

#include "storage/manifest.hpp"
#include "tests/fuzz/disk.hpp"

#include <algorithm>
#include <cstring>

using namespace cmem;
using cmem::fuzz::require;

namespace {

void check_body(const_bytes body, std::uint32_t version) {
  const auto m = decode(body, version);
  if (!m) {
    require(m.error().code == errc::corrupt, "a body is corrupt or not");
    return;
  }
  require(m->segments.size() <= body.size() / 40 && m->kinds.size() <= body.size() / 8,
          "what is listed has bytes of its own");
  require(std::ranges::equal(encode(*m, version), body), "what is read is written the same");
}

/// Root, root, and what lies from the third sector on.
std::vector<std::byte> spread(const std::vector<std::byte>& packed) {
  constexpr std::size_t root = sizeof(manifest_root);
  std::vector<std::byte> bytes(2 * manifest_sector);
  const auto put = [&](std::size_t from, std::size_t n, std::size_t at) {
    if (from < packed.size())
      std::copy_n(packed.begin() + static_cast<std::ptrdiff_t>(from),
                  std::min(n, packed.size() - from),
                  bytes.begin() + static_cast<std::ptrdiff_t>(at));
  };
  put(0, root, 0);
  put(root, root, manifest_sector);
  if (packed.size() > 2 * root)
    bytes.insert(bytes.end(), packed.begin() + 2 * root, packed.end());
  return bytes;
}

void seal(std::vector<std::byte>& bytes) {
  for (const std::size_t at : {std::size_t{0}, std::size_t{manifest_sector}}) {
    manifest_root r;
    if (bytes.size() < at + sizeof r)
      return;
    std::memcpy(&r, bytes.data() + at, sizeof r);
    r.magic = manifest_magic;
    if (r.version != 1)
      r.version = manifest_version;
    if (r.body.offset <= bytes.size() && r.body.bytes <= bytes.size() - r.body.offset)
      r.body_checksum = segment_checksum(const_bytes(bytes).subspan(
        static_cast<std::size_t>(r.body.offset), static_cast<std::size_t>(r.body.bytes)));
    r = sealed(r);
    std::memcpy(bytes.data() + at, &r, sizeof r);
  }
}

void check_file(const std::vector<std::byte>& bytes) {
  fuzz::disk d;
  d.put("/s/MANIFEST", bytes);
  const auto read = read_manifest(d.e, "/s");
  if (!read) {
    fuzz::require_report(read.error());
    return;
  }
  auto opened = manifest_file::open(d.e, "/s");
  require(opened.has_value() && opened->current() == read->value, "what is read can be opened");
  require(opened->mended().has_value() == read->other.has_value(), "a bad root is mended");
  manifest next = read->value;
  ++next.reserved;
  require(opened->update(next).has_value(), "an update goes through");
  const auto again = read_manifest(d.e, "/s");
  require(again && again->value == next && !again->other, "an update is what is read, both whole");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  const std::uint8_t how = in.byte();
  auto bytes = fuzz::bytes_of(in.rest());
  if (how & 4) {
    check_body(bytes, how & 8 ? 1 : manifest_version);
    return 0;
  }
  if (how & 2)
    bytes = spread(bytes);
  if (how & 1)
    seal(bytes);
  check_file(bytes);
  return 0;
}
