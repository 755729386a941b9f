#pragma once
// What `append` and `interference` measure, of a memory set up in one way or another.

#include "actors/config.hpp"
#include "bench/bench.hpp"

#include <string>

namespace cmem::bench {

/// The rows of `append`, their names behind `label`. Of `base` counts where and how it is stored,
/// its path as the beginning of one.
void measure_append(const options& options, const config& base, const std::string& label,
                    outcome& o);

/// What is measured beside the memory.
enum class beside : std::uint8_t { nothing, mutex_map };

/// The rows of `interference`, in the same way.
void measure_interference(const options& options, const config& base, const std::string& label,
                          beside compared, outcome& o);

} // namespace cmem::bench
