#pragma once
// One bit a concept.

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace cmem {

/// Bits in words of 64. Threads: test() from any while nobody writes; the _shared ones from any;
/// the rest from one thread a word.
class bitmap {
public:
  static constexpr std::uint32_t word_bits = 64;
  [[nodiscard]] static constexpr std::size_t words_for(std::size_t bits) noexcept {
    return (bits + word_bits - 1) / word_bits;
  }

  /// Makes room for `bits`, which are all 0 then, if there is less. Throws std::bad_alloc.
  void reserve(std::size_t bits) {
    if (words_for(bits) > words_.size())
      std::vector<std::uint64_t>(words_for(bits)).swap(words_);
  }
  /// Makes the first `bits` 0.
  void clear(std::size_t bits) noexcept {
    assert(words_for(bits) <= words_.size());
    std::fill_n(words_.begin(), words_for(bits), 0);
  }

  [[nodiscard]] bool test(std::uint32_t i) const noexcept {
    return (words_[i / word_bits] >> (i % word_bits) & 1) != 0;
  }
  void set(std::uint32_t i) noexcept { words_[i / word_bits] |= bit(i); }
  void reset(std::uint32_t i) noexcept { words_[i / word_bits] &= ~bit(i); }
  [[nodiscard]] std::uint64_t& word(std::size_t w) noexcept { return words_[w]; }
  [[nodiscard]] std::uint64_t word(std::size_t w) const noexcept { return words_[w]; }

  /// Sets it; whether it was 0.
  bool claim(std::uint32_t i) noexcept {
    std::uint64_t& w = words_[i / word_bits];
    const bool was_set = (w & bit(i)) != 0;
    w |= bit(i);
    return !was_set;
  }
  /// The same two where several threads do. Relaxed: the bit is all that they tell one another.
  [[nodiscard]] bool test_shared(std::uint32_t i) noexcept {
    const std::atomic_ref<std::uint64_t> w(words_[i / word_bits]);
    return (w.load(std::memory_order_relaxed) & bit(i)) != 0;
  }
  bool claim_shared(std::uint32_t i) noexcept {
    std::atomic_ref<std::uint64_t> w(words_[i / word_bits]);
    return (w.load(std::memory_order_relaxed) & bit(i)) == 0
           && (w.fetch_or(bit(i), std::memory_order_relaxed) & bit(i)) == 0;
  }

private:
  static constexpr std::uint64_t bit(std::uint32_t i) noexcept {
    return std::uint64_t{1} << (i % word_bits);
  }

  std::vector<std::uint64_t> words_;
};

/// Calls f(first + number of the bit) for each bit of a word that is 1, ascending.
template <class F>
void for_each_bit(std::uint64_t word, std::uint32_t first, F&& f) {
  for (; word != 0; word &= word - 1)
    f(first + static_cast<std::uint32_t>(std::countr_zero(word)));
}

} // namespace cmem
