// Any bytes as a segment: refused, or read by every accessor without a byte outside it. What
// verify() lets pass is all there, and found. The first byte chooses whether the checksums are made
// right: random bytes would never get past them.

#include "storage/attribute_codec.hpp"
#include "storage/cold_reader.hpp"
#include "storage/graph_loader.hpp"
#include "tests/fuzz/disk.hpp"

#include <algorithm>
#include <cstring>

using namespace cmem;
using cmem::fuzz::require;

namespace {

constexpr std::uint64_t store = 0xC0FFEE;
constexpr std::uint64_t number = 7;

/// Makes what comes before the records fit the bytes, and the checksums fit both.
void seal(std::vector<std::byte>& bytes) {
  segment_header h;
  if (bytes.size() < sizeof h)
    bytes.resize(sizeof h);
  std::memcpy(&h, bytes.data(), sizeof h);
  h.magic = segment_magic;
  h.flags &= segment_header::association_times | segment_header::coded_vectors;
  h.version = h.has(segment_header::coded_vectors) ? segment_version : segment_version_of_originals;
  h.store = store;
  h.number = number;
  h.block_bytes = segment_block_bytes;
  h.reserved = {};
  constexpr std::uint64_t elements[] = {128, 64, 16, 16, 16, 16, 32};
  std::uint64_t at = sizeof h;
  for (std::size_t s = 0; s != segment_checked_sections; ++s) {
    const std::uint64_t left = bytes.size() > at ? bytes.size() - at : 0;
    h.sections[s] = {at, std::min(h.sections[s].bytes, left) / elements[s] * elements[s]};
    if (s == static_cast<std::size_t>(segment_section::bloom) && h.sections[s].bytes == 0)
      h.sections[s].bytes = 32;
    at = h.sections[s].end();
  }
  bytes.resize(static_cast<std::size_t>(at));
  const auto table =
    fuzz::piece_checksums(bytes, std::span(h.sections).first<segment_checked_sections>());
  const auto sums = std::as_bytes(std::span(table));
  h.at(segment_section::checksums) = {at, sums.size()};
  h.table_checksum = segment_checksum(sums);
  h = sealed(h);
  bytes.insert(bytes.end(), sums.begin(), sums.end());
  std::memcpy(bytes.data(), &h, sizeof h);
}

/// Everything that a record leads to. False where a part is corrupt.
bool look(const segment_reader& r, const segment_concept& c) {
  bool whole = true;
  std::size_t sum = 0;
  const auto judge = [&](const auto& answer) {
    if (!answer)
      fuzz::require_report(answer.error());
    whole = whole && answer.has_value();
    return answer.has_value();
  };
  if (const auto text = r.content(c); judge(text))
    sum += static_cast<std::size_t>(std::count(text->begin(), text->end(), 'x'));
  std::vector<float> room;
  if (const auto v = r.vector(c); judge(v))
    for (const float x : v->read(room))
      sum += x > 0 ? 1 : 0;
  if (const auto x = r.extras(c); judge(x)) {
    sum += x->name.size();
    attribute_reader attributes(x->attributes);
    for (attribute_update a; attributes.next(a);)
      sum += a.key.size() + a.value.value_or("").size();
  }
  if (const auto list = r.associations(c); judge(list))
    for (const segment_association& a : *list) {
      require(a.source == c.id, "an association is its source's");
      sum += a.kind;
    }
  require(sum != ~std::size_t{0}, "all of it was read");
  return whole;
}

/// What is mapped has codes that lead to their codebook, wherever it lies.
void read_mapped(const segment_reader& r) {
  const segment_extent all = r.payloads();
  if (!r.header().has(segment_header::coded_vectors) || all.bytes == 0)
    return;
  arena memory(arena_bytes_min);
  span_ranges ranges(memory);
  const auto placed = place_payloads(r, ranges);
  require(placed.has_value(), "there is room for it");
  const auto mapped = r.map_payloads(memory.at(placed->first));
  if (!mapped)
    return fuzz::require_report(mapped.error());
  std::vector<float> room;
  for (std::uint64_t i = 0; i != r.concept_count(); ++i) {
    const auto c = r.at(i);
    const auto v = c ? r.vector(**c) : result<stored_vector>(stored_vector());
    if (!v || v->empty())
      continue;
    const stored_vector there(payload_pool::bytes_at(memory.base(), placed->at((*c)->vector_at)),
                              r.header().vector_dimension);
    std::vector<float> other;
    const auto a = there.read(room);
    const auto b = v->read(other);
    require(std::equal(a.begin(), a.end(), b.begin(), b.end(),
                       [](float x, float y) { return std::memcmp(&x, &y, sizeof x) == 0; }),
            "codes read the same wherever they are mapped");
  }
}

/// The same through a store that names it.
void read_cold(fuzz::disk& d, const segment_reader& r, std::uint64_t bytes, bool whole) {
  manifest m;
  m.store = store;
  m.next_segment = number + 1;
  const segment_header& h = r.header();
  m.segments.push_back({number, bytes, h.first_sequence, h.last_sequence, h.checksum});
  if (h.store != store || h.number != number)
    return;
  require(manifest_file::create(d.e, "/s", m).has_value(), "a manifest can be made");
  const auto cold = cold_reader::open(d.e, "/s");
  require(cold.has_value(), "a segment that opens alone opens in its store");
  for (std::uint64_t i = 0; i != r.concept_count(); ++i) {
    const auto c = r.at(i);
    if (!c)
      continue;
    const auto got = cold->get((*c)->id);
    if (!got)
      fuzz::require_report(got.error());
    else if (whole)
      require(got->has_value() == (*c)->has(segment_concept::learned), "what is learned is got");
    if (const auto out = cold->neighbors((*c)->id); !out && out.error().code != errc::not_found)
      fuzz::require_report(out.error());
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  const bool sealed = in.byte() % 2 == 1;
  auto bytes = fuzz::bytes_of(in.rest());
  if (sealed)
    seal(bytes);
  fuzz::disk d;
  d.put("/s/segment-7.cmseg", bytes);
  const auto r = segment_reader::open(d.e, "/s/segment-7.cmseg");
  if (!r) {
    fuzz::require_report(r.error());
    return 0;
  }
  require(r->concept_count() <= bytes.size() / sizeof(segment_concept), "records have bytes");
  const auto verified = r->verify();
  if (verified)
    require(*verified == bytes.size(), "every byte is verified");
  else
    fuzz::require_report(verified.error());
  const auto kinds = r->kinds();
  require(!verified || kinds.has_value(), "what is verified has names of kinds");
  for (std::uint64_t i = 0; i != r->concept_count(); ++i) {
    const auto c = r->at(i);
    require(!verified || c.has_value(), "what is verified has its records");
    if (!c) {
      fuzz::require_report(c.error());
      continue;
    }
    const bool whole = look(*r, **c);
    require(!verified || whole, "what is verified has all that its records lead to");
    const auto found = r->find((*c)->id);
    require(!verified || (found && *found == *c), "what is verified is found");
  }
  read_mapped(*r);
  read_cold(d, *r, bytes.size(), verified.has_value());
  return 0;
}
