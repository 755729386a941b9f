#include "storage/segment_reader.hpp"

#include "storage/attribute_codec.hpp"
#include "storage/bloom_filter.hpp"
#include "storage/format_version.hpp"
#include "storage/graph_snapshot.hpp"
#include "storage/limits.hpp"
#include "storage/name_archive.hpp"
#include "storage/seeded_bug.hpp"
#include "storage/segment_check.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>

namespace cmem {

namespace {

failure corrupt_file(const std::string& path, std::uint64_t offset, std::string_view what) {
  std::string text = path + " is corrupt at offset " + std::to_string(offset) + ": ";
  return {errc::corrupt, text.append(what).append("; restore the file from a copy")};
}

/// Ids are mostly hashes, so their first half says where about they lie.
std::uint64_t place_of(const concept_id& id) noexcept {
  std::uint64_t place = 0;
  for (std::size_t i = 0; i != 8; ++i)
    place = place << 8 | id.bytes[i];
  return place;
}

} // namespace

segment_reader::segment_reader(file from, const segment_header& h, file_mapping mapped,
                               std::vector<std::uint64_t> checksums)
  : file_(std::move(from)),
    header_(h),
    mapped_(std::move(mapped)),
    checksums_(std::move(checksums)),
    trusted_(std::make_unique<std::atomic<bool>[]>(checksums_.size() + 1)) {
  std::uint64_t piece = 0;
  for (std::size_t s = 0; s != segment_checked_sections; ++s) {
    first_[s] = piece;
    piece += segment_pieces(header_.sections[s].bytes);
  }
}

result<segment_reader> segment_reader::open(const env& e, const std::string& path) {
  auto opened = e.open(path, open_mode::read);
  if (!opened)
    return opened.error();
  const auto bytes = opened->size();
  if (!bytes)
    return bytes.error();
  segment_header h;
  if (*bytes < sizeof h)
    return corrupt_file(path, *bytes, "it ends before its header does");
  if (auto done = opened->read_all_at(std::as_writable_bytes(std::span(&h, 1)), 0); !done)
    return done.error();
  if (const std::string_view fault = fault_of(h, *bytes); !fault.empty())
    return corrupt_file(path, 0, fault);
  if (h.version > segment_version)
    return newer_format(path, h.version, segment_version);
  const segment_extent& table = h.at(segment_section::checksums);
  std::vector<std::uint64_t> checksums(static_cast<std::size_t>(table.bytes / 8));
  if (auto done = opened->read_all_at(std::as_writable_bytes(std::span(checksums)), table.offset);
      !done)
    return done.error();
  if (segment_checksum(std::as_bytes(std::span(checksums))) != h.table_checksum)
    return corrupt_file(path, table.offset, "the table of checksums fails its own");
  auto mapped = opened->map(static_cast<std::size_t>(*bytes));
  if (!mapped)
    return mapped.error();
  segment_reader made(std::move(*opened), h, std::move(*mapped), std::move(checksums));
  if (h.has(segment_header::coded_vectors))
    if (auto done = made.look_at_codebook(); !done)
      return done.error();
  return made;
}

result<segment_reader> segment_reader::open(const env& e, const std::string& directory,
                                            const segment_ref& ref, std::uint64_t store) {
  const std::string path = directory + "/" + segment_file_name(ref.number);
  auto reader = open(e, path);
  if (!reader)
    return reader;
  const segment_header& h = reader->header();
  if (h.store != store || h.number != ref.number || h.checksum != ref.checksum)
    return corrupt_file(path, 0, "it is not the file that the manifest names");
  return reader;
}

failure segment_reader::corrupt(std::uint64_t offset, std::string_view what) const {
  return corrupt_file(path(), offset, what);
}

// -- trust

result<void> segment_reader::check_piece(segment_section s, std::uint64_t piece) const {
  const segment_extent& section = header_.at(s);
  const std::uint64_t from = piece * segment_block_bytes;
  std::vector<std::byte> bytes(
    static_cast<std::size_t>(std::min<std::uint64_t>(segment_block_bytes, section.bytes - from)));
  if (auto done = file_.read_all_at(bytes, section.offset + from); !done)
    return done;
  const std::uint64_t index = first_[static_cast<std::size_t>(s)] + piece;
  if (segment_checksum(bytes) != checksums_[static_cast<std::size_t>(index)]
      && !seeded("segment_checksum_unchecked"))
    return corrupt(section.offset + from,
                   std::to_string(bytes.size()) + " bytes fail their checksum");
  // Pairs with the load in trust(). Nothing hangs on it but the flag: the bytes do not change.
  trusted_[static_cast<std::size_t>(index)].store(true, std::memory_order_relaxed);
  return {};
}

result<void> segment_reader::trust(segment_section s, std::uint64_t from,
                                   std::uint64_t bytes) const {
  assert(from + bytes <= header_.at(s).bytes);
  if (bytes == 0)
    return {};
  const std::uint64_t first = first_[static_cast<std::size_t>(s)];
  const std::uint64_t last = seeded("segment_piece_trusted_unseen") ? from : from + bytes - 1;
  for (std::uint64_t p = from / segment_block_bytes; p <= last / segment_block_bytes; ++p)
    if (!trusted_[static_cast<std::size_t>(first + p)].load(std::memory_order_relaxed))
      if (auto done = check_piece(s, p); !done)
        return done;
  return {};
}

result<void> segment_reader::trust_all(segment_section s) const {
  return trust(s, 0, header_.at(s).bytes);
}

void segment_reader::read_ahead(const std::atomic<bool>& stop) const noexcept {
  try {
    for (std::size_t s = 0; s != segment_checked_sections; ++s)
      for (std::uint64_t p = 0; p != segment_pieces(header_.sections[s].bytes); ++p) {
        if (stop.load(std::memory_order_relaxed))
          return;
        if (!trusted_[static_cast<std::size_t>(first_[s] + p)].load(std::memory_order_relaxed)
            && !check_piece(static_cast<segment_section>(s), p))
          return;
      }
  } catch (const std::bad_alloc&) { // then it is of no help
  }
}

void segment_reader::let_go() const noexcept {
  for (std::size_t i = 0; i != checksums_.size(); ++i)
    trusted_[i].store(false, std::memory_order_relaxed); // as in check_piece()
  mapped_.let_go();
}

// -- look-up

result<bool> segment_reader::may_hold(const concept_id& id) const {
  const segment_extent& section = header_.at(segment_section::bloom);
  const std::uint64_t hash = bloom_hash(id);
  const std::uint64_t from =
    bloom_block_of(hash, section.bytes / sizeof(bloom_block)) * sizeof(bloom_block);
  if (auto done = trust(segment_section::bloom, from, sizeof(bloom_block)); !done)
    return done.error();
  return bloom_may_hold(*look_at<bloom_block>(section.offset + from), hash);
}

result<const segment_concept*> segment_reader::at(std::uint64_t index) const {
  assert(index < concept_count());
  const std::uint64_t from = index * sizeof(segment_concept);
  if (auto done = trust(segment_section::concepts, from, sizeof(segment_concept)); !done)
    return done.error();
  const std::uint64_t offset = header_.at(segment_section::concepts).offset + from;
  const auto* const c = look_at<segment_concept>(offset);
  if (const std::string_view fault = fault_in(*c); !fault.empty())
    return corrupt(offset, fault);
  return c;
}

result<const segment_concept*> segment_reader::search(const concept_id& id) const {
  const std::uint64_t place = place_of(id);
  std::uint64_t low = 0;                // it is not before low …
  std::uint64_t high = concept_count(); // … nor at or behind high
  std::uint64_t low_place = 0;
  std::uint64_t high_place = ~std::uint64_t{0};
  for (bool guess = true; low != high; guess = !guess) {
    std::uint64_t middle = low + (high - low) / 2;
    // Every second step halves: so no set of ids takes more than twice the steps of bisection.
    if (guess && low_place < high_place && place >= low_place && place <= high_place) {
      const double share =
        static_cast<double>(place - low_place) / static_cast<double>(high_place - low_place);
      middle = low
               + std::min(high - low - 1,
                          static_cast<std::uint64_t>(share * static_cast<double>(high - low)));
    }
    const auto c = at(middle);
    if (!c || (*c)->id == id)
      return c;
    if ((*c)->id < id) {
      low = middle + 1;
      low_place = place_of((*c)->id);
    } else {
      high = middle;
      high_place = place_of((*c)->id);
    }
  }
  return nullptr;
}

result<const segment_concept*> segment_reader::find(const concept_id& id) const {
  const auto may = may_hold(id);
  if (!may)
    return may.error();
  return *may ? search(id) : result<const segment_concept*>(nullptr);
}

// -- what a record leads to

bool segment_reader::fits(segment_section s, std::uint64_t at, std::uint32_t bytes,
                          std::uint64_t bytes_max) const noexcept {
  const segment_extent& section = header_.at(s);
  if (at == 0 || bytes == 0)
    return at == 0 && bytes == 0;
  return at % segment_alignment == 0 && bytes <= bytes_max && at >= section.offset
         && at < section.end() && segment_block_size(bytes) <= section.end() - at;
}

std::string_view segment_reader::fault_in(const segment_concept& c) const noexcept {
  using enum segment_section;
  if (c.has(segment_concept::forgotten)) {
    segment_concept tombstone;
    tombstone.id = c.id;
    tombstone.flags = segment_concept::forgotten;
    return std::memcmp(&c, &tombstone, sizeof c) == 0 ? "" : "a tombstone that says more";
  }
  const bool known_fields =
    (c.flags
     & ~(segment_concept::learned | segment_concept::older_payload
         | segment_concept::older_associations))
      == 0
    && std::all_of(c.reserved.begin(), c.reserved.end(), [](std::uint8_t b) { return b == 0; });
  if (!known_fields)
    return "a concept with fields that this version does not write";
  // Written so that a NaN is refused too.
  if (!(c.strength >= 0.0F && c.strength <= std::numeric_limits<float>::max()
        && c.confidence >= 0.0F && c.confidence <= 1.0F))
    return "a concept whose strength or confidence is out of bounds";
  if (!fits(content, c.content_at, c.content_bytes, content_bytes_max)
      || !fits(vectors, c.vector_at, c.vector_bytes, vector_dimension_max * sizeof(float))
      || !fits(extras, c.extras_at, c.extras_bytes, extras_bytes_max)
      || (c.vector_at != 0
          && (c.vector_at < header_.at(vectors).offset + codebook_block_
              || (c.vector_bytes != header_.vector_dimension * sizeof(float)
                  && (c.vector_bytes != coded_bytes_ || coded_bytes_ == 0))))
      || (c.extras_at != 0 && c.extras_bytes <= sizeof(node_extras)))
    return "a concept that points outside its sections";
  const bool has_payload = c.content_at != 0 || c.vector_at != 0;
  if (has_payload && (!c.has(segment_concept::learned) || c.has(segment_concept::older_payload)))
    return "a concept with content that its flags deny";
  if (c.associations == 0
        ? c.first_association != 0
        : c.associations > association_count()
            || c.first_association > association_count() - c.associations
            || c.associations > degree_max || c.has(segment_concept::older_associations))
    return "a concept whose associations are not there";
  return {};
}

result<const_bytes> segment_reader::payload(segment_section s, std::uint64_t at,
                                            std::uint32_t bytes) const {
  if (at == 0)
    return const_bytes();
  if (auto done = trust(s, at - header_.at(s).offset, segment_block_size(bytes)); !done)
    return done.error();
  const auto* const head = look_at<segment_block>(at);
  if (head->next != 0 || head->bytes != bytes)
    return corrupt(at, "a block is not of the size that its concept says");
  return mapped_.bytes().subspan(static_cast<std::size_t>(at + sizeof *head), bytes);
}

result<std::string_view> segment_reader::content(const segment_concept& c) const {
  const auto bytes = payload(segment_section::content, c.content_at, c.content_bytes);
  if (!bytes)
    return bytes.error();
  return std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size());
}

result<stored_vector> segment_reader::vector(const segment_concept& c) const {
  const auto bytes = payload(segment_section::vectors, c.vector_at, c.vector_bytes);
  if (!bytes)
    return bytes.error();
  const stored_vector v(*bytes, header_.vector_dimension);
  if (!v.coded())
    return v;
  if (auto book = codebook(); !book)
    return book.error();
  if (const std::string_view fault = fault_in(v, c.vector_at); !fault.empty())
    return corrupt(c.vector_at, fault);
  return v;
}

result<segment_extras> segment_reader::extras(const segment_concept& c) const {
  const auto bytes = payload(segment_section::extras, c.extras_at, c.extras_bytes);
  if (!bytes)
    return bytes.error();
  if (bytes->empty())
    return segment_extras();
  const auto* const head = reinterpret_cast<const node_extras*>(bytes->data());
  const const_bytes rest = bytes->subspan(sizeof *head);
  if (head->version != 0 || head->name_bytes > name_bytes_max || head->name_bytes > rest.size()
      || rest.size() - head->name_bytes != head->attribute_bytes
      || !attributes_well_formed(rest.subspan(head->name_bytes)))
    return corrupt(c.extras_at, "name and attributes are not what a writer makes");
  return segment_extras{{reinterpret_cast<const char*>(rest.data()), head->name_bytes},
                        rest.subspan(head->name_bytes)};
}

result<std::span<const segment_association>> segment_reader::associations(
  const segment_concept& c, std::uint32_t first, std::uint32_t count) const {
  assert(first <= c.associations && count <= c.associations - first);
  const std::uint64_t from = (c.first_association + first) * sizeof(segment_association);
  const std::uint64_t bytes = count * sizeof(segment_association);
  if (auto done = trust(segment_section::associations, from, bytes); !done)
    return done.error();
  const std::uint64_t offset = header_.at(segment_section::associations).offset + from;
  const std::span list(look_at<segment_association>(offset), count);
  for (std::size_t i = 0; i != list.size(); ++i)
    if (list[i].source != c.id || !well_formed(list[i]))
      return corrupt(offset + i * sizeof(segment_association),
                     "an association is not one of its source's");
  return list;
}

result<std::vector<std::string>> segment_reader::kinds() const {
  const segment_extent& section = header_.at(segment_section::kinds);
  if (auto done = trust_all(segment_section::kinds); !done)
    return done.error();
  auto names = read_names(mapped_.bytes().subspan(static_cast<std::size_t>(section.offset),
                                                  static_cast<std::size_t>(section.bytes)));
  if (!names)
    return corrupt(section.offset, names.error().detail);
  return names;
}

// -- all of it

segment_extent segment_reader::payloads() const noexcept {
  const std::uint64_t begin = header_.at(segment_section::vectors).offset;
  const std::uint64_t end = header_.at(segment_section::extras).end();
  const std::uint64_t from = begin / map_unit * map_unit;
  return {from, begin == end ? 0 : end - from};
}

result<file_mapping> segment_reader::map_payloads(std::byte* at) const {
  for (const auto s : {segment_section::vectors, segment_section::content, segment_section::extras})
    if (auto done = trust_all(s); !done)
      return done.error();
  if (codebook_block_ != 0)
    if (auto done = check_vector_blocks(); !done)
      return done.error();
  const segment_extent all = payloads();
  return file_.map_at(all.offset, static_cast<std::size_t>(all.bytes), at);
}

} // namespace cmem
