// Any file of a store, recognized by its first bytes.

#include "storage/manifest.hpp"
#include "storage/wal_batch.hpp"
#include "storage/wal_file_reader.hpp"
#include "tools/inspect_entry.hpp"
#include "tools/report.hpp"
#include "tools/shown.hpp"
#include "tools/store_commands.hpp"
#include "tools/store_files.hpp"
#include "tools/store_opening.hpp"

#include <array>

namespace cmem::tools {
namespace {

using nlohmann::ordered_json;

/// Each finding as a line: `key value, key value` or a JSON object.
class sheet {
public:
  sheet(std::ostream& out, bool json) : out_(out), json_(json) {}

  void add(const ordered_json& finding) {
    if (json_) {
      out_ << dump(finding, -1) << '\n';
      return;
    }
    const char* before = "";
    for (const auto& [key, value] : finding.items()) {
      out_ << before << (key == "what" ? "" : key + " ")
           << (value.is_string() ? show_text(value.get_ref<const std::string&>())
                                 : dump(value, -1));
      before = key == "what" ? ": " : ", ";
    }
    out_ << '\n';
  }

private:
  std::ostream& out_;
  bool json_;
};

/// A file that inspect knows by how it begins.
struct inspector {
  std::array<char, 8> magic;
  result<void> (*show)(const inspect_arguments& a, file from, std::uint64_t bytes, sheet& to);
};

std::string hex_number(std::uint64_t n) {
  std::array<char, 20> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(n));
  return text.data();
}

result<void> show_manifest(const inspect_arguments& a, file, std::uint64_t, sheet& to) {
  const std::size_t slash = a.file.rfind('/');
  const auto read =
    read_manifest(env(), slash == std::string::npos ? "." : a.file.substr(0, slash + 1));
  if (!read)
    return read.error();
  const manifest& m = read->value;
  to.add({{"what", "manifest of a store"},
          {"version", read->root.version},
          {"generation", read->generation},
          {"store", hex_number(m.store)},
          {"vector_dimension", m.vector_dimension},
          {"checkpoint", m.checkpoint},
          {"reserved", m.reserved},
          {"durable", m.durable},
          {"segments", m.segments.size()}});
  return {};
}

result<void> show_batch(const inspect_arguments& a, const wal_record& r, ordered_json line,
                        sheet& to) {
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
    if (a.entries)
      inside.push_back(describe(e));
  }
  line["entries"] = entries;
  to.add(line);
  for (const auto& i : inside)
    to.add(i);
  return {};
}

result<void> show_log(const inspect_arguments& a, file from, std::uint64_t bytes, sheet& to) {
  std::array<std::byte, sizeof(wal_header)> head{};
  const auto read = from.read_at(head, 0);
  if (!read)
    return read.error();
  wal_header h;
  if (read_wal_header(const_bytes(head).first(*read), h) != wal_header_state::valid)
    return failure{errc::corrupt, a.file + " at offset 0: the header fails its checksum"};
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
      to.add(line);
    } else if (auto shown = show_batch(a, r, std::move(line), to); !shown) {
      return failure{shown.error().code, a.file + " at offset " + std::to_string(r.offset) + ": "
                                           + shown.error().detail};
    }
  }
  const std::uint64_t end = records.offset();
  const auto behind = records.ending();
  if (!behind)
    return behind.error();
  to.add({{"what", "end of the records"}, {"offset", end}, {"traces_behind", behind->traces}});
  if (behind->durable > h.base && behind->traces != 0 && behind->durable >= end)
    return failure{errc::corrupt, a.file + " at offset " + std::to_string(end)
                                    + ": records that were durable cannot be read"};
  return {};
}

/// Files without a magic number of their own.
result<void> show_other(const inspect_arguments& a, const file& from, std::uint64_t bytes,
                        sheet& to) {
  if (store_file_type_of(a.file) == store_file_type::lock && bytes <= 32) {
    std::string text(bytes, '\0');
    if (auto read = from.read_all_at(std::as_writable_bytes(std::span(text)), 0); !read)
      return read;
    to.add({{"what", "lock"}, {"last_process", text.substr(0, text.find('\n'))}});
    return {};
  }
  std::array<std::byte, sizeof(wal_header)> head{};
  const auto read = from.read_at(head, 0);
  if (!read)
    return read.error();
  wal_header h;
  if (store_file_type_of(a.file) == store_file_type::log
      && read_wal_header(const_bytes(head).first(*read), h) == wal_header_state::blank) {
    to.add({{"what", "write-ahead log, not used yet"}, {"bytes", bytes}});
    return {};
  }
  return failure{errc::unsupported,
                 a.file + ": begins as no file of a store does that this program knows"};
}

constexpr std::array<inspector, 2> inspectors = {{
  {manifest_magic, show_manifest},
  {wal_magic, show_log},
}};

} // namespace

int inspect_command(const inspect_arguments& a, const console& c) {
  auto opened = env().open(a.file, open_mode::read);
  if (!opened)
    return fail(c, opened.error());
  const auto bytes = opened->size();
  if (!bytes)
    return fail(c, bytes.error());
  std::array<char, 8> magic{};
  if (const auto read = opened->read_at(std::as_writable_bytes(std::span(magic)), 0); !read)
    return fail(c, read.error());
  sheet to(c.out, a.json);
  for (const inspector& i : inspectors)
    if (i.magic == magic) {
      const auto shown = i.show(a, std::move(*opened), *bytes, to);
      return shown ? exit_ok : fail(c, shown.error());
    }
  const auto shown = show_other(a, *opened, *bytes, to);
  return shown ? exit_ok : fail(c, shown.error());
}

} // namespace cmem::tools
