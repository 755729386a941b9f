#include "tools/store_check.hpp"

#include "storage/checkpoint.hpp"
#include "storage/wal_batch.hpp"
#include "storage/wal_reader.hpp"

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

void note_ending(const wal_report& r, store_check& out) {
  if (r.discarded_bytes != 0)
    out.notes.push_back(r.discarded_file + " at offset " + std::to_string(r.discarded_offset) + ": "
                        + std::to_string(r.discarded_bytes)
                        + " bytes of a tail that a crash cut off, never acknowledged");
  if (r.missing_bytes != 0)
    out.notes.push_back("log files are " + std::to_string(r.missing_bytes)
                        + " bytes shorter than they were made");
  for (const auto& file : r.unfinished)
    out.notes.push_back(file + ": made ready when a crash came, never used");
}

result<void> check_log(const env& e, const std::string& directory, const manifest& m,
                       store_check& out, const check_progress& progress) {
  auto log = wal_reader::open(e, directory, {m.store, m.checkpoint, m.durable});
  if (!log)
    return log.error();
  for (wal_record r;;) {
    const auto more = log->next(r);
    if (!more)
      return more.error();
    if (!*more)
      break;
    ++out.records;
    out.bytes += wal_record_bytes(r.payload.size());
    if (progress)
      progress(out.bytes);
    if (r.type != wal_type::batch)
      continue;
    const auto entries = check_batch(r);
    if (entries)
      out.entries += *entries;
    else
      out.faults.push_back({entries.error().code, "log record of sequence "
                                                    + std::to_string(r.sequence) + " at offset "
                                                    + std::to_string(r.offset)
                                                    + " of its file: " + entries.error().detail});
  }
  out.sequence = log->report().last;
  note_ending(log->report(), out);
  return {};
}

} // namespace

result<store_check> check_store(const env& e, const std::string& directory,
                                const check_progress& progress) {
  const auto files = list_store(e, directory);
  if (!files)
    return files.error();
  store_check out;
  const auto known = read_manifest(e, directory);
  if (!known) {
    out.faults.push_back(known.error());
    out.notes.push_back("nothing else was read: it is checked against MANIFEST");
    return out;
  }
  const manifest& m = known->value;
  if (known->other)
    out.notes.push_back(known->other->detail + " (a crash leaves that)");
  for (const segment_ref& s : m.segments) {
    const auto in = segment_reader::open(e, directory, s, m.store);
    const auto verified = in ? in->verify() : result<std::uint64_t>(in.error());
    if (verified)
      out.bytes += *verified;
    else
      out.faults.push_back(verified.error());
  }
  if (auto done = check_log(e, directory, m, out, progress); !done)
    out.faults.push_back(done.error());
  return out;
}

} // namespace cmem::tools
