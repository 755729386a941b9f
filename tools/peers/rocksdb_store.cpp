// RocksDB, by its wiki: column families of their own options, keys that share a prefix, filters for
// what is looked up, one WriteBatch a transaction, a snapshot for what reads several times.

#include "tools/peers/peer_records.hpp"
#include "tools/peers/peer_search.hpp"
#include "tools/peers/peer_store.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/write_batch_with_index.h>
#include <rocksdb/version.h>
#include <stdexcept>
#include <thread>

namespace cmem::tools {
namespace {

constexpr std::size_t cache_bytes = std::size_t{512} << 20;

void check(const rocksdb::Status& s) {
  if (!s.ok())
    throw std::runtime_error("RocksDB: " + s.ToString());
}

bool found(const rocksdb::Status& s) {
  if (!s.IsNotFound())
    check(s);
  return s.ok();
}

rocksdb::Slice slice_of(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view view_of(const rocksdb::Slice& s) { return {s.data(), s.size()}; }

/// `owner`, then the far end: entries of one concept lie side by side.
struct edge_key {
  concept_id owner;
  edge_end end;
};
static_assert(sizeof(edge_key) == 34);

/// Of a database that is open. The handles go before it.
struct tables {
  rocksdb::DB* db = nullptr;
  rocksdb::ColumnFamilyHandle* concepts = nullptr;
  rocksdb::ColumnFamilyHandle* attributes = nullptr; ///< by id and key
  rocksdb::ColumnFamilyHandle* out = nullptr;        ///< edge_key to edge_properties
  rocksdb::ColumnFamilyHandle* in = nullptr;         ///< edge_key to nothing
};

/// Calls f(end, value) for each entry of a concept, until it returns true.
template <class F>
void each_entry(rocksdb::Iterator& at, const concept_id& id, const F& f) {
  for (at.Seek(slice_of(bytes_of(id))); at.Valid() && at.key().starts_with(slice_of(bytes_of(id)));
       at.Next())
    if (f(read_at<edge_end>(view_of(at.key()), sizeof id), view_of(at.value())))
      return;
  check(at.status());
}

class rocksdb_reader final : public peer_reader {
public:
  explicit rocksdb_reader(const tables& t) : tables_(t) {}

  bool find(const concept_id& id) override {
    return look_up(id) && read_at<concept_head>(view_of(record_)).strength >= 0;
  }
  std::size_t neighbors(const concept_id& id, std::size_t limit) override {
    const current_state now(*this);
    edges_.clear();
    best_ = {};
    if (!learned(id))
      return 0;
    each_entry(iterator(out_, tables_.out), id, [this](const edge_end& end, std::string_view v) {
      edges_.push_back({read_at<edge_properties>(v).confidence, end.kind(), end.id});
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
    return paths_.hops(*this, from, to, depth_max);
  }

  // For peer_paths, within find_path().
  [[nodiscard]] bool learned(const concept_id& id) { return look_up(id); }
  template <class F>
  void outgoing(const concept_id& id, const F& f) {
    each_entry(iterator(out_, tables_.out), id,
               [&f](const edge_end& end, std::string_view) { return f(end.id); });
  }
  template <class F>
  void incoming(const concept_id& id, const F& f) {
    each_entry(iterator(in_, tables_.in), id,
               [&f](const edge_end& end, std::string_view) { return f(end.id); });
  }

private:
  /// A snapshot of the newest state, for as long as it lives.
  class current_state {
  public:
    explicit current_state(rocksdb_reader& reader) : reader_(reader) {
      reader.options_.snapshot = reader.tables_.db->GetSnapshot();
    }
    ~current_state() {
      reader_.out_.reset();
      reader_.in_.reset();
      reader_.record_.Reset();
      reader_.tables_.db->ReleaseSnapshot(reader_.options_.snapshot);
      reader_.options_.snapshot = nullptr;
    }
    current_state(const current_state&) = delete;
    current_state& operator=(const current_state&) = delete;

  private:
    rocksdb_reader& reader_;
  };

  bool look_up(const concept_id& id) {
    record_.Reset();
    return found(tables_.db->Get(options_, tables_.concepts, slice_of(bytes_of(id)), &record_));
  }
  /// One serves all the seeks of a query: making one costs more than a seek.
  rocksdb::Iterator& iterator(std::unique_ptr<rocksdb::Iterator>& cached,
                              rocksdb::ColumnFamilyHandle* table) {
    if (!cached) {
      rocksdb::ReadOptions options = options_;
      options.prefix_same_as_start = true;
      cached.reset(tables_.db->NewIterator(options, table));
    }
    return *cached;
  }

  const tables& tables_;
  rocksdb::ReadOptions options_;
  rocksdb::PinnableSlice record_;
  std::unique_ptr<rocksdb::Iterator> out_, in_; // of the query that runs
  std::vector<found_edge> edges_;
  std::span<const found_edge> best_; // of edges_
  peer_paths<rocksdb_reader> paths_;
};

class rocksdb_store final : public peer_store {
public:
  rocksdb_store(const char* directory, durability level) : level_(level) {
    rocksdb::DBOptions o;
    o.create_if_missing = true;
    o.create_missing_column_families = true;
    o.IncreaseParallelism(static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
    o.atomic_flush = level == durability::none; // what its families need where there is no log
    if (level == durability::sync)
      o.recycle_log_file_num = 4; // its advice for synced logs: no new sizes to sync
    const auto cache = rocksdb::NewLRUCache(cache_bytes);
    const auto edges = family(cache, true);
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* opened = nullptr;
    check(rocksdb::DB::Open(o, directory,
                            {{rocksdb::kDefaultColumnFamilyName, {}},
                             {"concepts", family(cache, false)},
                             {"attributes", family(cache, true)},
                             {"out", edges},
                             {"in", edges}},
                            &handles, &opened));
    db_.reset(opened);
    tables_ = {opened, handles[1], handles[2], handles[3], handles[4]};
    default_ = handles[0];
    writing_.sync = level == durability::sync;
    writing_.disableWAL = level == durability::none;
  }
  ~rocksdb_store() override {
    for (auto* handle : {default_, tables_.concepts, tables_.attributes, tables_.out, tables_.in})
      // A failure here has nobody to go to, and the files are thrown away.
      static_cast<void>(db_->DestroyColumnFamilyHandle(handle));
  }
  rocksdb_store(const rocksdb_store&) = delete;
  rocksdb_store& operator=(const rocksdb_store&) = delete;

  std::string name() const override {
    return "RocksDB " + std::to_string(ROCKSDB_MAJOR) + "." + std::to_string(ROCKSDB_MINOR) + "."
           + std::to_string(ROCKSDB_PATCH);
  }
  std::string settings() const override {
    std::string how = "composite keys, Bloom filters of keys and prefixes, 512 MiB of block cache, "
                      "a background thread a core, one WriteBatch a transaction; ";
    switch (level_) {
      case durability::none: return how + "no write-ahead log";
      case durability::interval: return how + "SyncWAL() every 100 ms";
      case durability::sync: break;
    }
    return how + "sync = true, logs recycled";
  }

  void begin() override {
    batch_.Clear();
    change_ = {};
  }
  bool apply(const write_op& o, timestamp_us now) override {
    return std::visit([&](const auto& each) { return apply_one(each, now); }, o);
  }
  void commit() override {
    check(db_->Write(writing_, batch_.GetWriteBatch()));
    // Differences may be negative: unsigned sums wrap back.
    counts_.concepts += change_.concepts;
    counts_.associations += change_.associations;
    batch_.Clear();
  }
  void roll_back() noexcept override { batch_.Clear(); }
  void sync() override {
    if (level_ == durability::interval)
      check(db_->SyncWAL());
  }
  std::unique_ptr<peer_reader> make_reader() override {
    return std::make_unique<rocksdb_reader>(tables_);
  }
  peer_counts counts() override { return counts_; }

private:
  static rocksdb::ColumnFamilyOptions family(const std::shared_ptr<rocksdb::Cache>& cache,
                                             bool prefixed) {
    rocksdb::ColumnFamilyOptions o;
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = cache;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    table.data_block_index_type =
      rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash; // as OptimizeForPointLookup() has
                                                                // it
    o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    o.memtable_prefix_bloom_size_ratio = 0.02;
    o.memtable_whole_key_filtering = true;
    if (prefixed)
      o.prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(sizeof(concept_id)));
    return o;
  }

  /// As the open transaction sees it.
  bool get(rocksdb::ColumnFamilyHandle* table, std::string_view key) {
    return found(batch_.GetFromBatchAndDB(db_.get(), {}, table, slice_of(key), &value_));
  }
  void put(rocksdb::ColumnFamilyHandle* table, std::string_view key, std::string_view value) {
    check(batch_.Put(table, slice_of(key), slice_of(value)));
  }
  void remove(rocksdb::ColumnFamilyHandle* table, std::string_view key) {
    check(batch_.Delete(table, slice_of(key)));
  }
  /// Keys of a concept, as the open transaction sees them.
  std::vector<std::string> keys_of(rocksdb::ColumnFamilyHandle* table, const concept_id& id) {
    rocksdb::ReadOptions options;
    options.prefix_same_as_start = true;
    const std::unique_ptr<rocksdb::Iterator> at(
      batch_.NewIteratorWithBase(table, db_->NewIterator(options, table)));
    std::vector<std::string> keys;
    const auto prefix = slice_of(bytes_of(id));
    for (at->Seek(prefix); at->Valid() && at->key().starts_with(prefix); at->Next())
      keys.push_back(at->key().ToString());
    check(at->status());
    return keys;
  }

  template <class F>
  bool change_association(const edge_key& key, const F& change) {
    if (!get(tables_.out, bytes_of(key)))
      return false;
    auto p = read_at<edge_properties>(value_);
    change(p);
    put(tables_.out, bytes_of(key), bytes_of(p));
    return true;
  }
  template <class F>
  bool change_concept(const concept_id& id, const F& change) {
    if (!get(tables_.concepts, bytes_of(id)))
      return false;
    auto head = read_at<concept_head>(value_);
    change(head);
    replace_head(value_, head, record_);
    put(tables_.concepts, bytes_of(id), record_);
    return true;
  }

  bool apply_one(const op::learn_concept& o, timestamp_us now) {
    concept_head head{now, now, 0, 0, 0, 0};
    if (get(tables_.concepts, bytes_of(o.id.id)))
      head = read_at<concept_head>(value_);
    else
      ++change_.concepts;
    encode_concept(o, head, record_);
    put(tables_.concepts, bytes_of(o.id.id), record_);
    return true;
  }
  bool apply_one(const op::learn_association& o, timestamp_us now) {
    const edge_key key{o.source.id, {o.target.id, o.kind}};
    const auto replace = [&o](edge_properties& p) {
      p.confidence = o.confidence;
      p.weight = o.weight;
    };
    if (change_association(key, replace))
      return true;
    put(tables_.out, bytes_of(key), bytes_of(edge_properties{now, now, o.confidence, o.weight}));
    put(tables_.in, bytes_of(edge_key{o.target.id, {o.source.id, o.kind}}), {});
    ++change_.associations;
    return true;
  }
  bool apply_one(const op::strengthen& o, timestamp_us) {
    return change_concept(o.id.id, [&o](concept_head& head) {
      head.strength = std::max(0.0F, head.strength + o.delta);
    });
  }
  bool apply_one(const op::strengthen_association& o, timestamp_us) {
    return change_association({o.source.id, {o.target.id, o.kind}}, [&o](edge_properties& p) {
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
    return change_association({o.source.id, {o.target.id, o.kind}},
                              [now](edge_properties& p) { p.last_used = now; });
  }
  bool apply_one(const op::set_attributes& o, timestamp_us) {
    if (!get(tables_.concepts, bytes_of(o.id.id)))
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
    const auto forget_edges = [&](rocksdb::ColumnFamilyHandle* near,
                                  rocksdb::ColumnFamilyHandle* far) {
      for (const std::string& key : keys_of(near, id)) {
        const auto end = read_at<edge_end>(key, sizeof id);
        remove(near, key);
        remove(far, bytes_of(edge_key{end.id, {id, end.kind()}}));
        --change_.associations;
      }
    };
    forget_edges(tables_.out, tables_.in);
    forget_edges(tables_.in, tables_.out); // without the loops, which are gone by now
    for (const std::string& key : keys_of(tables_.attributes, id))
      remove(tables_.attributes, key);
    if (get(tables_.concepts, bytes_of(id))) {
      remove(tables_.concepts, bytes_of(id));
      --change_.concepts;
    }
    return true;
  }
  bool apply_one(const op::forget_association& o, timestamp_us) {
    const edge_key key{o.source.id, {o.target.id, o.kind}};
    if (get(tables_.out, bytes_of(key))) {
      remove(tables_.out, bytes_of(key));
      remove(tables_.in, bytes_of(edge_key{o.target.id, {o.source.id, o.kind}}));
      --change_.associations;
    }
    return true;
  }

  const durability level_;
  std::unique_ptr<rocksdb::DB> db_;
  tables tables_;
  rocksdb::ColumnFamilyHandle* default_ = nullptr;
  rocksdb::WriteOptions writing_;
  // Of the open transaction; sees its own writes.
  rocksdb::WriteBatchWithIndex batch_{rocksdb::BytewiseComparator(), 0, true};
  peer_counts change_; // what it adds
  peer_counts counts_; // of what was committed
  std::string value_, record_;
};

} // namespace
} // namespace cmem::tools

extern "C" cmem::tools::peer_store* cmem_open_peer_store(const char* directory, int level) {
  return new cmem::tools::rocksdb_store(directory, static_cast<cmem::durability>(level));
}
