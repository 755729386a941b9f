#include "bench/durable_peer.hpp"

#include <rocksdb/db.h>
#include <rocksdb/options.h>
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

  std::string name() const override {
    return "RocksDB " + std::to_string(ROCKSDB_MAJOR) + "." + std::to_string(ROCKSDB_MINOR) + "."
           + std::to_string(ROCKSDB_PATCH);
  }
  std::string settings() const override {
    return "sync = true (its own group commit), logs recycled, a background thread a core; "
           "batches are one WriteBatch";
  }
  std::unique_ptr<peer_client> connect() override { return std::make_unique<rocksdb_client>(*db_); }

private:
  std::unique_ptr<rocksdb::DB> db_;
};

} // namespace

} // namespace cmem::bench

extern "C" cmem::bench::durable_peer* cmem_bench_open_peer(const char* directory) {
  return new cmem::bench::rocksdb_peer(directory);
}
