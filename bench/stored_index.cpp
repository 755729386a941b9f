// How soon a store that is opened has its graph of neighbors: read from its file, or made anew.

#include "bench/benches.hpp"
#include "bench/scratch_directory.hpp"
#include "bench/stored_graph.hpp"
#include "bench/vector_memory.hpp"
#include "storage/vector_graph.hpp"
#include "storage/vector_index_file.hpp"

#include <chrono>
#include <filesystem>
#include <thread>

namespace cmem::bench {
namespace {

/// Until all but a tail, which is scanned, is in the graph. Seconds.
double await_graph(const concurrent_memory& memory, std::uint32_t rows) {
  const std::uint32_t enough = rows - rows / 64 - std::min(rows / 2, 5'000U);
  const stopwatch watch;
  for (;; std::this_thread::sleep_for(std::chrono::milliseconds(1))) {
    const auto s = memory.snapshot();
    const search_index* index = s->index();
    if (index != nullptr && index->vectors != nullptr && index->vectors->graph != nullptr
        && index->vectors->graph->slots() >= enough)
      return watch.seconds();
    if (watch.seconds() > 1'800)
      throw std::runtime_error("no graph of neighbors came in half an hour");
  }
}

struct opened {
  double open_seconds = 0;
  double graph_seconds = 0; // from then on
  double close_seconds = 0;
};

opened open_and_close(const config& c, std::uint32_t rows) {
  opened o;
  stopwatch opening;
  const auto memory = or_throw(concurrent_memory::open(c));
  o.open_seconds = opening.seconds();
  o.graph_seconds = await_graph(*memory, rows);
  const stopwatch closing;
  (void) memory->close();
  o.close_seconds = closing.seconds();
  return o;
}

} // namespace

outcome stored_index(const options& options) {
  outcome o;
  const vector_set set = load_vectors(options, options.scaled(400'000));
  const scratch_directory scratch(options);
  config c = graph_settings(scratch.at("store"));
  c.vector_dimension = set.dimension;
  const std::string file = scratch.at("store") + "/" + std::string(vector_index_name);
  options.on_progress("stored_index: learning");
  {
    const auto memory = or_throw(concurrent_memory::open(c));
    ticket last;
    for (std::uint32_t i = 0; i < set.rows(); ++i)
      last = write_patiently(*memory, op::learn_concept{.id = id_of(i), .vector = set.row(i)});
    await_merged(*memory, last);
    (void) memory->close();
  }
  std::filesystem::remove(file);
  options.on_progress("stored_index: a graph made anew");
  const opened anew = open_and_close(c, set.rows());
  const auto bytes = static_cast<double>(std::filesystem::file_size(file));
  options.on_progress("stored_index: a graph read");
  const opened read = open_and_close(c, set.rows());
  o.rows = {
    {"graph ready, after opening", read.graph_seconds, "s", "made anew", anew.graph_seconds},
    {"opening", read.open_seconds, "s", "without the file", anew.open_seconds},
    {"closing, nothing to write", read.close_seconds, "s"},
    {"bytes of the file, a vector", bytes / set.rows(), "", "the vector", 4.0 * set.dimension}};
  o.notes = {set.name + ", flushed; the memory indexes on a thread of its own",
             "closing the memory that made the graph took " + std::to_string(anew.close_seconds)
               + " s",
             "on " + scratch.file_system()};
  return o;
}

} // namespace cmem::bench
