#pragma once
// A library of others that finds vectors near to one.

#include <cstddef>
#include <cstdint>
#include <string>

namespace cmem::bench {

/// A module of bench/peers has it. By inner product; larger is nearer. Calls throw
/// std::runtime_error. Threads: one at a time.
class vector_peer {
public:
  virtual ~vector_peer() = default;
  [[nodiscard]] virtual std::string name() const = 0; ///< with its parameters
  /// Numbers are given from 0 on.
  virtual void add(const float* vector) = 0;
  /// Writes the numbers of up to `k` to `out`. With more effort fewer of the nearest are missed.
  virtual std::size_t nearest(const float* query, std::size_t k, std::size_t effort,
                              std::uint32_t* out) = 0;
};

} // namespace cmem::bench

/// What the module defines. The caller owns the answer.
extern "C" cmem::bench::vector_peer* cmem_bench_make_vector_peer(std::size_t dimension,
                                                                 std::size_t vectors_max);
