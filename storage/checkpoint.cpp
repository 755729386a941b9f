#include "storage/checkpoint.hpp"

#include "storage/format_version.hpp"
#include "storage/seeded_bug.hpp"

namespace cmem {

bool concept_parts::take(const segment_place& older) noexcept {
  const segment_concept& c = *older.record;
  if (c.has(segment_concept::forgotten))
    return seeded("tombstone_ignored");
  if (head.record == nullptr)
    head = older;
  // A placeholder has no content to leave to a newer record that was learned.
  const bool of_one_life = older.record == head.record || c.has(segment_concept::learned)
                           || seeded("content_of_placeholder_shown");
  if (payload.record == nullptr && of_one_life && !c.has(segment_concept::older_payload))
    payload = older;
  if (associations.record == nullptr && !c.has(segment_concept::older_associations))
    associations = older;
  return payload.record == nullptr || associations.record == nullptr;
}

result<void> concept_parts::check() const {
  if (head.record == nullptr || (payload.record != nullptr && associations.record != nullptr))
    return {};
  return failure{errc::corrupt, head.in->path() + " leaves a part of " + head.record->id.hex()
                                  + " to older segments, and none has it"};
}

result<std::vector<segment_reader>> open_segments(const env& e, const std::string& directory,
                                                  const manifest& m) {
  std::vector<segment_reader> segments;
  segments.reserve(m.segments.size());
  for (const segment_ref& s : m.segments) {
    auto opened = segment_reader::open(e, directory, s, m.store);
    if (!opened)
      return opened.error();
    segments.push_back(std::move(*opened));
  }
  return segments;
}

result<checkpoint_files> open_checkpoint(const env& e, const std::string& directory) {
  std::uint64_t generation = 0;
  for (;;) {
    auto read = read_manifest(e, directory);
    if (!read)
      return read.error();
    // A newer log too: what it says of the segments, this program cannot know.
    if (auto done = check_versions(e, directory); !done)
      return done.error();
    auto opened = open_segments(e, directory, read->value);
    if (opened)
      return checkpoint_files{std::move(read->value), std::move(*opened)};
    // A writer may have removed a segment after a newer manifest stopped naming it. One that went
    // while the manifest stayed the same is lost.
    if (opened.error().code != errc::not_found)
      return opened.error();
    if (read->generation == generation)
      return failure{errc::corrupt, opened.error().detail + "; the manifest in " + directory
                                      + " names it: restore the file from a copy"};
    generation = read->generation;
  }
}

result<std::optional<file>> hold_still(const env& e, const std::string& directory) {
  auto lock = e.open(directory + "/LOCK", open_mode::read);
  if (!lock && lock.error().code == errc::not_found)
    return std::optional(file()); // nobody ever opened it to write
  if (!lock)
    return lock.error();
  const auto taken = lock->try_lock(lock_mode::shared);
  if (!taken)
    return taken.error();
  return *taken ? std::optional(std::move(*lock)) : std::nullopt;
}

} // namespace cmem
