#pragma once
// Objects that were replaced, and a list of them that grows without copying what it holds.

#include "storage/arena.hpp"
#include "storage/page_pool.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace cmem {

/// What to do with a retired object when its time comes.
enum class retired_kind : std::uint8_t {
  page,    ///< a page_pool block of `size` bytes
  payload, ///< a payload_pool block
  index,   ///< a concept index (in `object`) to vacate; `size` is the token of its vacancy
};

/// An object that snapshots [created, replaced) see, with `replaced` the version it was retired in.
struct retired_object {
  std::uint64_t created : 48;
  std::uint64_t use : 8;  // page_use
  std::uint64_t kind : 8; // retired_kind
  std::uint32_t object;   // handle, or index
  std::uint32_t size;

  [[nodiscard]] std::uint64_t size_of_page() const noexcept {
    return static_cast<retired_kind>(kind) == retired_kind::page ? size : 0;
  }
};
static_assert(sizeof(retired_object) == 16);

/// In chunks of 16 KiB that come from a stock and go back to it, so that a version which retires
/// much touches no fresh memory. Threads: one at a time.
class retired_list {
public:
  using chunk = std::array<retired_object, 1024>;

  /// Chunks that nobody uses. Made ahead by provision().
  class stock {
  public:
    /// Makes as many as were lately taken between two calls, a bounded number at once. Never
    /// throws: without room, take() will.
    void provision() noexcept;
    /// Throws std::bad_alloc.
    [[nodiscard]] std::unique_ptr<chunk> take();
    void give_back(std::unique_ptr<chunk> c) noexcept;
    [[nodiscard]] std::size_t bytes() const noexcept { return chunks_.size() * sizeof(chunk); }

  private:
    std::vector<std::unique_ptr<chunk>> chunks_;
    std::size_t taken_ = 0;  // since provision()
    std::size_t recent_ = 0; // most taken between two calls, fading
  };

  retired_list() = default;
  retired_list(retired_list&& other) noexcept
    : chunks_(std::move(other.chunks_)), size_(std::exchange(other.size_, 0)) {}
  retired_list& operator=(retired_list&& other) noexcept {
    chunks_ = std::move(other.chunks_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] const retired_object& operator[](std::size_t i) const noexcept {
    return (*chunks_[i / per_chunk])[i % per_chunk];
  }
  /// Throws std::bad_alloc, and then has changed nothing.
  void push_back(const retired_object& o, stock& from) {
    if (size_ == chunks_.size() * per_chunk) {
      chunks_.reserve(chunks_.size() + 1);
      chunks_.push_back(from.take());
    }
    (*chunks_[size_ / per_chunk])[size_ % per_chunk] = o;
    ++size_;
  }
  void erase_front(std::size_t n) noexcept;
  void clear(stock& to) noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept { return chunks_.size() * sizeof(chunk); }

private:
  static constexpr std::size_t per_chunk = std::tuple_size_v<chunk>;

  std::vector<std::unique_ptr<chunk>> chunks_;
  std::size_t size_ = 0;
};

} // namespace cmem
