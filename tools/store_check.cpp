#include "tools/store_check.hpp"

#include "storage/checkpoint.hpp"
#include "storage/format_version.hpp"
#include "storage/vector_index_file.hpp"
#include "storage/wal_batch.hpp"
#include "storage/wal_reader.hpp"

#include <algorithm>

namespace cmem::tools {
namespace {

/// Every field of a batch. The checksum was right, so what is wrong here was written so.
result<std::uint64_t> check_batch(const wal_record& r) {
  auto batch = wal_batch_decoder::open(r.payload);
  if (!batch)
    return batch.error();
  for (named_kind k;;) {
    const auto more = batch->next(k);
    if (!more)
      return more.error();
    if (!*more)
      break;
  }
  std::uint64_t entries = 0;
  for (wal_batch_decoder::entry e{op::record_access{concept_id{}}};; ++entries) {
    const auto more = batch->next(e);
    if (!more)
      return more.error();
    if (!*more)
      return entries;
  }
}

class store_checker {
public:
  store_checker(const env& e, const std::string& directory, const store_listing& files,
                const check_progress& progress)
    : env_(e), directory_(directory), files_(files), progress_(progress) {}

  result<store_check> run() {
    const auto still = hold_still(env_, directory_);
    if (!still)
      return still.error();
    beside_ = !*still;
    const auto known = read_manifest(env_, directory_);
    // Nothing is wrong with what is newer, and nothing can be said of it.
    for (const auto& version :
         {known ? result<void>() : result<void>(known.error()), check_versions(env_, directory_)})
      if (!version && version.error().code == errc::unsupported)
        return version.error();
    if (known) {
      for (const segment_ref& s : known->value.segments)
        total_ += s.bytes;
      total_ += files_.bytes(store_file_type::index);
      if (!beside_ && !holds_everything(known->value))
        total_ += files_.bytes(store_file_type::log);
      check_manifest(*known);
      for (const segment_ref& s : known->value.segments)
        check_segment(segment_reader::open(env_, directory_, s, known->value.store), &s);
      check_log(known->value);
      check_index(known->value);
      note_strangers(known->value);
    } else {
      out_.faults.push_back(known.error());
      out_.notes.push_back("without MANIFEST, each segment was checked alone, and the log not");
      for (const store_file& f : files_.files)
        if (f.type == store_file_type::segment)
          check_segment(segment_reader::open(env_, directory_ + "/" + f.name), nullptr);
    }
    return std::move(out_);
  }

private:
  void read(std::uint64_t bytes) {
    out_.bytes += bytes;
    if (progress_)
      progress_(out_.bytes, std::max(total_, out_.bytes));
  }

  void check_manifest(const manifest_read& m) {
    out_.sequence = m.value.checkpoint;
    read(2 * sizeof(manifest_root) + m.root.body.bytes);
    if (!m.other)
      return;
    out_.faults.push_back(*m.other);
    out_.notes.push_back(
      "of the two roots of MANIFEST the other one is right: no more is lost than "
      "the last update of the store, if that. A power cut leaves this, too; the "
      "next import mends it");
  }

  void check_segment(const result<segment_reader>& in, const segment_ref* named) {
    ++out_.segments;
    verify_watch watch;
    watch.on_fault = [this](const failure& f) { out_.faults.push_back(f); };
    watch.on_bytes = [this](std::uint64_t bytes) { read(bytes); };
    const auto verified = in ? in->verify(watch) : result<std::uint64_t>(in.error());
    if (verified || (!in && in.error().code == errc::not_found && gone(named)))
      return;
    out_.faults.push_back(verified.error());
  }

  void check_index(const manifest& m) {
    const std::string path = directory_ + "/" + std::string(vector_index_name);
    const auto verified =
      verify_vector_index(env_, path, [this](std::uint64_t bytes) { read(bytes); });
    if (verified && verified->dimension != m.vector_dimension)
      out_.faults.push_back({errc::corrupt, path + " is corrupt at offset 0: its vectors have "
                                              + std::to_string(verified->dimension)
                                              + " components, and the store's "
                                              + std::to_string(m.vector_dimension)});
    else if (verified)
      ++out_.indexes;
    else if (verified.error().code == errc::unsupported) // nothing of it is needed
      out_.notes.push_back(verified.error().detail);
    else if (verified.error().code != errc::not_found)
      out_.faults.push_back(verified.error());
  }

  /// The writer beside us has named another one in its place.
  bool gone(const segment_ref* named) {
    const auto now = beside_ ? read_manifest(env_, directory_) : failure{errc::not_found, ""};
    if (named == nullptr || !now)
      return false;
    const auto& all = now->value.segments;
    return std::find(all.begin(), all.end(), *named) == all.end();
  }

  void check_log(const manifest& m) {
    if (beside_) {
      out_.notes.push_back("another process writes the store: checked up to its last checkpoint, "
                           "sequence "
                           + std::to_string(m.checkpoint) + ", and its log was not read");
      return;
    }
    auto log = wal_reader::open(env_, directory_, {m.store, m.checkpoint, m.durable});
    const auto done = log ? read_log(*log) : result<void>(log.error());
    if (!done) {
      out_.faults.push_back(done.error());
      out_.notes.push_back("the log was read up to its first fault");
      return;
    }
    out_.sequence = log->report().last;
    note_ending(log->report(), m);
  }

  result<void> read_log(wal_reader& log) {
    for (wal_record r;;) {
      const auto more = log.next(r);
      if (!more)
        return more.error();
      if (!*more)
        return {};
      ++out_.records;
      read(wal_record_bytes(r.payload.size()));
      if (r.type != wal_type::batch)
        continue;
      const auto entries = check_batch(r);
      if (entries)
        out_.entries += *entries;
      else
        out_.faults.push_back(
          {entries.error().code, log.path() + " at offset " + std::to_string(r.offset)
                                   + ": the record of sequence " + std::to_string(r.sequence) + ": "
                                   + entries.error().detail});
    }
  }

  void note_ending(const wal_report& r, const manifest& m) {
    // Who closed it left no such thing.
    const bool closed = holds_everything(m);
    const std::string tail = r.discarded_file + " at offset " + std::to_string(r.discarded_offset)
                             + ": " + std::to_string(r.discarded_bytes) + " bytes of a tail ";
    if (r.discarded_bytes != 0 && closed)
      out_.faults.push_back({errc::corrupt, tail
                                              + "fail their checksum; the segments have what "
                                                "they said"});
    else if (r.discarded_bytes != 0)
      out_.notes.push_back(tail + "that a crash cut off, never acknowledged");
    if (r.missing_bytes != 0)
      out_.notes.push_back("log files are " + std::to_string(r.missing_bytes)
                           + " bytes shorter than they were made");
    for (const auto& file : r.unfinished)
      if (closed)
        out_.faults.push_back({errc::corrupt, file
                                                + " at offset 0: the header fails its checksum; "
                                                  "the segments have what the log said"});
      else
        out_.notes.push_back(file + ": made ready when a crash came, never used");
  }

  void note_strangers(const manifest& m) {
    for (const store_file& f : files_.files) {
      const auto number = segment_file_number(f.name);
      const bool named = number && std::any_of(m.segments.begin(), m.segments.end(), [&](auto& s) {
                           return s.number == *number;
                         });
      if (number && !named && !beside_)
        out_.notes.push_back(f.name + ": not in MANIFEST, so it is what a crash left of a flush");
      if (f.name == vector_index_draft && !beside_)
        out_.notes.push_back(f.name + ": what a crash left of writing an index");
      if (f.type == store_file_type::other)
        out_.notes.push_back(f.name + ": no file of a store, not read");
    }
  }

  const env& env_;
  const std::string& directory_;
  const store_listing& files_;
  const check_progress& progress_;
  std::uint64_t total_ = 0;
  bool beside_ = false;
  store_check out_;
};

} // namespace

result<store_check> check_store(const env& e, const std::string& directory,
                                const check_progress& progress) {
  const auto files = list_store(e, directory);
  if (!files)
    return files.error();
  return store_checker(e, directory, *files, progress).run();
}

} // namespace cmem::tools
