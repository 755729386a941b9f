#include "bench/benches.hpp"
#include "bench/scratch_directory.hpp"
#include "bench/stored_graph.hpp"
#include "storage/manifest.hpp"
#include "storage/segment_format.hpp"

namespace cmem::bench {
namespace {

/// Reads the file in the pieces that a segment has checksums of: the sum of those.
std::uint64_t checksum_file(const env& e, const std::string& path, std::uint64_t& bytes) {
  const file f = or_throw(e.open(path, open_mode::read));
  std::vector<std::byte> piece(segment_block_bytes);
  std::uint64_t sum = 0;
  for (std::uint64_t at = 0;;) {
    const std::size_t got = or_throw(f.read_at(piece, at));
    if (got == 0)
      return sum;
    sum += segment_checksum(const_bytes(piece).first(got));
    at += got;
    bytes += got;
  }
}

} // namespace

outcome recover(const options& options) {
  outcome o;
  const scratch_directory scratch(options);
  const std::string directory = scratch.at("store");
  const graph_size size{options.scaled(1'000'000), options.scaled(4'000'000), 100};
  store_graph(directory, size);

  const env e;
  const manifest stored = or_throw(read_manifest(e, directory)).value;
  std::uint64_t bytes = 0;
  std::uint64_t sums = 0;
  const auto read = [&] {
    stopwatch watch;
    bytes = 0;
    sums = checksum_file(e, directory + "/MANIFEST", bytes);
    for (const segment_ref& s : stored.segments)
      sums += checksum_file(e, directory + "/" + segment_file_name(s.number), bytes);
    return watch.seconds();
  };
  const auto open = [&](bool read_only) {
    config c = graph_settings(directory);
    c.read_only = read_only;
    stopwatch watch;
    const auto memory = or_throw(concurrent_memory::open(std::move(c)));
    const double took = watch.seconds(); // it closes on nobody's time
    if (memory->snapshot()->concept_count() != size.concepts)
      throw std::runtime_error("the store opened with another number of concepts");
    return took;
  };
  const auto medians = take_turns({read, [&] { return open(false); }, [&] { return open(true); }});
  const double baseline = medians[0];

  o.rows.push_back(
    {"opening", medians[1], "s", "reading and checksumming its files", baseline, ratio_at_most(2)});
  o.rows.push_back({"opening, alone", medians[1], "s", "", 0, at_most(3)});
  o.rows.push_back({"opening to read only", medians[2], "s", "reading and checksumming its files",
                    baseline, std::nullopt});
  o.notes = {std::to_string(size.concepts) + " concepts of 100 bytes, "
               + std::to_string(size.associations) + " associations, "
               + std::to_string(stored.segments.size()) + " segment, " + std::to_string(bytes >> 20)
               + " MiB; warm; on " + scratch.file_system(),
             "the baseline reads manifest and segments, 64 KiB at a time, XXH3-64 of each; it "
             "summed up to "
               + std::to_string(sums)};
  return o;
}

} // namespace cmem::bench
