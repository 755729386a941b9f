#include "storage/manifest.hpp"

#include "storage/format_version.hpp"
#include "storage/seeded_bug.hpp"
#include "storage/vector_index_file.hpp"
#include "storage/wal_format.hpp"

#include <algorithm>
#include <cassert>

namespace cmem {

namespace {

constexpr const char* manifest_name = "/MANIFEST";
constexpr const char* draft_name = "/MANIFEST.new";
constexpr std::uint64_t first_body = 2 * manifest_sector;

constexpr std::uint64_t sectors(std::uint64_t bytes) noexcept {
  return (bytes + manifest_sector - 1) / manifest_sector * manifest_sector;
}

failure corrupt(const std::string& path, std::uint64_t offset, std::string_view what) {
  std::string text = path + " is corrupt at offset " + std::to_string(offset) + ": ";
  return {errc::corrupt, text.append(what).append("; restore the file from a copy")};
}

std::string parent_of(std::string directory) {
  while (directory.size() > 1 && directory.back() == '/')
    directory.pop_back();
  const std::size_t slash = directory.rfind('/');
  if (slash == std::string::npos)
    return ".";
  return slash == 0 ? "/" : directory.substr(0, slash);
}

/// A free place for a body beside one that must stay.
segment_extent place_beside(const segment_extent& other, std::uint64_t bytes) noexcept {
  const bool before = other.offset >= first_body && sectors(bytes) <= other.offset - first_body;
  if (seeded("manifest_body_over_newest"))
    return {other.offset, bytes};
  return {before ? first_body : std::max(first_body, sectors(other.end())), bytes};
}

result<void> write_root(file& to, std::uint64_t slot, const manifest_root& root, const_bytes body) {
  if (auto done = to.write_at(body, root.body.offset); !done)
    return done;
  return to.write_at(std::as_bytes(std::span(&root, 1)), slot * manifest_sector);
}

manifest_root root_of(const manifest& m, std::uint64_t generation, const segment_extent& place,
                      const_bytes body) {
  manifest_root r;
  r.generation = generation;
  r.store = m.store;
  r.body = place;
  r.body_checksum = segment_checksum(body);
  return sealed(r);
}

/// Fails: corrupt; unsupported, with the generation in `r`; io_error.
result<manifest> read_root(const file& from, std::uint64_t slot, manifest_root& r) {
  const std::uint64_t at = slot * manifest_sector;
  manifest_root read;
  const auto got = from.read_at(std::as_writable_bytes(std::span(&read, 1)), at);
  if (!got)
    return got.error();
  if (*got != sizeof read || read.magic != manifest_magic || read.checksum != sealed(read).checksum)
    return corrupt(from.path(), at, "a root fails its checksum");
  r = read;
  if (r.version > manifest_version)
    return newer_format(from.path(), r.version, manifest_version);
  if (r.version == 0 || r.body.bytes > manifest_body_bytes_max || r.body.offset < first_body
      || r.body.offset > ~manifest_body_bytes_max || r.reserved != 0
      || std::any_of(r.zeros.begin(), r.zeros.end(), [](std::uint8_t b) { return b != 0; }))
    return corrupt(from.path(), at, "a root has fields that this version does not write");
  const auto bytes = from.size();
  if (!bytes)
    return bytes.error();
  if (r.body.end() > *bytes)
    return corrupt(from.path(), *bytes, "it ends before what a root leads to");
  std::vector<std::byte> body(static_cast<std::size_t>(r.body.bytes));
  if (auto done = from.read_all_at(body, r.body.offset); !done)
    return done.error();
  if (segment_checksum(body) != r.body_checksum && !seeded("manifest_checksum_unchecked"))
    return corrupt(from.path(), r.body.offset, "what a root leads to fails its checksum");
  auto m = decode(body, r.version);
  if (!m)
    return corrupt(from.path(), r.body.offset, m.error().detail);
  m->store = r.store;
  return m;
}

result<manifest_read> read_roots(const file& from) {
  manifest_root roots[2];
  const result<manifest> read[2] = {read_root(from, 0, roots[0]), read_root(from, 1, roots[1])};
  for (const auto& m : read) // a disk that cannot be read says nothing about the bytes
    if (!m && m.error().code != errc::corrupt && m.error().code != errc::unsupported)
      return m.error();
  const std::uint64_t newest = roots[1].generation > roots[0].generation ? 1 : 0;
  for (const std::uint64_t slot : {newest, 1 - newest}) {
    if (!read[slot]) {
      if (read[slot].error().code == errc::unsupported)
        return read[slot].error();
      continue;
    }
    manifest_read out{*read[slot], roots[slot].generation, slot, roots[slot], {}, false};
    if (!read[1 - slot])
      out.other = read[1 - slot].error();
    else
      out.twice = *read[1 - slot] == out.value;
    return out;
  }
  return failure{errc::corrupt, read[0].error().detail + "; and " + read[1].error().detail};
}

result<std::vector<std::byte>> raw_roots(const file& from) {
  std::vector<std::byte> bytes(2 * manifest_sector);
  const auto got = from.read_at(bytes, 0);
  if (!got)
    return got.error();
  bytes.resize(*got);
  return bytes;
}

/// Without a manifest there must be no file of a store either.
failure absent(const env& e, const std::string& directory, const failure& not_found) {
  const auto names = e.list(directory);
  if (!names)
    return names.error();
  for (const std::string& name : *names)
    if (segment_file_number(name) || wal_file_number(name))
      return corrupt(directory + manifest_name, 0, "it is missing, beside " + name);
  return not_found;
}

} // namespace

result<manifest_read> read_manifest(const env& e, const std::string& directory) {
  const auto opened = e.open(directory + manifest_name, open_mode::read);
  if (!opened)
    return opened.error().code == errc::not_found ? absent(e, directory, opened.error())
                                                  : opened.error();
  for (;;) {
    auto read = read_roots(*opened);
    if (read || read.error().code != errc::corrupt)
      return read;
    // A writer may have gone on in the middle of it, more than once. What it leaves alone is what
    // its newest root leads to: so bad roots that stay the same are bad.
    const auto before = raw_roots(*opened);
    if (!before)
      return before.error();
    auto again = read_roots(*opened);
    if (again || again.error().code != errc::corrupt)
      return again;
    const auto after = raw_roots(*opened);
    if (!after)
      return after.error();
    if (*before == *after)
      return again;
  }
}

result<manifest_file> manifest_file::create(const env& e, const std::string& directory,
                                            const manifest& first) {
  if (auto done = e.make_directory(directory); !done)
    return done.error();
  if (auto done = e.sync_directory(parent_of(directory)); !done)
    return done.error();
  {
    auto draft = e.open(directory + draft_name, open_mode::create);
    if (!draft)
      return draft.error();
    if (auto done = draft->truncate(0); !done) // what another creation left
      return done.error();
    const auto body = encode(first);
    segment_extent place{first_body, body.size()};
    for (std::uint64_t slot = 0; slot != 2; ++slot) {
      if (auto done = write_root(*draft, slot, root_of(first, slot + 1, place, body), body); !done)
        return done.error();
      place = place_beside(place, body.size());
    }
    const auto rename = [&] { return e.rename(directory + draft_name, directory + manifest_name); };
    const bool swapped = seeded("manifest_renamed_before_sync");
    if (auto done = swapped ? rename() : draft->sync(); !done)
      return done.error();
    if (auto done = swapped ? draft->sync() : rename(); !done)
      return done.error();
  }
  return open(e, directory);
}

result<manifest_file> manifest_file::open(const env& e, const std::string& directory) {
  auto opened = e.open(directory + manifest_name, open_mode::write);
  if (!opened)
    return opened.error().code == errc::not_found ? absent(e, directory, opened.error())
                                                  : opened.error();
  auto read = read_roots(*opened);
  if (!read)
    return read.error();
  // A process that died before its sync, or whose sync failed, leaves what it wrote in memory,
  // where we see it. The same bytes to the same place: whatever the disk takes of them is right.
  if (auto done =
        write_root(*opened, read->slot, read->root, encode(read->value, read->root.version));
      !done)
    return done.error();
  if (auto done = opened->sync(); !done)
    return done.error();
  for (const std::string& names : {directory, parent_of(directory)})
    if (auto done =
          seeded("manifest_directory_sync_skipped") ? result<void>{} : e.sync_directory(names);
        !done)
      return done.error();
  manifest_file m(std::move(*opened), std::move(*read));
  m.mended_ = m.read_.other;
  if (!m.read_.twice) // an update was cut off between its halves, or a root went bad
    if (auto done = m.write(manifest(m.current())); !done)
      return done.error();
  return m;
}

result<void> manifest_file::update(const manifest& next) {
  if (broken_)
    return failure{errc::read_only, "nothing is written since this failed: " + broken_->detail};
  // A root may go bad long after the log and the segments that the one before it names are gone.
  auto done = write(next);
  if (done)
    done = write(next);
  if (!done)
    broken_ = done.error();
  return done;
}

result<void> manifest_file::write(const manifest& next) {
  assert(next.store == current().store && next.vector_dimension == current().vector_dimension
         && next.association_times == current().association_times);
  const auto body = encode(next);
  if (body.size() > manifest_body_bytes_max)
    return failure{errc::limit_exceeded, file_.path() + " would have " + std::to_string(body.size())
                                           + " bytes: at most "
                                           + std::to_string(manifest_body_bytes_max)};
  const std::uint64_t slot =
    seeded("manifest_newer_root_overwritten") ? read_.slot : 1 - read_.slot;
  const manifest_root root =
    root_of(next, read_.generation + 1, place_beside(read_.root.body, body.size()), body);
  if (auto done = write_root(file_, slot, root, body); !done)
    return done;
  if (auto done = seeded("manifest_sync_skipped") ? result<void>{} : file_.sync(); !done)
    return done;
  const bool twice = next == current();
  read_ = {next, root.generation, slot, root, {}, twice};
  return {};
}

result<std::vector<std::string>> remove_unnamed(const env& e, const std::string& directory,
                                                const manifest& m) {
  const auto names = e.list(directory);
  if (!names)
    return names.error();
  std::vector<std::string> removed;
  for (const std::string& name : *names) {
    const auto number = segment_file_number(name);
    const bool named = number && std::any_of(m.segments.begin(), m.segments.end(), [&](auto& s) {
                         return s.number == *number;
                       });
    const bool draft = "/" + name == draft_name || name == vector_index_draft;
    if ((!number || named) && !draft)
      continue;
    if (auto done = e.remove(directory + "/" + name); !done)
      return done.error();
    removed.push_back(name);
  }
  return removed;
}

} // namespace cmem
