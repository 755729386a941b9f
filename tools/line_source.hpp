#pragma once
// Numbered lines of a stream, however long they are.

#include <cstdint>
#include <deque>
#include <istream>
#include <memory>
#include <string>
#include <string_view>

namespace cmem::tools {

/// Borrows the stream. Threads: one at a time.
class line_source {
public:
  /// What the largest concept takes, with each byte of its texts escaped.
  static constexpr std::size_t line_bytes_max = std::size_t{16} << 20;

  struct line {
    std::uint64_t number = 0; ///< from 1
    std::string_view text;    ///< until the next call
    bool too_long = false;    ///< then `text` is empty
  };

  explicit line_source(std::istream& in);
  /// False at the end, or where reading failed.
  bool next(line& out);
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; } ///< read so far
  [[nodiscard]] bool failed() const { return in_.bad(); }

  /// The numbers of the first vector; 0 if none comes within `bytes_max`. What was looked at comes
  /// again if `keep`.
  std::uint32_t first_dimension(std::uint64_t bytes_max, bool keep);

private:
  struct kept {
    std::uint64_t number;
    std::string text;
    bool too_long;
  };

  bool read(line& out);

  std::istream& in_;
  std::unique_ptr<char[]> buffer_;
  std::uint64_t number_ = 0;
  std::uint64_t bytes_ = 0;
  std::deque<kept> ahead_;
  kept current_{}; // owns the text of a line that was kept
};

} // namespace cmem::tools
