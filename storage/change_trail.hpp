#pragma once
// Which concepts changed what can be searched for, in order: what an index that was made a while
// ago does not know yet.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace cmem {

/// What a snapshot has of a trail: at positions [begin, end), indices of concepts whose content,
/// vector, name or attributes were set, or that were forgotten. The same one may come several
/// times. Immutable, and keeps alive what it shows. Threads: any.
class change_trail {
public:
  /// False: none is kept, and all below is empty.
  [[nodiscard]] bool kept() const noexcept { return blocks_ != nullptr; }
  [[nodiscard]] std::uint64_t begin() const noexcept { return begin_; }
  [[nodiscard]] std::uint64_t end() const noexcept { return end_; }
  /// At positions from `since` on. Precondition: begin() <= since <= end().
  [[nodiscard]] std::vector<std::uint32_t> since(std::uint64_t since) const;

private:
  friend class change_trail_builder;
  static constexpr std::size_t block_entries = 1024;
  using block = std::array<std::uint32_t, block_entries>;
  using blocks = std::vector<std::shared_ptr<block>>;

  std::shared_ptr<const blocks> blocks_; // the first one holds begin_
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
};

/// Goes on with a trail. Blocks only grow: nothing that a change_trail shows is written again.
/// Threads: one at a time.
class change_trail_builder {
public:
  /// Throws std::bad_alloc, and has changed nothing.
  void add(std::uint32_t index);
  /// What was added so far; then roll_back() comes back to here. Throws std::bad_alloc, and has
  /// changed nothing.
  [[nodiscard]] change_trail publish();
  /// To the last publish().
  void roll_back() noexcept;
  /// Positions before `position` are not published any more. Precondition: position <= end of the
  /// last publish().
  void cut(std::uint64_t position) noexcept;
  [[nodiscard]] std::uint64_t begin() const noexcept { return begin_; }
  [[nodiscard]] std::uint64_t end() const noexcept { return end_; }
  [[nodiscard]] std::size_t bytes() const noexcept;

private:
  change_trail::blocks blocks_;
  std::shared_ptr<const change_trail::blocks> published_; // a copy of blocks_; null: not any more
  std::uint64_t first_ = 0;                               // position of blocks_.front()[0]
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t kept_ = 0; // end of the last publish()
};

} // namespace cmem
