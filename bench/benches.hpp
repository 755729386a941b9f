#pragma once
// Every benchmark: bench/NAME.cpp defines `outcome NAME(const options&)`, bench.cpp lists it.

#include "bench/bench.hpp"

namespace cmem::bench {

/// The scenario learn_reason_learn as it stands, in real time, on WordNet.
outcome headline(const options& o);

} // namespace cmem::bench
