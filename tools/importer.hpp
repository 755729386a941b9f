#pragma once
// Lines into a memory, with the number of each line that came to nothing.

#include "actors/concurrent_memory.hpp"
#include "tools/jsonl_line.hpp"

#include <deque>
#include <functional>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace cmem::tools {

struct import_counts {
  std::uint64_t lines = 0; ///< that are not empty
  std::uint64_t concepts = 0;
  std::uint64_t associations = 0;
  std::uint64_t bad = 0;
};

/// Writes without waiting, and asks a window later what became of it, so that parsing and merging
/// go on at the same time. The window bounds what waits, so that the log is never full.
/// Borrows the memory. Threads: one.
class importer {
public:
  static constexpr std::size_t window_lines = 4'000; ///< fewer than failures are remembered
  static constexpr std::size_t window_bytes = std::size_t{32} << 20;

  /// `on_bad` is told of each bad line, in the order in which it is found out.
  using bad_line_sink = std::function<void(std::uint64_t line, const failure& why)>;
  importer(concurrent_memory& memory, bad_line_sink on_bad)
    : memory_(memory), on_bad_(std::move(on_bad)) {}

  /// A line that is not empty. Fails where no line can be taken any more: read_only, closed.
  result<void> add(std::uint64_t number, std::string_view text);
  /// A line that cannot be read.
  void refuse(std::uint64_t number, const failure& why);
  /// Waits until all is known, and on the disk. Fails with why it is not.
  result<void> finish();

  [[nodiscard]] const import_counts& counts() const noexcept { return counts_; }

private:
  struct pending {
    ticket receipt;
    std::uint64_t line;
    std::size_t bytes;
    bool association;
  };

  result<ticket> write(const data_concept& c);
  result<ticket> write(const line_association& a);
  result<kind_id> kind_of(const std::string& name);
  result<void> settle(std::size_t count);

  concurrent_memory& memory_;
  bad_line_sink on_bad_;
  std::deque<pending> pending_;
  std::size_t pending_bytes_ = 0;
  std::optional<ticket> last_;
  std::unordered_map<std::string, kind_id> kinds_;
  import_counts counts_;
};

} // namespace cmem::tools
