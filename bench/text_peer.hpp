#pragma once
// A library of others that finds texts by their words.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cmem::bench {

/// A module of bench/peers has it. Calls throw std::runtime_error. Threads: one at a time.
class text_peer {
public:
  virtual ~text_peer() = default;
  [[nodiscard]] virtual std::string name() const = 0; ///< with its version
  [[nodiscard]] virtual std::string settings() const = 0;
  /// All of them before finish().
  virtual void add(std::uint32_t number, std::string_view text) = 0;
  virtual void finish() = 0;
  [[nodiscard]] virtual std::uint64_t bytes() const = 0;
  /// The best by BM25, any of the words or all: number and score, larger is better.
  virtual void search(const std::vector<std::string>& words, bool all, std::size_t k,
                      std::vector<std::pair<std::uint32_t, double>>& found) = 0;
};

} // namespace cmem::bench

/// What the module defines. The caller owns the answer.
extern "C" cmem::bench::text_peer* cmem_bench_make_text_peer();
