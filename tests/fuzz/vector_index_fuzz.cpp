// Any bytes as an index of vectors: refused, or an index that searches go through and that can be
// gone on with. The first byte chooses whether counts, places and checksums are made right: random
// bytes would never get past them.

#include "storage/engine.hpp"
#include "storage/nearest.hpp"
#include "storage/vector_graph_builder.hpp"
#include "storage/vector_index_file.hpp"
#include "tests/fuzz/disk.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

using namespace cmem;
using cmem::fuzz::require;

namespace {

constexpr std::uint32_t dimension = 3;
constexpr std::uint32_t concepts = 12;

struct memory {
  memory() {
    engine_options o;
    o.arena_bytes = std::size_t{64} << 20;
    o.log_capacity = 64;
    o.merge_threads = 1;
    o.vector_dimension = dimension;
    o.overflow = overflow_policy::reject;
    engine = std::move(cmem::engine::create(std::move(o))).value();
    for (std::uint32_t n = 0; n != concepts; ++n) {
      const std::array<float, dimension> v{1.0F, static_cast<float>(n), -0.5F};
      (void) engine->write(op::learn_concept{.id = concept_id::from_halves(0, n), .vector = v});
    }
    while (engine->reconcile().entries != 0) {}
    snapshot = engine->share();
  }
  std::unique_ptr<cmem::engine> engine;
  snapshot_handle snapshot;
};

std::uint32_t number_at(const std::vector<std::byte>& file, std::uint64_t at) {
  return static_cast<std::uint32_t>(file[static_cast<std::size_t>(at)]);
}

void put(std::vector<std::byte>& file, std::uint64_t at, const auto& what) {
  std::memcpy(file.data() + at, &what, sizeof what);
}

/// Rows end with their first 0, and rows above level 0 are those of the slots.
void make_rows(std::vector<std::byte>& file, const vector_index_header& h) {
  std::uint32_t upper = 0;
  for (std::uint32_t slot = 0; slot != h.graph_slots; ++slot) {
    const std::uint64_t at = h.at(vector_section::first_upper).offset + std::uint64_t{4} * slot;
    const bool place = number_at(file, at) % 4 != 0;
    put(file, at, place ? upper : graph_links::no_upper);
    upper += place ? graph_level_of(slot, h.neighbors) : 0;
  }
  for (const auto& [section, width] : {std::pair{vector_section::rows, 2 * h.neighbors},
                                       std::pair{vector_section::upper, h.neighbors}})
    for (std::uint64_t row = h.at(section).offset; row != h.at(section).end(); row += 4 * width) {
      bool ended = false;
      for (std::uint64_t at = row; at != row + 4 * width; at += 4) {
        ended = ended || number_at(file, at) == 0;
        if (ended)
          put(file, at, std::uint32_t{0});
      }
    }
}

/// The counts come from the header's bytes, within what few bytes can fill. Of ids and links only
/// few are any: else no input would come to one that is.
std::vector<std::byte> sealed_file(const std::vector<std::byte>& bytes) {
  vector_index_header h;
  std::copy_n(bytes.begin(), std::min(bytes.size(), sizeof h),
              std::as_writable_bytes(std::span(&h, 1)).begin());
  const bool as_they_are = h.store % 2 == 1; // rows
  vector_index_header right;
  right.metric = h.metric % 3;
  right.dimension = dimension;
  right.slots = h.slots % 64;
  if (h.neighbors % 5 >= 2) {
    right.neighbors = h.neighbors % 5;
    right.graph_slots = h.graph_slots % (right.slots + 1);
    for (std::uint32_t slot = 0; slot != right.graph_slots; ++slot)
      right.upper_rows += graph_level_of(slot, right.neighbors);
    right.upper_rows -=
      std::min(right.upper_rows, h.upper_rows % 32); // of those that are no places
    right.entry = h.entry % (right.graph_slots + 1);
    right.top = h.top % (graph_level_max + 1);
  }
  right = laid_out(right);
  std::vector<std::byte> file(static_cast<std::size_t>(right.at(vector_section::checksums).offset));
  if (bytes.size() > sizeof h)
    std::memcpy(file.data() + sizeof h, bytes.data() + sizeof h,
                std::min(bytes.size(), file.size()) - sizeof h);
  const auto ids = right.at(vector_section::ids);
  for (std::uint64_t at = ids.offset; at != ids.end(); at += 16)
    put(file, at, concept_id::from_halves(0, number_at(file, at) % (concepts + 1)));
  for (const vector_section s : {vector_section::rows, vector_section::first_upper,
                                 vector_section::twins, vector_section::upper})
    for (std::uint64_t at = right.at(s).offset; at != right.at(s).end(); at += 4)
      put(file, at, number_at(file, at) % (right.graph_slots + 2));
  if (!as_they_are)
    make_rows(file, right);
  const auto table =
    fuzz::piece_checksums(file, std::span(right.sections).first<vector_checked_sections>());
  const auto sums = std::as_bytes(std::span(table));
  right.table_checksum = segment_checksum(sums);
  right = sealed(right);
  std::memcpy(file.data(), &right, sizeof right);
  file.insert(file.end(), sums.begin(), sums.end());
  return file;
}

/// All of them, whatever the graph says: slots of the graph and those that came after it.
void search(const graph_snapshot& s, const vector_index& index) {
  const std::array<float, dimension> v{0.5F, 2.0F, 1.0F};
  for (const std::size_t k : {std::size_t{1}, std::size_t{5}, std::size_t{concepts}}) {
    const nearest_query q{.vector = v, .k = k, .effort = 20};
    const auto found = nearest(s, {.index = &index}, q);
    require(found.has_value() && found->found.size() == k, "as many are found as there are");
    const nearest_query exact{.vector = v, .k = k, .exact = true};
    const auto right = nearest(s, {}, exact);
    require(nearest(s, {.index = &index}, exact)->found.size() == right->found.size(),
            "as many are found by a scan");
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const memory known;
  const graph_snapshot& s = *known.snapshot;
  fuzz::input in(data, size);
  const bool sealed = in.byte() % 2 == 1;
  auto bytes = fuzz::bytes_of(in.rest());
  if (sealed)
    bytes = sealed_file(bytes);
  fuzz::disk d;
  d.put("/s/VECTORS", bytes);
  const auto verified = verify_vector_index(d.e, "/s/VECTORS");
  if (!verified)
    fuzz::require_report(verified.error());
  auto read = read_vector_index(d.e, "/s", s, vector_metric::cosine);
  if (!read) {
    fuzz::require_report(read.error());
    return 0;
  }
  require(verified.has_value() || !read->links, "what fails a check is not read");
  vector_index index;
  for (std::uint32_t i = 0; i != s.index_count(); ++i)
    (void) read->columns.take(s, i);
  index.columns = read->columns.publish();
  if (read->links) {
    const std::uint32_t neighbors = read->links->neighbors;
    vector_graph_builder builder({.neighbors = neighbors, .breadth = 8, .slots_min = 1},
                                 std::move(read->links));
    index.graph = builder.publish();
    search(s, index);
    builder.insert(s, *index.columns, 64);
    index.graph = builder.publish();
  }
  search(s, index);
  return 0;
}
