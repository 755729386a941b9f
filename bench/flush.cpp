#include "bench/benches.hpp"
#include "bench/scratch_directory.hpp"
#include "bench/stored_graph.hpp"
#include "bench/written_bytes.hpp"
#include "storage/segment_format.hpp"

#include <functional>

namespace cmem::bench {
namespace {

constexpr std::size_t content_bytes = 100;
constexpr std::uint64_t every = 100; // one concept of so many changes

} // namespace

outcome flush(const options& options) {
  outcome o;
  const scratch_directory scratch(options);
  const graph_size size{options.scaled(1'000'000), options.scaled(4'000'000), content_bytes};
  const auto counter = std::make_shared<counting_kernel>();
  config settings = graph_settings(scratch.at("store"));
  settings.files = env(counter);
  const auto memory = or_throw(concurrent_memory::open(settings));
  learn_graph(*memory, size);
  (void) or_throw(memory->flush());

  const auto flush_after = [&](const char* name, std::uint64_t bytes_each,
                               const std::function<ticket(std::uint64_t)>& change) {
    std::uint64_t changed = 0;
    ticket last;
    for (std::uint64_t i = 0; i < size.concepts; i += every, ++changed)
      last = change(i);
    await_merged(*memory, last);
    const std::uint64_t before = counter->written();
    (void) or_throw(memory->flush());
    o.rows.push_back({name, static_cast<double>(counter->written() - before), "bytes",
                      "the changed records, encoded", static_cast<double>(changed * bytes_each),
                      ratio_at_most(3)});
  };
  constexpr std::uint64_t record = sizeof(segment_concept);
  flush_after(
    "content of 1 % changed", record + segment_block_size(content_bytes), [&](std::uint64_t i) {
      const std::string content = content_of(i + 1, content_bytes);
      return write_patiently(*memory, op::learn_concept{.id = id_of(i), .content = content});
    });
  flush_after("strength of 1 % changed", record, [&](std::uint64_t i) {
    return write_patiently(*memory, op::strengthen{.id = id_of(i), .delta = 1});
  });
  flush_after("an association more for 1 %", record + sizeof(segment_association),
              [&](std::uint64_t i) {
                return write_patiently(
                  *memory, op::learn_association{.source = id_of(i),
                                                 .target = id_of((i + 1) % size.concepts),
                                                 .kind = kinds::causal});
              });
  o.notes = {std::to_string(size.concepts) + " concepts of 100 bytes, "
               + std::to_string(size.associations)
               + " associations; every byte written to files but the log's, from the call of "
                 "flush() to its end; on "
               + scratch.file_system(),
             "encoded: 128 bytes a concept, its content where that changed, 64 for the new "
             "association; the segment says a changed list as a whole"};
  return o;
}

} // namespace cmem::bench
