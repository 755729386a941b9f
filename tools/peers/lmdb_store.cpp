// LMDB, by its manual (lmdb.h): one writing transaction at a time, reading ones that are reset and
// renewed, associations as sorted duplicates of a fixed size, which are read a page at a time.

#include "tools/peers/peer_records.hpp"
#include "tools/peers/peer_search.hpp"
#include "tools/peers/peer_store.hpp"

#include <lmdb.h>
#include <stdexcept>

namespace cmem::tools {
namespace {

// Of outgoing entries; incoming ones are an edge_end alone.
constexpr std::size_t out_bytes = sizeof(edge_end) + sizeof(edge_properties);

void check(int code) {
  if (code != MDB_SUCCESS)
    throw std::runtime_error(std::string("LMDB: ") + ::mdb_strerror(code));
}

bool found(int code) {
  if (code != MDB_NOTFOUND)
    check(code);
  return code == MDB_SUCCESS;
}

// LMDB takes what it only reads as void*.
MDB_val value_of(std::string_view bytes) { return {bytes.size(), const_cast<char*>(bytes.data())}; }

std::string_view view_of(const MDB_val& v) {
  return {static_cast<const char*>(v.mv_data), v.mv_size};
}

struct tables {
  MDB_dbi concepts = 0;
  MDB_dbi attributes = 0; ///< by id and key
  MDB_dbi out = 0;
  MDB_dbi in = 0;
};

/// Calls f(entry) for each duplicate of a key, until it returns true.
template <class F>
void each_entry(MDB_cursor* cursor, const concept_id& id, std::size_t entry_bytes, const F& f) {
  MDB_val key = value_of(bytes_of(id));
  MDB_val page{};
  if (!found(::mdb_cursor_get(cursor, &key, &page, MDB_SET)))
    return;
  // Of a key with one entry only, that stays in `page`.
  for (int code = ::mdb_cursor_get(cursor, &key, &page, MDB_GET_MULTIPLE); found(code);
       code = ::mdb_cursor_get(cursor, &key, &page, MDB_NEXT_MULTIPLE)) {
    const std::string_view entries = view_of(page);
    for (std::size_t at = 0; at < entries.size(); at += entry_bytes)
      if (f(entries.substr(at, entry_bytes)))
        return;
  }
}

class lmdb_reader final : public peer_reader {
public:
  lmdb_reader(MDB_env* store, const tables& t) : tables_(t) {
    check(::mdb_txn_begin(store, nullptr, MDB_RDONLY, &txn_));
    if (const int code = ::mdb_cursor_open(txn_, t.out, &out_); code != MDB_SUCCESS) {
      ::mdb_txn_abort(txn_);
      check(code);
    }
    if (const int code = ::mdb_cursor_open(txn_, t.in, &in_); code != MDB_SUCCESS) {
      ::mdb_cursor_close(out_);
      ::mdb_txn_abort(txn_);
      check(code);
    }
    ::mdb_txn_reset(txn_);
  }
  ~lmdb_reader() override {
    ::mdb_cursor_close(in_);
    ::mdb_cursor_close(out_);
    ::mdb_txn_abort(txn_);
  }
  lmdb_reader(const lmdb_reader&) = delete;
  lmdb_reader& operator=(const lmdb_reader&) = delete;

  bool find(const concept_id& id) override {
    const current_state now(*this);
    MDB_val key = value_of(bytes_of(id));
    MDB_val record{};
    return found(::mdb_get(txn_, tables_.concepts, &key, &record))
           && read_at<concept_head>(view_of(record)).strength >= 0;
  }
  std::size_t neighbors(const concept_id& id, std::size_t limit) override {
    const current_state now(*this);
    edges_.clear();
    best_ = {};
    if (!learned(id))
      return 0;
    check(::mdb_cursor_renew(txn_, out_));
    each_entry(out_, id, out_bytes, [this](std::string_view entry) {
      const auto end = read_at<edge_end>(entry);
      edges_.push_back(
        {read_at<edge_properties>(entry, sizeof(edge_end)).confidence, end.kind(), end.id});
      return false;
    });
    best_ = take_best(edges_, limit, [this](const concept_id& end) { return learned(end); });
    return best_.size();
  }
  [[nodiscard]] std::vector<found_edge> last_neighbors() const override {
    return {best_.begin(), best_.end()};
  }
  std::optional<std::size_t> find_path(const concept_id& from, const concept_id& to,
                                       std::uint32_t depth_max) override {
    const current_state now(*this);
    check(::mdb_cursor_renew(txn_, out_));
    check(::mdb_cursor_renew(txn_, in_));
    return paths_.hops(*this, from, to, depth_max);
  }

  // For peer_paths, within find_path().
  [[nodiscard]] bool learned(const concept_id& id) const {
    MDB_val key = value_of(bytes_of(id));
    MDB_val record{};
    return found(::mdb_get(txn_, tables_.concepts, &key, &record));
  }
  template <class F>
  void outgoing(const concept_id& id, const F& f) const {
    each_entry(out_, id, out_bytes, [&f](std::string_view e) { return f(read_at<concept_id>(e)); });
  }
  template <class F>
  void incoming(const concept_id& id, const F& f) const {
    each_entry(in_, id, sizeof(edge_end),
               [&f](std::string_view e) { return f(read_at<concept_id>(e)); });
  }

private:
  /// The newest state, for as long as it lives.
  class current_state {
  public:
    explicit current_state(const lmdb_reader& reader) : txn_(reader.txn_) {
      check(::mdb_txn_renew(txn_));
    }
    ~current_state() { ::mdb_txn_reset(txn_); }
    current_state(const current_state&) = delete;
    current_state& operator=(const current_state&) = delete;

  private:
    MDB_txn* txn_;
  };

  const tables& tables_;
  MDB_txn* txn_ = nullptr;
  MDB_cursor* out_ = nullptr;
  MDB_cursor* in_ = nullptr;
  std::vector<found_edge> edges_;
  std::span<const found_edge> best_; // of edges_
  peer_paths<lmdb_reader> paths_;
};

class lmdb_store final : public peer_store {
public:
  lmdb_store(const char* directory, durability level) : level_(level) {
    check(::mdb_env_create(&store_));
    try {
      check(::mdb_env_set_mapsize(store_, std::size_t{32} << 30));
      check(::mdb_env_set_maxdbs(store_, 4));
      check(::mdb_env_set_maxreaders(store_, 1024));
      check(::mdb_env_open(store_, directory, flags(), 0644));
      begin();
      check(::mdb_dbi_open(txn_, "concepts", MDB_CREATE, &tables_.concepts));
      check(::mdb_dbi_open(txn_, "attributes", MDB_CREATE, &tables_.attributes));
      check(::mdb_dbi_open(txn_, "out", MDB_CREATE | MDB_DUPSORT | MDB_DUPFIXED, &tables_.out));
      check(::mdb_dbi_open(txn_, "in", MDB_CREATE | MDB_DUPSORT | MDB_DUPFIXED, &tables_.in));
      commit();
    } catch (...) {
      roll_back();
      ::mdb_env_close(store_);
      throw;
    }
  }
  ~lmdb_store() override {
    roll_back();
    ::mdb_env_close(store_);
  }
  lmdb_store(const lmdb_store&) = delete;
  lmdb_store& operator=(const lmdb_store&) = delete;

  std::string name() const override {
    int major = 0, minor = 0, patch = 0;
    ::mdb_version(&major, &minor, &patch);
    return "LMDB " + std::to_string(major) + "." + std::to_string(minor) + "."
           + std::to_string(patch);
  }
  std::string settings() const override {
    std::string how = "sorted duplicates of a fixed size, reading transactions renewed; ";
    switch (level_) {
      case durability::none: return how + "MDB_WRITEMAP, MDB_NOSYNC";
      case durability::interval: return how + "MDB_NOSYNC, mdb_env_sync() every 100 ms";
      case durability::sync: break;
    }
    return how + "every transaction synced";
  }

  void begin() override { check(::mdb_txn_begin(store_, nullptr, 0, &txn_)); }
  bool apply(const write_op& o, timestamp_us now) override {
    return std::visit([&](const auto& each) { return apply_one(each, now); }, o);
  }
  void commit() override {
    MDB_txn* const txn = txn_;
    txn_ = nullptr; // gone, whatever comes of it
    cursor_ = concepts_ = nullptr;
    check(::mdb_txn_commit(txn)); // closes its cursors
  }
  void roll_back() noexcept override {
    if (txn_ != nullptr)
      ::mdb_txn_abort(txn_);
    txn_ = nullptr;
    cursor_ = concepts_ = nullptr;
  }
  void sync() override {
    if (level_ == durability::interval)
      check(::mdb_env_sync(store_, 1));
  }
  std::unique_ptr<peer_reader> make_reader() override {
    return std::make_unique<lmdb_reader>(store_, tables_);
  }
  peer_counts counts() override {
    begin();
    MDB_stat concepts{};
    MDB_stat out{};
    check(::mdb_stat(txn_, tables_.concepts, &concepts));
    check(::mdb_stat(txn_, tables_.out, &out));
    roll_back();
    return {concepts.ms_entries, out.ms_entries};
  }

private:
  [[nodiscard]] unsigned flags() const {
    // A reader belongs to no thread: MDB_NOTLS.
    switch (level_) {
      case durability::none: return MDB_NOTLS | MDB_WRITEMAP | MDB_NOSYNC;
      case durability::interval: return MDB_NOTLS | MDB_NOSYNC;
      case durability::sync: break;
    }
    return MDB_NOTLS;
  }

  void put(MDB_dbi table, std::string_view key, std::string_view value) {
    MDB_val k = value_of(key);
    MDB_val v = value_of(value);
    check(::mdb_put(txn_, table, &k, &v, 0));
  }
  /// Instead of what a cursor is on, which has that key and sorts as `value` does: no second
  /// search.
  static void replace(MDB_cursor* at, std::string_view key, std::string_view value) {
    MDB_val k = value_of(key);
    MDB_val v = value_of(value);
    check(::mdb_cursor_put(at, &k, &v, MDB_CURRENT));
  }
  /// All of a key's entries, or one of them.
  bool remove(MDB_dbi table, std::string_view key, std::optional<std::string_view> entry = {}) {
    MDB_val k = value_of(key);
    MDB_val v = entry ? value_of(*entry) : MDB_val{};
    return found(::mdb_del(txn_, table, &k, entry ? &v : nullptr));
  }

  /// An outgoing entry, until the next call.
  std::string_view entry_of(const edge_end& end, const edge_properties& properties) {
    record_.assign(bytes_of(end)).append(bytes_of(properties));
    return record_;
  }
  /// Of the open transaction, on the outgoing entries.
  MDB_cursor* cursor() {
    if (cursor_ == nullptr)
      check(::mdb_cursor_open(txn_, tables_.out, &cursor_));
    return cursor_;
  }
  /// Places the cursor on an outgoing entry, and reads it.
  bool seek_out(const concept_id& source, const edge_end& end, edge_properties& properties) {
    std::array<char, out_bytes> least{}; // of all entries with that end
    std::memcpy(least.data(), &end, sizeof end);
    MDB_val key = value_of(bytes_of(source));
    MDB_val entry = value_of({least.data(), least.size()});
    if (!found(::mdb_cursor_get(cursor(), &key, &entry, MDB_GET_BOTH_RANGE))
        || read_at<edge_end>(view_of(entry)) != end)
      return false;
    properties = read_at<edge_properties>(view_of(entry), sizeof end);
    return true;
  }
  /// What is changed sorts where it was: no two entries of a source have the same end.
  template <class F>
  bool change_association(const concept_id& source, const edge_end& end, const F& change) {
    edge_properties p;
    if (!seek_out(source, end, p))
      return false;
    change(p);
    replace(cursor(), bytes_of(source), entry_of(end, p));
    return true;
  }
  /// Places the cursor of concepts on a record, and reads it.
  bool seek_concept(const concept_id& id, std::string_view& record) {
    if (concepts_ == nullptr)
      check(::mdb_cursor_open(txn_, tables_.concepts, &concepts_));
    MDB_val key = value_of(bytes_of(id));
    MDB_val value{};
    if (!found(::mdb_cursor_get(concepts_, &key, &value, MDB_SET)))
      return false;
    record = view_of(value);
    return true;
  }
  template <class F>
  bool change_concept(const concept_id& id, const F& change) {
    std::string_view record;
    if (!seek_concept(id, record))
      return false;
    auto head = read_at<concept_head>(record);
    change(head);
    replace_head(record, head, record_); // a put may move what is read
    replace(concepts_, bytes_of(id), record_);
    return true;
  }

  bool apply_one(const op::learn_concept& o, timestamp_us now) {
    std::string_view record;
    if (seek_concept(o.id.id, record)) {
      encode_concept(o, read_at<concept_head>(record), record_);
      replace(concepts_, bytes_of(o.id.id), record_);
    } else {
      encode_concept(o, {now, now, 0, 0, 0, 0}, record_);
      put(tables_.concepts, bytes_of(o.id.id), record_);
    }
    return true;
  }
  bool apply_one(const op::learn_association& o, timestamp_us now) {
    const edge_end target(o.target.id, o.kind);
    const auto relearn = [&o](edge_properties& p) {
      p.confidence = o.confidence;
      p.weight = o.weight;
    };
    if (change_association(o.source.id, target, relearn))
      return true;
    put(tables_.out, bytes_of(o.source.id), entry_of(target, {now, now, o.confidence, o.weight}));
    put(tables_.in, bytes_of(o.target.id), bytes_of(edge_end(o.source.id, o.kind)));
    return true;
  }
  bool apply_one(const op::strengthen& o, timestamp_us) {
    return change_concept(o.id.id, [&o](concept_head& head) {
      head.strength = std::max(0.0F, head.strength + o.delta);
    });
  }
  bool apply_one(const op::strengthen_association& o, timestamp_us) {
    return change_association(o.source.id, edge_end(o.target.id, o.kind), [&o](edge_properties& p) {
      p.weight = std::max(0.0F, p.weight + o.delta);
    });
  }
  bool apply_one(const op::record_access& o, timestamp_us now) {
    return change_concept(o.id.id, [now](concept_head& head) {
      ++head.access_count;
      head.last_accessed = now;
    });
  }
  bool apply_one(const op::record_use& o, timestamp_us now) {
    return change_association(o.source.id, edge_end(o.target.id, o.kind),
                              [now](edge_properties& p) { p.last_used = now; });
  }
  bool apply_one(const op::set_attributes& o, timestamp_us) {
    MDB_val id = value_of(bytes_of(o.id.id));
    MDB_val record{};
    if (!found(::mdb_get(txn_, tables_.concepts, &id, &record)))
      return false;
    for (const attribute_update& a : o.attributes) {
      const std::string key = std::string(bytes_of(o.id.id)).append(a.key);
      if (a.value)
        put(tables_.attributes, key, *a.value);
      else
        remove(tables_.attributes, key);
    }
    return true;
  }
  bool apply_one(const op::forget_concept& o, timestamp_us) {
    const concept_id& id = o.id.id;
    std::vector<edge_end> out, in;
    each_entry(cursor(), id, out_bytes, [&out](std::string_view e) {
      out.push_back(read_at<edge_end>(e));
      return false;
    });
    read_incoming(id, in);
    for (const edge_end& e : out)
      remove(tables_.in, bytes_of(e.id), bytes_of(edge_end(id, e.kind())));
    edge_properties ignored;
    for (const edge_end& e : in)
      if (seek_out(e.id, edge_end(id, e.kind()), ignored))
        check(::mdb_cursor_del(cursor(), 0));
    remove(tables_.out, bytes_of(id));
    remove(tables_.in, bytes_of(id));
    remove(tables_.concepts, bytes_of(id));
    remove_attributes(id);
    return true;
  }
  bool apply_one(const op::forget_association& o, timestamp_us) {
    edge_properties ignored;
    if (seek_out(o.source.id, edge_end(o.target.id, o.kind), ignored)) {
      check(::mdb_cursor_del(cursor(), 0));
      remove(tables_.in, bytes_of(o.target.id), bytes_of(edge_end(o.source.id, o.kind)));
    }
    return true;
  }

  void read_incoming(const concept_id& id, std::vector<edge_end>& in) {
    MDB_cursor* c = nullptr;
    check(::mdb_cursor_open(txn_, tables_.in, &c));
    const std::unique_ptr<MDB_cursor, void (*)(MDB_cursor*)> closing(c, ::mdb_cursor_close);
    each_entry(c, id, sizeof(edge_end), [&in](std::string_view e) {
      in.push_back(read_at<edge_end>(e));
      return false;
    });
  }
  void remove_attributes(const concept_id& id) {
    MDB_cursor* c = nullptr;
    check(::mdb_cursor_open(txn_, tables_.attributes, &c));
    const std::unique_ptr<MDB_cursor, void (*)(MDB_cursor*)> closing(c, ::mdb_cursor_close);
    MDB_val key = value_of(bytes_of(id));
    MDB_val value{};
    while (found(::mdb_cursor_get(c, &key, &value, MDB_SET_RANGE))
           && view_of(key).starts_with(bytes_of(id))) {
      check(::mdb_cursor_del(c, 0));
      key = value_of(bytes_of(id));
    }
  }

  const durability level_;
  MDB_env* store_ = nullptr;
  tables tables_;
  MDB_txn* txn_ = nullptr;         // the open one that writes
  MDB_cursor* cursor_ = nullptr;   // of it, on outgoing entries
  MDB_cursor* concepts_ = nullptr; // of it
  std::string record_;
};

} // namespace
} // namespace cmem::tools

extern "C" cmem::tools::peer_store* cmem_open_peer_store(const char* directory, int level) {
  return new cmem::tools::lmdb_store(directory, static_cast<cmem::durability>(level));
}
