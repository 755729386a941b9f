#include "bench/text_peer.hpp"

#include <memory>
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

class fts5_peer final : public text_peer {
public:
  fts5_peer() {
    sqlite3* opened = nullptr;
    const int code = ::sqlite3_open(":memory:", &opened);
    db_.reset(opened);
    check(code);
    run("CREATE VIRTUAL TABLE texts USING fts5(text, content = '')");
    insert_ = prepare("INSERT INTO texts(rowid, text) VALUES (?, ?)");
    search_ = prepare("SELECT rowid, rank FROM texts WHERE texts MATCH ? ORDER BY rank LIMIT ?");
    run("BEGIN");
  }

  std::string name() const override { return "SQLite FTS5 " SQLITE_VERSION; }
  std::string settings() const override {
    return "in memory, contentless, one column, unicode61, one transaction, then 'optimize'; a "
           "prepared statement ORDER BY rank LIMIT 10";
  }
  void add(std::uint32_t number, std::string_view text) override {
    check(::sqlite3_bind_int64(insert_.get(), 1, number));
    check(::sqlite3_bind_text(insert_.get(), 2, text.data(), static_cast<int>(text.size()),
                              SQLITE_STATIC));
    check(::sqlite3_step(insert_.get()));
    check(::sqlite3_reset(insert_.get()));
  }
  void finish() override {
    run("COMMIT");
    run("INSERT INTO texts(texts) VALUES ('optimize')");
  }
  std::uint64_t bytes() const override {
    std::uint64_t all = 1;
    for (const char* sql : {"PRAGMA page_count", "PRAGMA page_size"}) {
      const statement s = prepare(sql);
      check(::sqlite3_step(s.get()));
      all *= static_cast<std::uint64_t>(::sqlite3_column_int64(s.get(), 0));
    }
    return all;
  }
  void search(const std::vector<std::string>& words, bool all, std::size_t k,
              std::vector<std::pair<std::uint32_t, double>>& found) override {
    query_.clear();
    for (const std::string& word : words) {
      if (!query_.empty())
        query_ += all ? " AND " : " OR ";
      query_.append("\"").append(word).append("\"");
    }
    found.clear();
    sqlite3_stmt* const s = search_.get();
    check(::sqlite3_bind_text(s, 1, query_.data(), static_cast<int>(query_.size()), SQLITE_STATIC));
    check(::sqlite3_bind_int64(s, 2, static_cast<sqlite3_int64>(k)));
    int code = SQLITE_ROW;
    while ((code = ::sqlite3_step(s)) == SQLITE_ROW)
      found.emplace_back(static_cast<std::uint32_t>(::sqlite3_column_int64(s, 0)),
                         -::sqlite3_column_double(s, 1));
    check(code);
    check(::sqlite3_reset(s));
  }

private:
  void check(int code) const {
    if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW)
      throw std::runtime_error(std::string("SQLite: ") + ::sqlite3_errmsg(db_.get()));
  }
  void run(const char* sql) const {
    check(::sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr));
  }
  statement prepare(const char* sql) const {
    sqlite3_stmt* s = nullptr;
    check(::sqlite3_prepare_v2(db_.get(), sql, -1, &s, nullptr));
    return statement(s);
  }

  connection db_;
  statement insert_; // these go before their connection
  statement search_;
  std::string query_;
};

} // namespace

} // namespace cmem::bench

extern "C" cmem::bench::text_peer* cmem_bench_make_text_peer() {
  return new cmem::bench::fts5_peer;
}
