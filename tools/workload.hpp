#pragma once
// Which operation comes next: draws from a mix, learning the data set in its order.

#include "storage/records.hpp"
#include "tools/dataset.hpp"
#include "tools/random.hpp"
#include "tools/scenario.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace cmem::tools {

/// How far the data set has been learned, shared by all threads of a run. When all is learned,
/// learning goes on from the start, as updates. Threads: all calls from any thread.
class workload {
public:
  /// `kinds[i]` is the target's id of data.kinds[i]. Borrows the data set.
  workload(const dataset& data, std::vector<kind_id> kinds)
    : data_(data), kinds_(std::move(kinds)) {}

  [[nodiscard]] const dataset& data() const noexcept { return data_; }
  [[nodiscard]] kind_id kind(std::uint16_t k) const noexcept { return kinds_[k]; }

  /// Takes the next concept to learn.
  std::size_t take_concept() noexcept {
    return next_concept_.fetch_add(1, std::memory_order_relaxed) % data_.learnable;
  }
  /// Precondition: the data set has associations.
  std::size_t take_association() noexcept {
    return next_association_.fetch_add(1, std::memory_order_relaxed) % data_.associations.size();
  }
  /// Concepts handed out so far: those below are learned, or were dropped, or will be visible soon.
  [[nodiscard]] std::size_t concepts_taken() const noexcept {
    return std::min<std::size_t>(next_concept_.load(std::memory_order_relaxed), data_.learnable);
  }
  [[nodiscard]] std::size_t associations_taken() const noexcept {
    return std::min<std::size_t>(next_association_.load(std::memory_order_relaxed),
                                 data_.associations.size());
  }

private:
  const dataset& data_;
  const std::vector<kind_id> kinds_;
  // On lines of their own: writers add to them, readers look at the first.
  alignas(64) std::atomic<std::uint64_t> next_concept_{0};     // any thread
  alignas(64) std::atomic<std::uint64_t> next_association_{0}; // any thread
};

/// Draws kinds of operations by their weights.
template <std::size_t Count>
class weighted_choice {
public:
  explicit weighted_choice(const std::array<double, Count>& weights) {
    double sum = 0;
    for (std::size_t i = 0; i < Count; ++i)
      edges_[i] = sum += weights[i];
    for (auto& edge : edges_)
      edge /= sum;
  }
  [[nodiscard]] std::size_t draw(random_numbers& random) const noexcept {
    const double x = static_cast<double>(random.next() >> 11) * 0x1p-53;
    std::size_t i = 0;
    while (i + 1 < Count && x >= edges_[i])
      ++i;
    return i;
  }

private:
  std::array<double, Count> edges_{}; // running sums, the last one is 1
};

/// One thread's writes. What draw() returns is valid until its next call.
class write_drawer {
public:
  write_drawer(workload& shared, const write_mix& mix, std::uint64_t seed)
    : shared_(shared), choice_(mix), random_(seed) {}

  struct drawn {
    write_kind kind;
    write_op op;
  };
  /// Operations on something known come only once something is; until then concepts are learned.
  drawn draw();
  drawn learn_concept(std::size_t index);
  drawn learn_association(std::size_t index);

private:
  drawn set_attributes(std::size_t index);
  concept_ref end(std::uint32_t index) const;

  workload& shared_;
  weighted_choice<write_kinds> choice_;
  random_numbers random_;
  std::size_t attributes_of_ = none; // concept whose attributes come next
  std::vector<attribute_update> attributes_;
  std::array<char, 24> value_{};
  std::uint64_t counter_ = 0;

  static constexpr std::size_t none = ~std::size_t{0};
};

/// One thread's queries, on concepts chosen evenly from what has been taken to be learned.
class query_drawer {
public:
  query_drawer(const workload& shared, const query_mix& mix, std::uint64_t seed)
    : shared_(shared), choice_(mix), random_(seed) {}

  struct drawn {
    query_kind kind;
    concept_id a;
    concept_id b; ///< of paths: the target
  };
  drawn draw();

private:
  const workload& shared_;
  weighted_choice<query_kinds> choice_;
  random_numbers random_;
};

} // namespace cmem::tools
