#pragma once
// What a store writes, keeps and searches for what is learned, live and asked.

#include "storage/cold_reader.hpp"
#include "storage/graph_snapshot.hpp"

#include <optional>
#include <string>
#include <vector>

namespace cmem::tools {

/// What one segment of all that the snapshot shows takes: what a full compaction would write now,
/// all being flushed. Time: its concepts.
[[nodiscard]] std::uint64_t live_bytes(const graph_snapshot& s,
                                       const std::vector<std::string>& kinds);

/// Bytes written for each that was learned, since the store counts them; none: nothing was.
[[nodiscard]] std::optional<double> write_amplification(const write_totals& t) noexcept;

/// Segments that are searched to find a concept, a mean over up to 1,000 of the snapshot's that the
/// segments have too, chosen by a fixed seed; none: they have none. As every look-up does, it asks
/// the filters first. Fails: as cold_reader does.
result<std::optional<double>> read_amplification(const cold_reader& from, const graph_snapshot& s);

} // namespace cmem::tools
