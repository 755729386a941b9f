#include "bench/durable_peer.hpp"

#include <algorithm>
#include <filesystem>
#include <sqlite3.h>
#include <stdexcept>

namespace cmem::bench {

namespace {

struct closer {
  void operator()(sqlite3* db) const noexcept { ::sqlite3_close(db); }
  void operator()(sqlite3_stmt* s) const noexcept { ::sqlite3_finalize(s); }
};
using connection = std::unique_ptr<sqlite3, closer>;
using statement = std::unique_ptr<sqlite3_stmt, closer>;

void check(int code, sqlite3* db) {
  if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW)
    throw std::runtime_error(std::string("SQLite: ") + ::sqlite3_errmsg(db));
}

void run(sqlite3* db, const char* sql) {
  check(::sqlite3_exec(db, sql, nullptr, nullptr, nullptr), db);
}

class sqlite_client final : public peer_client {
public:
  explicit sqlite_client(const std::string& path) {
    sqlite3* opened = nullptr;
    const int code = ::sqlite3_open(path.c_str(), &opened);
    db_.reset(opened);
    check(code, opened);
    check(::sqlite3_busy_timeout(opened, 60'000), opened);
    run(opened, "PRAGMA journal_mode = WAL");
    run(opened, "PRAGMA synchronous = FULL");
    run(opened, "CREATE TABLE IF NOT EXISTS concepts (id BLOB PRIMARY KEY, content BLOB NOT NULL) "
                "WITHOUT ROWID");
    sqlite3_stmt* prepared = nullptr;
    check(::sqlite3_prepare_v2(opened, "INSERT OR REPLACE INTO concepts VALUES (?, ?)", -1,
                               &prepared, nullptr),
          opened);
    insert_.reset(prepared);
  }

  void put(const concept_id& id, std::string_view content) override {
    sqlite3* const db = db_.get();
    sqlite3_stmt* const s = insert_.get();
    check(
      ::sqlite3_bind_blob(s, 1, id.bytes.data(), static_cast<int>(id.bytes.size()), SQLITE_STATIC),
      db);
    check(
      ::sqlite3_bind_blob(s, 2, content.data(), static_cast<int>(content.size()), SQLITE_STATIC),
      db);
    check(::sqlite3_step(s), db);
    check(::sqlite3_reset(s), db);
  }
  void put_all(std::span<concept_id> ids, std::string_view content) override {
    std::sort(ids.begin(), ids.end());
    run(db_.get(), "BEGIN IMMEDIATE");
    for (const concept_id& id : ids)
      put(id, content);
    run(db_.get(), "COMMIT");
  }

private:
  connection db_;
  statement insert_; // goes before its connection
};

class sqlite_peer final : public durable_peer {
public:
  explicit sqlite_peer(const std::string& directory) : path_(directory + "/concepts.db") {
    std::filesystem::create_directory(directory);
    (void) connect(); // makes the table
  }

  std::string name() const override { return "SQLite " SQLITE_VERSION; }
  std::string settings() const override {
    return "WAL, synchronous = FULL, a connection a thread, busy timeout, WITHOUT ROWID; batches "
           "are one transaction, sorted by key";
  }
  std::unique_ptr<peer_client> connect() override { return std::make_unique<sqlite_client>(path_); }

private:
  std::string path_;
};

} // namespace

} // namespace cmem::bench

extern "C" cmem::bench::durable_peer* cmem_bench_open_peer(const char* directory) {
  return new cmem::bench::sqlite_peer(directory);
}
