// SQLite, by its documentation: a write-ahead log, statements prepared once, a connection a thread,
// tables without row ids where the key is all that matters.

#include "tools/peers/peer_search.hpp"
#include "tools/peers/peer_store.hpp"

#include <array>
#include <sqlite3.h>
#include <stdexcept>

namespace cmem::tools {
namespace {

constexpr const char* schema = R"(
  CREATE TABLE concepts (id BLOB PRIMARY KEY, strength REAL, confidence REAL, created INTEGER,
    last_accessed INTEGER, access_count INTEGER, vector BLOB, content BLOB) WITHOUT ROWID;
  CREATE TABLE attributes (id BLOB, key TEXT, value TEXT, PRIMARY KEY (id, key)) WITHOUT ROWID;
  CREATE TABLE associations (source BLOB, target BLOB, kind INTEGER, confidence REAL, weight REAL,
    created INTEGER, last_used INTEGER, PRIMARY KEY (source, target, kind)) WITHOUT ROWID;
  CREATE INDEX incoming ON associations (target, source, kind);
)";

struct closer {
  void operator()(sqlite3* db) const noexcept { ::sqlite3_close(db); }
  void operator()(sqlite3_stmt* s) const noexcept { ::sqlite3_finalize(s); }
};
using connection = std::unique_ptr<sqlite3, closer>;

void check(int code, sqlite3* db) {
  if (code != SQLITE_OK)
    throw std::runtime_error(std::string("SQLite: ") + ::sqlite3_errmsg(db));
}

void run(sqlite3* db, const std::string& sql) {
  check(::sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), db);
}

connection open(const std::string& file) {
  sqlite3* opened = nullptr;
  // Each connection is one thread's at a time: it needs no lock of its own.
  const int code =
    ::sqlite3_open_v2(file.c_str(), &opened,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  connection db(opened);
  check(code, opened);
  check(::sqlite3_busy_timeout(opened, 60'000), opened);
  run(opened, "PRAGMA mmap_size = 2147418112; PRAGMA cache_size = -65536");
  return db;
}

/// Prepared once. What is bound is borrowed until the next call.
class statement {
public:
  statement(const connection& db, const char* sql) : db_(db.get()) {
    sqlite3_stmt* prepared = nullptr;
    check(::sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &prepared, nullptr), db_);
    at_.reset(prepared);
  }

  template <class... Values>
  statement& bind(const Values&... values) {
    // A reset repeats the error of the step before it, which was thrown then.
    static_cast<void>(::sqlite3_reset(at_.get()));
    int i = 0;
    (check(bind_one(++i, values), db_), ...);
    return *this;
  }
  /// Whether there is a row.
  bool step() {
    const int code = ::sqlite3_step(at_.get());
    if (code != SQLITE_ROW && code != SQLITE_DONE)
      check(code, db_);
    if (code == SQLITE_DONE)
      check(::sqlite3_reset(at_.get()), db_);
    return code == SQLITE_ROW;
  }
  /// Ends it before its last row.
  void end() { check(::sqlite3_reset(at_.get()), db_); }
  /// Runs one that gives no rows; how many rows it changed.
  int change() {
    step();
    return ::sqlite3_changes(db_);
  }
  /// Whether there is a row, of one that gives one at most.
  bool any() {
    const bool there = step();
    if (there)
      end();
    return there;
  }

  [[nodiscard]] double real(int column) const { return ::sqlite3_column_double(at_.get(), column); }
  [[nodiscard]] std::int64_t integer(int column) const {
    return ::sqlite3_column_int64(at_.get(), column);
  }
  [[nodiscard]] concept_id id(int column) const {
    concept_id out;
    if (::sqlite3_column_bytes(at_.get(), column) != static_cast<int>(out.bytes.size()))
      throw std::runtime_error("SQLite: an id that is not 16 bytes");
    std::memcpy(out.bytes.data(), ::sqlite3_column_blob(at_.get(), column), out.bytes.size());
    return out;
  }

private:
  int bind_one(int i, const concept_id& v) {
    return ::sqlite3_bind_blob(at_.get(), i, v.bytes.data(), static_cast<int>(v.bytes.size()),
                               SQLITE_STATIC);
  }
  int bind_one(int i, std::string_view v) {
    return ::sqlite3_bind_blob(at_.get(), i, v.data(), static_cast<int>(v.size()), SQLITE_STATIC);
  }
  int bind_one(int i, std::int64_t v) { return ::sqlite3_bind_int64(at_.get(), i, v); }
  int bind_one(int i, float v) {
    return ::sqlite3_bind_double(at_.get(), i, static_cast<double>(v));
  }

  sqlite3* db_;
  std::unique_ptr<sqlite3_stmt, closer> at_;
};

class sqlite_reader final : public peer_reader {
public:
  explicit sqlite_reader(const std::string& file) : db_(open(file)) {
    run(db_.get(), "PRAGMA query_only = ON");
  }

  bool find(const concept_id& id) override {
    find_.bind(id);
    const bool there = find_.step() && find_.real(0) >= 0;
    find_.end();
    return there;
  }
  std::size_t neighbors(const concept_id& id, std::size_t limit) override {
    // One statement, one state.
    neighbors_.bind(id, static_cast<std::int64_t>(limit));
    edges_.clear();
    while (neighbors_.step())
      edges_.push_back({static_cast<float>(neighbors_.real(0)),
                        static_cast<kind_id>(neighbors_.integer(1)), neighbors_.id(2)});
    return edges_.size();
  }
  [[nodiscard]] std::vector<found_edge> last_neighbors() const override { return edges_; }
  std::optional<std::size_t> find_path(const concept_id& from, const concept_id& to,
                                       std::uint32_t depth_max) override {
    begin_.bind().step();
    const std::unique_ptr<sqlite_reader, void (*)(sqlite_reader*)> ending(
      this, [](sqlite_reader* reader) {
        ::sqlite3_exec(reader->db_.get(), "COMMIT", nullptr, nullptr, nullptr);
      });
    return paths_.hops(*this, from, to, depth_max);
  }

  // For peer_paths, within find_path().
  [[nodiscard]] bool learned(const concept_id& id) { return learned_.bind(id).any(); }
  template <class F>
  void outgoing(const concept_id& id, const F& f) {
    each(outgoing_, id, f);
  }
  template <class F>
  void incoming(const concept_id& id, const F& f) {
    each(incoming_, id, f);
  }

private:
  template <class F>
  static void each(statement& ends, const concept_id& id, const F& f) {
    ends.bind(id);
    while (ends.step()) {
      if (f(ends.id(0))) {
        ends.end();
        return;
      }
    }
  }

  const connection db_; // goes after its statements
  statement find_{db_, "SELECT strength, content FROM concepts WHERE id = ?"};
  statement learned_{db_, "SELECT 1 FROM concepts WHERE id = ?"};
  statement neighbors_{db_, "SELECT a.confidence, a.kind, a.target FROM associations AS a "
                            "JOIN concepts AS c ON c.id = a.target WHERE a.source = ?1 "
                            "AND EXISTS (SELECT 1 FROM concepts WHERE id = ?1) "
                            "ORDER BY a.confidence DESC, a.target, a.kind LIMIT ?2"};
  statement outgoing_{db_, "SELECT target FROM associations WHERE source = ?"};
  statement incoming_{db_, "SELECT source FROM associations INDEXED BY incoming WHERE target = ?"};
  statement begin_{db_, "BEGIN"};
  std::vector<found_edge> edges_;
  peer_paths<sqlite_reader> paths_;
};

/// What writes: one connection and its statements.
class sqlite_writer {
public:
  explicit sqlite_writer(const std::string& file) : db_(open(file)) {
    run(db_.get(), "PRAGMA journal_mode = WAL");
    run(db_.get(), schema);
    prepared_ = std::make_unique<prepared>(db_);
  }

  [[nodiscard]] sqlite3* db() const noexcept { return db_.get(); }
  [[nodiscard]] bool in_transaction() const noexcept {
    return ::sqlite3_get_autocommit(db_.get()) == 0;
  }
  void begin() { prepared_->begin.bind().change(); }
  void commit() { prepared_->commit.bind().change(); }

  bool apply(const op::learn_concept& o, timestamp_us now) {
    const std::string_view vector(reinterpret_cast<const char*>(o.vector.data()),
                                  o.vector.size_bytes());
    prepared_->learn_concept.bind(o.id.id, o.strength, o.confidence, now, vector, o.content)
      .change();
    return true;
  }
  bool apply(const op::learn_association& o, timestamp_us now) {
    prepared_->learn_association
      .bind(o.source.id, o.target.id, std::int64_t{o.kind}, o.confidence, o.weight, now)
      .change();
    return true;
  }
  bool apply(const op::strengthen& o, timestamp_us) {
    return prepared_->strengthen.bind(o.id.id, o.delta).change() != 0;
  }
  bool apply(const op::strengthen_association& o, timestamp_us) {
    return prepared_->strengthen_association
             .bind(o.source.id, o.target.id, std::int64_t{o.kind}, o.delta)
             .change()
           != 0;
  }
  bool apply(const op::record_access& o, timestamp_us now) {
    return prepared_->record_access.bind(o.id.id, now).change() != 0;
  }
  bool apply(const op::record_use& o, timestamp_us now) {
    return prepared_->record_use.bind(o.source.id, o.target.id, std::int64_t{o.kind}, now).change()
           != 0;
  }
  bool apply(const op::set_attributes& o, timestamp_us) {
    if (!prepared_->learned.bind(o.id.id).any())
      return false;
    for (const attribute_update& a : o.attributes) {
      if (a.value)
        prepared_->set_attribute.bind(o.id.id, a.key, *a.value).change();
      else
        prepared_->drop_attribute.bind(o.id.id, a.key).change();
    }
    return true;
  }
  bool apply(const op::forget_concept& o, timestamp_us) {
    for (statement* s : {&prepared_->forget_outgoing, &prepared_->forget_incoming,
                         &prepared_->forget_attributes, &prepared_->forget_concept})
      s->bind(o.id.id).change();
    return true;
  }
  bool apply(const op::forget_association& o, timestamp_us) {
    prepared_->forget_association.bind(o.source.id, o.target.id, std::int64_t{o.kind}).change();
    return true;
  }
  [[nodiscard]] std::uint64_t count(const char* sql) {
    statement s(db_, sql);
    s.bind().step();
    return static_cast<std::uint64_t>(s.integer(0));
  }

private:
  struct prepared {
    explicit prepared(const connection& db) : db_(db) {}

    const connection& db_;
    statement begin{db_, "BEGIN IMMEDIATE"};
    statement commit{db_, "COMMIT"};
    statement learned{db_, "SELECT 1 FROM concepts WHERE id = ?"};
    statement learn_concept{
      db_, "INSERT INTO concepts VALUES (?1, ?2, ?3, ?4, ?4, 0, ?5, ?6) ON CONFLICT (id) DO UPDATE "
           "SET strength = ?2, confidence = ?3, vector = ?5, content = ?6"};
    statement learn_association{
      db_, "INSERT INTO associations VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) "
           "ON CONFLICT (source, target, kind) DO UPDATE SET confidence = ?4, weight = ?5"};
    statement strengthen{db_,
                         "UPDATE concepts SET strength = max(0.0, strength + ?2) WHERE id = ?1"};
    statement strengthen_association{db_, "UPDATE associations SET weight = max(0.0, weight + ?4) "
                                          "WHERE source = ?1 AND target = ?2 AND kind = ?3"};
    statement record_access{db_, "UPDATE concepts SET access_count = access_count + 1, "
                                 "last_accessed = ?2 WHERE id = ?1"};
    statement record_use{db_, "UPDATE associations SET last_used = ?4 "
                              "WHERE source = ?1 AND target = ?2 AND kind = ?3"};
    statement set_attribute{db_, "INSERT OR REPLACE INTO attributes VALUES (?, ?, ?)"};
    statement drop_attribute{db_, "DELETE FROM attributes WHERE id = ? AND key = ?"};
    statement forget_outgoing{db_, "DELETE FROM associations WHERE source = ?"};
    statement forget_incoming{db_, "DELETE FROM associations WHERE target = ?"};
    statement forget_attributes{db_, "DELETE FROM attributes WHERE id = ?"};
    statement forget_concept{db_, "DELETE FROM concepts WHERE id = ?"};
    statement forget_association{
      db_, "DELETE FROM associations WHERE source = ? AND target = ? AND kind = ?"};
  };

  const connection db_;
  std::unique_ptr<prepared> prepared_;
};

class sqlite_store final : public peer_store {
public:
  sqlite_store(const char* directory, durability level)
    : level_(level), file_(std::string(directory) + "/graph.db"), writer_(file_) {
    run(writer_.db(), std::string("PRAGMA synchronous = ") + synchronous());
  }

  std::string name() const override { return std::string("SQLite ") + ::sqlite3_libversion(); }
  std::string settings() const override {
    std::string how = std::string("WAL, synchronous = ") + synchronous()
                      + ", prepared statements, WITHOUT ROWID, BEGIN IMMEDIATE, a connection a "
                        "reader, files mapped";
    return level_ == durability::interval ? how + "; its log is synced at its checkpoints only"
                                          : how;
  }

  void begin() override { writer_.begin(); }
  bool apply(const write_op& o, timestamp_us now) override {
    return std::visit([&](const auto& each) { return writer_.apply(each, now); }, o);
  }
  void commit() override { writer_.commit(); }
  void roll_back() noexcept override {
    if (writer_.in_transaction()) // else the error ended it
      ::sqlite3_exec(writer_.db(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  void sync() override {}
  std::unique_ptr<peer_reader> make_reader() override {
    return std::make_unique<sqlite_reader>(file_);
  }
  peer_counts counts() override {
    return {writer_.count("SELECT count(*) FROM concepts"),
            writer_.count("SELECT count(*) FROM associations")};
  }

private:
  [[nodiscard]] const char* synchronous() const noexcept {
    switch (level_) {
      case durability::none: return "OFF";
      case durability::interval: return "NORMAL";
      case durability::sync: break;
    }
    return "FULL";
  }

  const durability level_;
  const std::string file_;
  sqlite_writer writer_;
};

} // namespace
} // namespace cmem::tools

extern "C" cmem::tools::peer_store* cmem_open_peer_store(const char* directory, int level) {
  return new cmem::tools::sqlite_store(directory, static_cast<cmem::durability>(level));
}
