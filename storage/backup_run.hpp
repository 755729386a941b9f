#pragma once
// What backup's source files share. Nobody else includes it.

#include "storage/backup.hpp"
#include "storage/checkpoint.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cmem {

/// What is to be backed up, held open: the files stay readable, whatever becomes of their names.
struct backup_source {
  std::string directory;
  manifest store;
  std::vector<file> files; // of store.segments
};

/// Behind a segment's name until it is whole and verified. Nobody else reads such a file.
inline constexpr std::string_view taken_ending = ".new";

/// One backup, made once. The options are borrowed. Threads: one.
class backup_run {
public:
  backup_run(const env& e, backup_source from, std::string to, const backup_options& o);
  /// `anew`: no store may be there.
  result<backup_report> run(bool anew);

private:
  [[nodiscard]] std::string at(std::string_view name) const {
    return to_ + "/" + std::string(name);
  }
  [[nodiscard]] bool there(std::string_view name) const {
    return std::binary_search(names_.begin(), names_.end(), name);
  }
  failure unfit(const std::string& why) const {
    return {errc::invalid_argument, to_ + " " + why + ": give another directory"};
  }

  result<void> look(bool anew);
  result<void> look_for_first(const failure& why_none);
  result<void> compare() const;
  result<void> take_segments();
  result<void> take(const segment_ref& s, file& from);
  result<bool> keep(const segment_ref& s);
  result<bool> link(const segment_ref& s, const std::string& taken);
  result<void> copy(const segment_ref& s, file& from, const std::string& taken);
  result<void> check(const std::string& path, const segment_ref& s, bool all);
  failure culprit(const segment_ref& s, const failure& found) const;
  result<void> name_them();
  result<void> clean();
  void tell(std::uint64_t bytes);

  const env env_;
  backup_source from_;
  const std::string to_;
  const backup_options& options_;
  manifest next_; // const: what the directory's manifest will say
  std::optional<file_lock> lock_;
  std::vector<std::string> names_; // that the directory had
  std::optional<manifest> before_; // none: the first backup
  backup_report report_;
  backup_progress progress_;
  std::uint64_t untold_ = 0; // bytes since on_progress was called
};

} // namespace cmem
