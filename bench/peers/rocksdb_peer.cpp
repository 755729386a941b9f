#include "bench/counted_peer.hpp"
#include "bench/durable_peer.hpp"

#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/statistics.h>
#include <rocksdb/version.h>
#include <rocksdb/write_batch.h>
#include <stdexcept>
#include <thread>

namespace cmem::bench {

namespace {

void check(const rocksdb::Status& s) {
  if (!s.ok())
    throw std::runtime_error("RocksDB: " + s.ToString());
}

rocksdb::Slice slice_of(const concept_id& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

std::string name_and_version() {
  return "RocksDB " + std::to_string(ROCKSDB_MAJOR) + "." + std::to_string(ROCKSDB_MINOR) + "."
         + std::to_string(ROCKSDB_PATCH);
}

class rocksdb_client final : public peer_client {
public:
  explicit rocksdb_client(rocksdb::DB& db) : db_(db) { options_.sync = true; }

  void put(const concept_id& id, std::string_view content) override {
    check(db_.Put(options_, slice_of(id), {content.data(), content.size()}));
  }
  void put_all(std::span<concept_id> ids, std::string_view content) override {
    batch_.Clear();
    for (const concept_id& id : ids)
      check(batch_.Put(slice_of(id), {content.data(), content.size()}));
    check(db_.Write(options_, &batch_));
  }

private:
  rocksdb::DB& db_;
  rocksdb::WriteOptions options_;
  rocksdb::WriteBatch batch_;
};

class rocksdb_peer final : public durable_peer {
public:
  explicit rocksdb_peer(const std::string& directory) {
    rocksdb::Options o;
    o.create_if_missing = true;
    o.IncreaseParallelism(static_cast<int>(std::thread::hardware_concurrency()));
    o.recycle_log_file_num = 4; // its advice for synced logs: no new sizes to sync
    rocksdb::DB* opened = nullptr;
    check(rocksdb::DB::Open(o, directory, &opened));
    db_.reset(opened);
  }

  std::string name() const override { return name_and_version(); }
  std::string settings() const override {
    return "sync = true (its own group commit), logs recycled, a background thread a core; "
           "batches are one WriteBatch";
  }
  std::unique_ptr<peer_client> connect() override { return std::make_unique<rocksdb_client>(*db_); }

private:
  std::unique_ptr<rocksdb::DB> db_;
};

class counted_rocksdb final : public counted_peer {
public:
  counted_rocksdb(const std::string& directory, bool compressed) {
    options_.create_if_missing = true;
    options_.statistics = rocksdb::CreateDBStatistics();
    if (!compressed)
      options_.compression = rocksdb::kNoCompression;
    rocksdb::DB* opened = nullptr;
    check(rocksdb::DB::Open(options_, directory, &opened));
    db_.reset(opened);
  }

  std::string name() const override { return name_and_version(); }
  std::string settings() const override {
    std::string how;
    check(rocksdb::GetStringFromCompressionType(&how, options_.compression));
    return "default Options, " + how + "; batches are one WriteBatch, not synced";
  }
  void put_all(std::span<const peer_record> batch) override {
    batch_.Clear();
    for (const peer_record& r : batch)
      check(batch_.Put(slice_of(r.id), r.value));
    check(db_->Write({}, &batch_));
  }
  bool busy() const override {
    using properties = rocksdb::DB::Properties;
    for (const std::string& p :
         {properties::kMemTableFlushPending, properties::kNumRunningFlushes,
          properties::kCompactionPending, properties::kNumRunningCompactions}) {
      std::uint64_t value = 0;
      if (!db_->GetIntProperty(p, &value))
        throw std::runtime_error("RocksDB does not say " + p);
      if (value != 0)
        return true;
    }
    return false;
  }
  peer_written close() override {
    check(db_->Close());
    db_.reset();
    const rocksdb::Statistics& s = *options_.statistics;
    return {s.getTickerCount(rocksdb::WAL_FILE_BYTES), s.getTickerCount(rocksdb::FLUSH_WRITE_BYTES),
            s.getTickerCount(rocksdb::COMPACT_WRITE_BYTES)};
  }

private:
  rocksdb::Options options_;
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::WriteBatch batch_;
};

} // namespace

} // namespace cmem::bench

extern "C" cmem::bench::durable_peer* cmem_bench_open_peer(const char* directory) {
  return new cmem::bench::rocksdb_peer(directory);
}

extern "C" cmem::bench::counted_peer* cmem_bench_open_counted_peer(const char* directory,
                                                                   bool compressed) {
  return new cmem::bench::counted_rocksdb(directory, compressed);
}
