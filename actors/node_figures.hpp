#pragma once
// Stats and health as they travel between a node and its clients.

#include "actors/health.hpp"
#include "messages/wire.hpp"

namespace cmem {

[[nodiscard]] wire::figures to_figures(const memory_stats& s);
/// What is not in them stays 0; names that this version does not know are passed over.
[[nodiscard]] memory_stats from_figures(const wire::figures& f);

[[nodiscard]] wire::health to_wire(const health_report& r);
/// Concerns that this version does not know become write_lag, with their advice.
[[nodiscard]] health_report from_wire(const wire::health& h);

} // namespace cmem
