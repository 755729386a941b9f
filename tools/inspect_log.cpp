#include "storage/format_version.hpp"
#include "storage/wal_batch.hpp"
#include "storage/wal_file_reader.hpp"
#include "tools/inspect_entry.hpp"
#include "tools/inspect_sheet.hpp"
#include "tools/shown.hpp"

#include <array>

namespace cmem::tools {
namespace {

using nlohmann::ordered_json;

result<void> show_batch(const inspect_arguments& a, const wal_record& r, ordered_json line,
                        inspect_sheet& to) {
  auto batch = wal_batch_decoder::open(r.payload);
  if (!batch)
    return batch.error();
  line["time"] = show_time(batch->head().time);
  line["covers"] = batch->head().entries;
  std::vector<ordered_json> inside;
  for (named_kind k;;) {
    const auto more = batch->next(k);
    if (!more)
      return more.error();
    if (!*more)
      break;
    inside.push_back({{"what", "  kind"}, {"number", k.id}, {"name", std::string(k.name)}});
  }
  std::uint64_t entries = 0;
  for (wal_batch_decoder::entry e{op::record_access{concept_id{}}};; ++entries) {
    const auto more = batch->next(e);
    if (!more)
      return more.error();
    if (!*more)
      break;
    if (a.entries && to.room())
      inside.push_back(describe(e));
  }
  line["entries"] = entries;
  to.add_record(line);
  for (const auto& i : inside)
    to.add_record(i);
  return {};
}

} // namespace

result<void> inspect_log(const inspect_arguments& a, const env& e, inspect_sheet& to) {
  auto opened = e.open(a.file, open_mode::read);
  if (!opened)
    return opened.error();
  const auto size = opened->size();
  if (!size)
    return size.error();
  file from = std::move(*opened);
  const std::uint64_t bytes = *size;
  std::array<std::byte, sizeof(wal_header)> head{};
  const auto read = from.read_at(head, 0);
  if (!read)
    return read.error();
  wal_header h;
  if (read_wal_header(const_bytes(head).first(*read), h) != wal_header_state::valid)
    return failure{errc::corrupt, a.file + " at offset 0: the header fails its checksum"};
  if (h.version > wal_version) {
    to.add({{"what", "write-ahead log"}, {"version", h.version}, {"bytes", bytes}});
    return newer_format(a.file, h.version, wal_version);
  }
  to.add({{"what", "write-ahead log"},
          {"version", h.version},
          {"store", hex_number(h.store)},
          {"generation", h.generation >> 32},
          {"base", h.base},
          {"zeroed", (h.flags & wal_header::zeroed) != 0},
          {"bytes", bytes},
          {"made_with_bytes", h.file_bytes}});
  wal_file_reader records(std::move(from), bytes, h, sizeof(wal_header), h.base);
  for (wal_record r;;) {
    const auto more = records.next(r);
    if (!more)
      return more.error();
    if (!*more)
      break;
    ordered_json line = {{"what", r.type == wal_type::batch ? "batch" : "record"},
                         {"offset", r.offset},
                         {"sequence", r.sequence},
                         {"durable", r.durable},
                         {"bytes", r.payload.size()}};
    if (r.type != wal_type::batch) {
      line["type"] = static_cast<unsigned>(r.type);
      to.add_record(line);
    } else if (auto shown = show_batch(a, r, std::move(line), to); !shown) {
      return failure{shown.error().code, a.file + " at offset " + std::to_string(r.offset) + ": "
                                           + shown.error().detail};
    }
  }
  const std::uint64_t end = records.offset();
  to.add_rest(to.not_shown());
  const auto behind = records.ending();
  if (!behind)
    return behind.error();
  to.add({{"what", "end of the records"}, {"offset", end}, {"traces_behind", behind->traces}});
  if (behind->durable > h.base && behind->traces != 0 && behind->durable >= end)
    return failure{errc::corrupt, a.file + " at offset " + std::to_string(end)
                                    + ": records that were durable cannot be read"};
  return {};
}

} // namespace cmem::tools
