#include "storage/backup.hpp"

#include "bench/benches.hpp"
#include "bench/paced_writer.hpp"
#include "bench/scratch_directory.hpp"
#include "bench/stored_graph.hpp"
#include "bench/written_bytes.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

namespace cmem::bench {
namespace {

constexpr std::size_t content_bytes = 100;
constexpr std::uint64_t every = 100; // one concept of so many changes, again and again
constexpr double writes_per_s = 20'000;
constexpr double backups_per_s = 10; // so that the work is the same however fast the disk is

/// p99 in ns of so many appends, of concepts that change again, at their rate.
double p99_of_appends(concurrent_memory& memory, std::uint64_t concepts, std::uint64_t appends) {
  const std::string content = content_of(1, content_bytes);
  std::vector<std::int64_t> ns;
  ns.reserve(appends);
  const tools::pacer pace(tools::monotonic_ns(), writes_per_s, 1, 0);
  for (std::uint64_t i = 0; i != appends; ++i) {
    tools::wait_until(pace.due(i));
    const std::int64_t start = tools::monotonic_ns();
    (void) write_patiently(
      memory, op::learn_concept{.id = id_of(i * every % concepts), .content = content});
    ns.push_back(tools::monotonic_ns() - start);
  }
  const auto at = ns.begin() + static_cast<std::ptrdiff_t>(ns.size() * 99 / 100);
  std::nth_element(ns.begin(), at, ns.end());
  return static_cast<double>(*at);
}

} // namespace

outcome backup(const options& options) {
  outcome o;
  const scratch_directory scratch(options);
  const graph_size size{options.scaled(1'000'000), options.scaled(4'000'000), content_bytes};
  const std::string store = scratch.at("store");
  const std::string to = scratch.at("backup");
  const core_pin others(0); // the memory's threads inherit it
  const auto memory = or_throw(concurrent_memory::open(graph_settings(store)));
  learn_graph(*memory, size);
  backup_options copies;
  copies.link = false;
  (void) or_throw(memory->backup(to, copies));

  const std::uint64_t changed = (size.concepts + every - 1) / every;
  ticket last;
  for (std::uint64_t i = 0; i != changed; ++i) {
    const std::string content = content_of(i + 1, content_bytes);
    last = write_patiently(*memory, op::learn_concept{.id = id_of(i * every), .content = content});
  }
  await_merged(*memory, last);
  {
    const std::string content = content_of(2, content_bytes);
    const paced_writer going_on(writes_per_s, 1, [&](std::uint64_t i) {
      (void) write_patiently(
        *memory, op::learn_concept{.id = id_of(i % changed * every), .content = content});
    });
    (void) or_throw(memory->flush());
    const auto counter = std::make_shared<counting_kernel>();
    const backup_report r = or_throw(cmem::backup(env(counter), store, to, copies));
    o.rows.push_back({"written after 1 % changed", static_cast<double>(counter->written()), "bytes",
                      "the store", static_cast<double>(r.bytes), ratio_at_most(0.05)});
  }

  const core_pin self(1);
  const std::uint64_t appends = options.scaled(20'000);
  std::vector<double> took; // ms
  const auto alone = [&] { return p99_of_appends(*memory, size.concepts, appends); };
  const auto beside = [&] {
    std::atomic<bool> stop{false};
    std::string failed;
    std::thread other([&] {
      pin_to_core(0);
      const tools::pacer pace(tools::monotonic_ns(), backups_per_s, 1, 0);
      for (std::uint64_t i = 0; !stop.load(std::memory_order_relaxed) && failed.empty(); ++i) {
        const std::int64_t start = tools::monotonic_ns();
        const auto made = memory->backup(to, copies);
        failed = made ? "" : to_string(made.error());
        took.push_back(static_cast<double>(tools::monotonic_ns() - start) / 1e6);
        tools::wait_until(pace.due(i + 1), 0);
      }
    });
    const double p99 = p99_of_appends(*memory, size.concepts, appends);
    stop.store(true, std::memory_order_relaxed);
    other.join();
    if (!failed.empty())
      throw std::runtime_error(failed);
    return p99;
  };
  const auto p99 = take_turns({beside, alone});
  o.rows.push_back({"append p99, ten backups a second", p99[0], "ns", "none is made", p99[1],
                    ratio_at_most(1.25)});
  o.rows.push_back({"a second backup, flush included", median(took), "ms"});
  o.notes = {std::to_string(size.concepts) + " concepts of 100 bytes, "
               + std::to_string(size.associations) + " associations; copied, not linked; on "
               + scratch.file_system(),
             "20,000 writes/s of the 1 % go on meanwhile; `written` has the manifest too",
             "p99 of windows of " + std::to_string(appends)
               + " appends at that rate; ten "
                 "backups a second of the 1 % that changed since the one before, flush included"};
  return o;
}

} // namespace cmem::bench
