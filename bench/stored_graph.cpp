#include "bench/stored_graph.hpp"

#include "storage/compaction_policy.hpp"
#include "storage/manifest.hpp"
#include "storage/segment_reader.hpp"
#include "tools/pacer.hpp"

#include <thread>

namespace cmem::bench {
namespace {

/// A merge that goes on is of what the policy still wants: it always wants the more, the more there
/// is.
bool wants_merge(const concurrent_memory& memory) {
  const config& c = memory.settings();
  const manifest stored = or_throw(read_manifest(c.files, c.storage_path)).value;
  std::vector<segment_size> sizes;
  for (const segment_ref& s : stored.segments) {
    const auto in = segment_reader::open(c.files, c.storage_path, s, stored.store);
    if (!in && in.error().code == errc::not_found)
      return true; // merged since the manifest was read
    if (!in)
      throw std::runtime_error(to_string(in.error()));
    sizes.push_back({s.bytes, in->concept_count(), in->header().forgotten});
  }
  const durable_log_figures f = memory.stats().storage;
  return next_compaction(sizes, f.flushes == 0 ? 0 : f.flushed_bytes / f.flushes).has_value();
}

} // namespace

std::string content_of(std::uint64_t i, std::size_t bytes) {
  std::string text = std::to_string(i) + " ";
  text.resize(bytes, 'c');
  return text;
}

ticket write_patiently(concurrent_memory& memory, const write_op& o) {
  auto t = memory.write(o);
  for (; !t && t.error().code == errc::overloaded; t = memory.write(o))
    std::this_thread::yield();
  return or_throw(std::move(t));
}

void await_merged(concurrent_memory& memory, const ticket& last) {
  if (or_throw(memory.await_visible(last, std::chrono::minutes(1))).what != fate::applied)
    throw std::runtime_error("a benchmark's write was not applied");
}

void await_merges(concurrent_memory& memory, const std::function<void()>& meanwhile) {
  constexpr std::int64_t look_every_ns = 100'000'000;
  (void) or_throw(memory.flush());
  const auto merged = [&] { return memory.stats().storage.compactions; };
  stopwatch watch;
  for (std::uint64_t seen = merged(); wants_merge(memory); seen = merged())
    do {
      if (watch.seconds() > 600)
        throw std::runtime_error("segments are still to be merged after 10 minutes");
      meanwhile();
      tools::wait_until(tools::monotonic_ns() + look_every_ns, 0);
    } while (merged() == seen);
}

void learn_graph(concurrent_memory& memory, const graph_size& g) {
  ticket last;
  for (std::uint64_t i = 0; i < g.concepts; ++i) {
    const std::string content = content_of(i, g.content_bytes);
    last = write_patiently(memory, op::learn_concept{.id = id_of(i), .content = content});
  }
  tools::random_numbers random(31);
  for (std::uint64_t i = 0; i < g.associations; ++i) {
    const concept_id source = id_of(random.below(g.concepts));
    const concept_id target = id_of(random.below(g.concepts));
    last = write_patiently(memory, op::learn_association{.source = source, .target = target});
  }
  await_merged(memory, last);
}

config graph_settings(const std::string& directory) {
  config c;
  c.overflow = overflow_policy::reject;
  c.storage_path = directory;
  c.memory_threshold = concepts_max;
  c.flush_log_bytes = std::uint64_t{1} << 40;
  c.log = [](log_level, std::string_view) {}; // loading lags on purpose
  return c;
}

void store_graph(const std::string& directory, const graph_size& g) {
  const auto memory = or_throw(concurrent_memory::open(graph_settings(directory)));
  learn_graph(*memory, g);
  (void) or_throw(memory->flush());
  const auto closed = memory->close();
  if (closed.store_error.code != errc::ok)
    throw std::runtime_error(to_string(closed.store_error));
}

} // namespace cmem::bench
