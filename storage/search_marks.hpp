#pragma once
// What searches note about each concept: arrays that are never cleared between searches.

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace cmem {

/// Which concepts a search has reached and at what level, one word a concept and side:
///   epoch:20 on_path:1 level:11
/// A word of an older epoch says "not reached", so that nothing is cleared between searches. Both
/// words of a concept lie together: a search that reaches it asks for both.
class search_marks {
public:
  struct mark {
    std::array<std::uint32_t, 2> side;
  };
  static constexpr std::uint32_t level_mask = (1U << 11) - 1;
  static constexpr std::uint32_t barred = level_mask; ///< level of what must not be entered
  static constexpr std::uint32_t on_path = 1U << 11;  ///< some shortest path leads through it
  static constexpr std::uint32_t epoch_step = 1U << 12;
  static constexpr std::uint32_t epoch_mask = ~(epoch_step - 1);

  /// Forgets all marks and makes room for concepts below `index_count`. Strong guarantee.
  void begin(std::uint32_t index_count);

  [[nodiscard]] mark& operator[](std::uint32_t index) noexcept {
    assert(index < capacity_);
    return marks_[index];
  }
  [[nodiscard]] std::uint32_t at_level(std::uint32_t level) const noexcept {
    return epoch_ | level;
  }
  [[nodiscard]] bool reached(std::uint32_t word) const noexcept {
    return (word & epoch_mask) == epoch_;
  }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

private:
  void allocate(std::size_t capacity);
  void forget() noexcept;

  struct release {
    void operator()(mark* p) const noexcept { std::free(p); }
  };
  std::unique_ptr<mark[], release> marks_; // from calloc: pages no search touched cost nothing
  std::size_t capacity_ = 0;
  std::uint32_t epoch_ = 0; // of the running search, in its place in a word; 0 is "never"
};

/// Which labels a search has made for each concept, one number a concept and side. What a number
/// names has to be checked against the label itself: old ones are never cleared (Briggs and Torczon
/// 1993).
class label_slots {
public:
  struct slot {
    std::array<std::uint32_t, 2> side;
  };

  /// Makes room for concepts below `index_count`. Strong guarantee.
  void begin(std::uint32_t index_count);

  [[nodiscard]] slot& operator[](std::uint32_t index) noexcept {
    assert(index < capacity_);
    return slots_[index];
  }

private:
  struct release {
    void operator()(slot* p) const noexcept { std::free(p); }
  };
  std::unique_ptr<slot[], release> slots_; // from calloc, as above
  std::size_t capacity_ = 0;
};

} // namespace cmem
