#pragma once
// One graph in a store of its own, for benchmarks that open, change or measure it.

#include "actors/concurrent_memory.hpp"
#include "bench/workbench.hpp"

#include <functional>
#include <string>

namespace cmem::bench {

struct graph_size {
  std::uint64_t concepts = 0;
  std::uint64_t associations = 0; ///< between random concepts, not all of them different
  std::size_t content_bytes = 0;
};

/// Content of concept `i`, of so many bytes: none is like another.
[[nodiscard]] std::string content_of(std::uint64_t i, std::size_t bytes);

/// Tries again while the memory is overloaded; throws what else is wrong.
ticket write_patiently(concurrent_memory& memory, const write_op& o);
/// Waits until what one thread wrote up to there is visible: a flush takes that, and no more.
void await_merged(concurrent_memory& memory, const ticket& last);
/// Flushes, and waits until the background has merged all that the default policy has it merge.
/// Calls `meanwhile` some times a second. Precondition: nobody writes. Throws after 10 minutes.
void await_merges(
  concurrent_memory& memory, const std::function<void()>& meanwhile = [] {});
/// Learns it, and waits for that.
void learn_graph(concurrent_memory& memory, const graph_size& g);

/// In `directory`, flushed when it is told and by no threshold; "": in memory alone.
[[nodiscard]] config graph_settings(const std::string& directory);
/// Makes the store: one flush, one segment, an empty log.
void store_graph(const std::string& directory, const graph_size& g);

} // namespace cmem::bench
