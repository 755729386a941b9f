#include "bench/durable_peer.hpp"

#include <algorithm>
#include <filesystem>
#include <lmdb.h>
#include <stdexcept>

namespace cmem::bench {

namespace {

void check(int code) {
  if (code != MDB_SUCCESS)
    throw std::runtime_error(std::string("LMDB: ") + ::mdb_strerror(code));
}

// LMDB takes what it only reads as void*.
MDB_val value_of(const void* at, std::size_t bytes) { return {bytes, const_cast<void*>(at)}; }

class lmdb_client final : public peer_client {
public:
  lmdb_client(MDB_env* store, MDB_dbi table) : store_(store), table_(table) {}

  void put(const concept_id& id, std::string_view content) override { write({&id, 1}, content); }
  void put_all(std::span<concept_id> ids, std::string_view content) override {
    std::sort(ids.begin(), ids.end());
    write(ids, content);
  }

private:
  void write(std::span<const concept_id> ids, std::string_view content) {
    MDB_txn* txn = nullptr;
    check(::mdb_txn_begin(store_, nullptr, 0, &txn));
    for (const concept_id& id : ids) {
      MDB_val key = value_of(id.bytes.data(), id.bytes.size());
      MDB_val value = value_of(content.data(), content.size());
      if (const int code = ::mdb_put(txn, table_, &key, &value, 0); code != MDB_SUCCESS) {
        ::mdb_txn_abort(txn);
        check(code);
      }
    }
    check(::mdb_txn_commit(txn));
  }

  MDB_env* store_;
  MDB_dbi table_;
};

class lmdb_peer final : public durable_peer {
public:
  explicit lmdb_peer(const std::string& directory) {
    std::filesystem::create_directory(directory);
    check(::mdb_env_create(&store_));
    check(::mdb_env_set_mapsize(store_, std::size_t{32} << 30));
    check(::mdb_env_open(store_, directory.c_str(), 0, 0644));
    MDB_txn* txn = nullptr;
    check(::mdb_txn_begin(store_, nullptr, 0, &txn));
    check(::mdb_dbi_open(txn, nullptr, 0, &table_));
    check(::mdb_txn_commit(txn));
  }
  ~lmdb_peer() override { ::mdb_env_close(store_); }
  lmdb_peer(const lmdb_peer&) = delete;
  lmdb_peer& operator=(const lmdb_peer&) = delete;

  std::string name() const override {
    return "LMDB " + std::to_string(MDB_VERSION_MAJOR) + "." + std::to_string(MDB_VERSION_MINOR)
           + "." + std::to_string(MDB_VERSION_PATCH);
  }
  std::string settings() const override {
    return "every transaction synced, no flags; batches are one transaction, sorted by key";
  }
  std::unique_ptr<peer_client> connect() override {
    return std::make_unique<lmdb_client>(store_, table_);
  }

private:
  MDB_env* store_ = nullptr;
  MDB_dbi table_ = 0;
};

} // namespace

} // namespace cmem::bench

extern "C" cmem::bench::durable_peer* cmem_bench_open_peer(const char* directory) {
  return new cmem::bench::lmdb_peer(directory);
}
