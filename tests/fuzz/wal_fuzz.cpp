// Any bytes as the files of a log: refused, or records in order that are there again when a writer
// has gone on behind them. The first byte chooses the number of files, and whether the checksums
// are made right.

#include "storage/wal_writer.hpp"
#include "tests/fuzz/disk.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace cmem;
using cmem::fuzz::require;

namespace {

constexpr std::uint64_t store = 0xC0FFEE;

/// As if a writer of this store had written what is there, record behind record.
void seal(std::vector<std::byte>& bytes) {
  wal_header h;
  if (bytes.size() < sizeof h)
    return;
  std::memcpy(&h, bytes.data(), sizeof h);
  h.magic = wal_magic;
  h.version = wal_version;
  h.store = store;
  h.generation &= ~std::uint64_t{0} >> 1; // no writer gets farther
  h = sealed(h);
  std::memcpy(bytes.data(), &h, sizeof h);
  for (std::size_t at = sizeof h; at + sizeof(wal_record_header) <= bytes.size();) {
    const auto rest = std::span(bytes).subspan(at);
    wal_record_header r = peek_wal_record(rest);
    const std::uint64_t size = wal_record_bytes(r.length);
    if (size > rest.size())
      return;
    r.generation = h.generation;
    std::memcpy(rest.data(), &r, sizeof r);
    constexpr std::size_t from = sizeof r.checksum;
    r.checksum = XXH3_64bits_withSeed(rest.data() + from, size - from, store);
    std::memcpy(rest.data(), &r, sizeof r);
    at += static_cast<std::size_t>(size);
  }
}

/// A log that is gone has no file to name.
void judge(const failure& f) {
  if (!f.detail.starts_with("no log file holds "))
    fuzz::require_report(f);
}

struct reading {
  std::vector<std::pair<std::uint64_t, std::string>> records;
  std::optional<wal_end> end;
};

reading read(const env& e, const wal_from& from) {
  reading all;
  auto r = wal_reader::open(e, "/s", from);
  if (!r) {
    judge(r.error());
    return all;
  }
  std::uint64_t last = from.after;
  for (wal_record record;;) {
    const auto more = r->next(record);
    if (!more) {
      judge(more.error());
      return all;
    }
    if (!*more)
      break;
    require(record.sequence > last, "sequences grow");
    last = record.sequence;
    all.records.emplace_back(
      record.sequence,
      std::string(reinterpret_cast<const char*>(record.payload.data()), record.payload.size()));
  }
  require(r->report().records == all.records.size() && r->report().last == last,
          "the report says what was read");
  require(last >= from.durable, "what was durable is there, or its loss is reported");
  all.end = r->end();
  return all;
}

void go_on(fuzz::disk& d, const wal_from& from, const reading& before) {
  auto w = wal_writer::open(d.e, "/s", {4096, 2}, *before.end);
  require(w.has_value(), "a log that was read can be gone on with");
  auto expected = before.records;
  const std::uint64_t sequence = before.end->last + 1;
  if (sequence != 0) {
    require(w->append(wal_type::batch, sequence, {}).has_value() && w->sync().has_value(),
            "a record can be added");
    expected.emplace_back(sequence, "");
  }
  require(read(d.e, from).records == expected, "what was read is there again, and what was added");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  const std::uint8_t how = in.byte();
  wal_from from;
  from.store = store;
  from.after = in.byte() % 8;
  from.durable = in.byte() % 8;
  std::string_view rest = in.rest();
  fuzz::disk d;
  const int files = how & 2 ? 2 : 1;
  for (int n = 0; n != files; ++n) {
    const auto part = rest.substr(0, n + 1 == files ? rest.size() : rest.size() / 2 / 8 * 8);
    rest.remove_prefix(part.size());
    auto bytes = fuzz::bytes_of(part);
    if (how & 1)
      seal(bytes);
    d.put("/s/" + wal_file_name(static_cast<std::uint64_t>(n)), bytes);
  }
  const reading all = read(d.e, from);
  std::size_t payloads = 0;
  for (const auto& [sequence, payload] : all.records)
    payloads += payload.size();
  require(payloads <= size, "payloads have bytes of their own");
  if (all.end)
    go_on(d, from, all);
  return 0;
}
