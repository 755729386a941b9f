#include "bench/soaked_memory.hpp"

#include "bench/stored_graph.hpp"
#include "tools/load_threads.hpp"
#include "tools/pacer.hpp"

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <thread>

namespace cmem::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t look_every_ns = 1'000'000'000;

double bytes_in(const std::string& directory) {
  double sum = 0;
  for (const auto& entry : fs::directory_iterator(directory)) {
    std::error_code gone; // merged away meanwhile
    const auto bytes = entry.file_size(gone);
    sum += gone ? 0.0 : static_cast<double>(bytes);
  }
  return sum;
}

} // namespace

soaked_memory::soaked_memory(const tools::scenario& s, const tools::dataset& data, config c)
  : scenario_(s) {
  c.log = [this](log_level level, std::string_view text) { // it lags on purpose
    const std::lock_guard lock(mutex_);
    if (level == log_level::error && error_.empty())
      error_ = text;
  };
  memory_ = or_throw(concurrent_memory::open(std::move(c)));
  target_ = tools::make_memory_target(*memory_);
  std::vector<kind_id> kinds;
  for (const auto& name : data.kinds)
    kinds.push_back(or_throw(memory_->register_kind(name)));
  work_.emplace(data, std::move(kinds));
  learn_all();
  compact();
  begun_ = stats().storage;
}

void soaked_memory::learn_all() {
  const tools::dataset& data = work_->data();
  tools::write_drawer drawer(*work_, {1}, scenario_.seed);
  // What set_attributes of a scenario replaces: else the store would grow until it has met all.
  const attribute_update touched[] = {{"touched", "1000000"}};
  ticket last;
  for (std::size_t i = 0; i != data.learnable; ++i) {
    last = write_patiently(*memory_, drawer.learn_concept(work_->take_concept()).op);
    last = write_patiently(*memory_, op::set_attributes{data.concepts[i].id, touched});
  }
  for (std::size_t i = 0; i != data.associations.size(); ++i)
    last = write_patiently(*memory_, drawer.learn_association(work_->take_association()).op);
  await_merged(*memory_, last);
}

void soaked_memory::compact() {
  if (const auto done = memory_->compact(); !done)
    throw std::runtime_error(to_string(done.error()));
}

void soaked_memory::run_phases(double time_scale, const std::function<void()>& progress) {
  for (const tools::phase& p : scenario_.phases)
    run(p, p.seconds * time_scale, progress);
}

void soaked_memory::settle() {
  stopwatch watch;
  if (memory_->settings().compaction)
    await_merges(*memory_, [this] { look(); });
  else
    (void) or_throw(memory_->flush());
  look();
  settling_seconds_max_ = std::max(settling_seconds_max_, watch.seconds());
  const std::lock_guard lock(mutex_);
  if (!error_.empty())
    throw std::runtime_error(error_);
}

double soaked_memory::segment_bytes() const {
  return static_cast<double>(stats().storage.segment_bytes);
}

double soaked_memory::memory_bytes() const { return static_cast<double>(stats().memory.total); }

durable_log_figures soaked_memory::worked() const {
  durable_log_figures f = stats().storage;
  f.flushes -= begun_.flushes;
  f.flushed_bytes -= begun_.flushed_bytes;
  f.compactions -= begun_.compactions;
  f.compacted_bytes -= begun_.compacted_bytes;
  return f;
}

void soaked_memory::look() {
  segment_bytes_max_ = std::max(segment_bytes_max_, segment_bytes());
  directory_bytes_max_ = std::max(directory_bytes_max_, bytes_in(memory_->settings().storage_path));
}

void soaked_memory::run(const tools::phase& p, double seconds,
                        const std::function<void()>& progress) {
  constexpr std::int64_t lead_ns = 1'000'000; // by when the threads are up
  const std::int64_t start = tools::monotonic_ns() + lead_ns;
  const std::int64_t end = start + static_cast<std::int64_t>(seconds * 1e9);
  const tools::timeline_grid grid{start, end - start, 1};
  const std::atomic<bool> stop{false};
  const auto task = [&] {
    return tools::thread_task{*target_, *work_, p, grid, stop, start, end, 0, ++seed_};
  };
  tools::writer_tally writes(grid);
  tools::reader_tally reads(grid);
  std::jthread writer([t = task(), &writes] { tools::run_writer(t, writes); });
  std::jthread reader([t = task(), &reads] { tools::run_reader(t, reads); });
  for (std::int64_t now = start; now < end; now = tools::monotonic_ns()) {
    look();
    progress();
    tools::wait_until(std::min(end, now + look_every_ns), 0);
  }
  writer.join();
  reader.join();
  if (writes.refused != 0)
    throw std::runtime_error("a write was refused: " + writes.refused_first);
  rejected += writes.rejected;
  for (std::size_t k = 0; k != tools::write_kinds; ++k) {
    appends.merge(writes.service[k]);
    appends_since_due.merge(writes.latency[k]);
  }
  for (std::size_t k = 0; k != tools::query_kinds; ++k)
    queries[k].merge(reads.service[k]);
}

} // namespace cmem::bench
