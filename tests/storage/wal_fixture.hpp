#pragma once
// A write-ahead log on a disk that fails, and the verbs of its tests.

#include "storage/wal_writer.hpp"

#include "tests/catch.hpp"
#include "tests/fault_env.hpp"

#include <string>

namespace cmem::test {

inline const_bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }
inline std::string text_of(const_bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct wal_disk {
  static constexpr std::uint64_t store = 0xC0FFEE;

  std::shared_ptr<fault_env> faults;
  env e;
  wal_options options{4096, 2};

  explicit wal_disk(std::uint64_t seed = 1) : faults(std::make_shared<fault_env>(seed)), e(faults) {
    static_cast<void>(e.make_directory("/s").has_value());
    static_cast<void>(e.sync_directory("/").has_value());
  }

  struct reading {
    std::vector<std::pair<std::uint64_t, std::string>> records;
    wal_report report;
    std::optional<wal_end> end;
    failure error; // ok, or why it stopped

    /// "1=a 2=b", and " corrupt" or the like where it failed.
    std::string text() const {
      std::string all;
      for (const auto& [sequence, payload] : records)
        all.append(all.empty() ? "" : " ").append(std::to_string(sequence) + "=" + payload);
      if (error.code != errc::ok)
        all.append(all.empty() ? "" : " ").append(to_string(error.code));
      return all;
    }
  };

  reading read(std::uint64_t after = 0, std::uint64_t durable = 0) const {
    reading r;
    auto opened = wal_reader::open(e, "/s", {store, after, durable});
    if (!opened) {
      r.error = opened.error();
      return r;
    }
    wal_record record;
    for (;;) {
      const auto more = opened->next(record);
      r.report = opened->report();
      if (!more) {
        r.error = more.error();
        return r;
      }
      if (!*more)
        break;
      r.records.emplace_back(record.sequence, text_of(record.payload));
    }
    r.end = opened->end();
    return r;
  }

  result<wal_writer> try_open(std::uint64_t after = 0) const {
    const reading r = read(after);
    if (!r.end)
      return r.error;
    return wal_writer::open(e, "/s", options, *r.end);
  }

  wal_writer open(std::uint64_t after = 0) const {
    auto w = try_open(after);
    if (!w)
      FAIL(to_string(w.error()));
    return std::move(*w);
  }

  std::vector<std::string> files() const {
    const auto names = e.list("/s");
    REQUIRE(names);
    return *names;
  }
};

/// Makes a file ahead if one is wanted, as another thread does.
inline result<void> make_ready(wal_writer& w) {
  if (!w.wants_spare())
    return {};
  const std::uint64_t number = w.take_number();
  auto made = w.make_file(number);
  if (made)
    w.add_spare(number);
  return made;
}

inline void append(wal_writer& w, std::uint64_t sequence, std::string_view payload) {
  REQUIRE(w.append(wal_type::batch, sequence, bytes_of(payload)));
}

} // namespace cmem::test
