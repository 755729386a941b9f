#pragma once
// The nearest by a graph of neighbors.

#include "storage/nearest_run.hpp"
#include "storage/vector_columns.hpp"
#include "storage/vector_scan.hpp"

namespace cmem {

/// Looks at what the graph leads to and at all that it does not know of. First at what is near,
/// asking the filter of that alone. Where those that pass lie elsewhere, farther, or by ways among
/// them. False: a scan is better, or was needed after all, and nothing was looked at. No more than
/// `passing_max` pass; `scan_cost` is that of a scan of all that may, in slots.
[[nodiscard]] bool look_by_graph(nearest_run& run, const vector_index& index, vector_scan& scan,
                                 double passing_max, double scan_cost);

} // namespace cmem
