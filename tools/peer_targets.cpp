#include "tools/peer_targets.hpp"

#include "tools/peers/peer_store.hpp"
#include "tools/scratch_folder.hpp"

#include <condition_variable>
#include <dlfcn.h>
#include <exception>
#include <mutex>
#include <thread>

namespace cmem::tools {
namespace {

namespace fs = std::filesystem;

using open_store = decltype(&cmem_open_peer_store);

constexpr auto sync_every = std::chrono::milliseconds(100); // as the memory's level `interval`
constexpr std::size_t preloaded_at_once = 1'000;

timestamp_us now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
           std::chrono::system_clock::now().time_since_epoch())
    .count();
}

const char* package_of(target_kind kind) noexcept {
  switch (kind) {
    case target_kind::lmdb: return "liblmdb-dev";
    case target_kind::rocksdb: return "librocksdb-dev";
    case target_kind::sqlite: return "libsqlite3-dev";
    case target_kind::memory:
    case target_kind::mutex_map: break;
  }
  return "";
}

/// The module stays loaded: its library may have threads that end with the process.
result<open_store> load(target_kind kind, const std::vector<fs::path>& folders) {
  const std::string name(target_names[static_cast<std::size_t>(kind)]);
  const std::string advice = std::string("; install Debian's package ") + package_of(kind);
  for (const fs::path& folder : folders) {
    const fs::path file = folder / ("cmem_target_" + name + ".so");
    std::error_code ignored; // a place that can't be looked at has none
    if (!fs::exists(file, ignored))
      continue;
    void* const module = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (module == nullptr)
      return failure{errc::unsupported, name + ": " + ::dlerror() + advice};
    void* const symbol = ::dlsym(module, "cmem_open_peer_store");
    if (symbol == nullptr)
      return failure{errc::unsupported, file.string()
                                          + ": is of another version of cmem; build it "
                                            "anew"};
    return reinterpret_cast<open_store>(symbol);
  }
  return failure{errc::unsupported, name
                                      + ": cmem was built without it, as its library was not there"
                                      + advice + " and build cmem anew"};
}

/// Keeps the first failure that nobody could be told at once.
class trouble_note {
public:
  void take(const std::string& what) {
    const std::lock_guard lock(mutex_);
    if (first_.empty())
      first_ = what;
  }
  [[nodiscard]] std::string first() const {
    const std::lock_guard lock(mutex_);
    return first_;
  }

private:
  mutable std::mutex mutex_; // guards first_
  std::string first_;
};

/// A store's reader; a query that fails has found nothing, and is noted.
class noting_reader final : public target_reader {
public:
  noting_reader(std::unique_ptr<peer_reader> reader, trouble_note& trouble)
    : reader_(std::move(reader)), trouble_(trouble) {}

  bool find(const concept_id& id) override {
    return noting([&] { return reader_->find(id); });
  }
  std::size_t neighbors(const concept_id& id, std::size_t limit) override {
    return noting([&] { return reader_->neighbors(id, limit); });
  }
  [[nodiscard]] std::vector<found_edge> last_neighbors() const override {
    return reader_ == nullptr ? std::vector<found_edge>() : reader_->last_neighbors();
  }
  std::optional<std::size_t> find_path(const concept_id& from, const concept_id& to,
                                       std::uint32_t depth_max) override {
    return noting([&] { return reader_->find_path(from, to, depth_max); });
  }

private:
  template <class Query>
  auto noting(const Query& query) -> decltype(query()) {
    if (reader_ == nullptr) // that was noted
      return {};
    try {
      return query();
    } catch (const std::exception& e) {
      trouble_.take(e.what());
      return {};
    }
  }

  const std::unique_ptr<peer_reader> reader_;
  trouble_note& trouble_;
};

class peer_target final : public scenario_target {
public:
  peer_target(target_kind kind, durability level, std::unique_ptr<scratch_folder> folder,
              std::unique_ptr<peer_store> store)
    : kind_(kind), folder_(std::move(folder)), store_(std::move(store)) {
    if (level == durability::interval)
      syncing_ = std::thread([this] { sync_in_turn(); });
  }
  ~peer_target() override {
    if (syncing_.joinable()) {
      {
        const std::lock_guard lock(mutex_);
        closing_ = true;
      }
      closed_.notify_one();
      syncing_.join();
    }
  }
  peer_target(const peer_target&) = delete;
  peer_target& operator=(const peer_target&) = delete;

  [[nodiscard]] std::string_view name() const noexcept override {
    return target_names[static_cast<std::size_t>(kind_)];
  }
  [[nodiscard]] std::string settings() const override {
    return store_->name() + ": " + store_->settings() + "; on " + folder_->file_system();
  }
  result<kind_id> register_kind(std::string_view kind) override {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i != names_.size(); ++i)
      if (names_[i] == kind)
        return static_cast<kind_id>(i);
    names_.emplace_back(kind);
    return static_cast<kind_id>(names_.size() - 1);
  }
  result<ticket> write(const write_op& o) override {
    request mine{o, {}, {}, false};
    std::unique_lock lock(mutex_);
    waiting_.push_back(&mine);
    changed_.wait(lock, [&] { return mine.done || !leading_; });
    if (!mine.done)
      lead(lock);
    if (!mine.error.empty())
      return failure{errc::io_error, mine.error};
    ++(mine.applied ? applied_ : failed_);
    return ticket{applied_ + failed_, 0, 0};
  }
  std::unique_ptr<target_reader> make_reader() override {
    std::unique_ptr<peer_reader> reader;
    try {
      reader = store_->make_reader();
    } catch (const std::exception& e) {
      trouble_.take(e.what());
    }
    return std::make_unique<noting_reader>(std::move(reader), trouble_);
  }
  [[nodiscard]] fate outcome(const ticket&) const override { return fate::unknown; }
  [[nodiscard]] bool visible_at_return() const noexcept override { return true; }
  result<void> preloading(bool on) override {
    std::unique_lock lock(mutex_);
    preloading_ = on;
    return on ? result<void>() : noting_failure([this] {
      if (open_writes_ != 0)
        store_->commit();
      open_writes_ = 0;
      store_->sync();
    });
  }
  result<void> await(const ticket&, std::chrono::nanoseconds) override { return {}; }
  void finish() override {
    const std::lock_guard lock(mutex_);
    const auto settled = noting_failure([this] {
      store_->sync();
      counts_ = store_->counts();
    });
    if (!settled)
      trouble_.take(settled.error().detail);
  }
  [[nodiscard]] target_counters counters() const override {
    const std::lock_guard lock(mutex_);
    target_counters c;
    c.applied = applied_;
    c.failed = failed_;
    c.written = applied_ + failed_;
    c.concepts = counts_.concepts;
    c.associations = counts_.associations;
    return c;
  }
  [[nodiscard]] std::string trouble() const override { return trouble_.first(); }

private:
  struct request {
    const write_op& o;
    std::string error;
    bool applied = false;
    bool done = false;
  };

  /// Writes what waits, this thread's own with it. Others go on waiting, for their own or to lead.
  void lead(std::unique_lock<std::mutex>& lock) {
    leading_ = true;
    group_.swap(waiting_);
    const bool preloading = preloading_;
    lock.unlock();
    std::string error;
    try {
      write_group(preloading);
    } catch (const std::exception& e) {
      store_->roll_back();
      open_writes_ = 0;
      error = e.what();
    }
    lock.lock();
    for (request* r : group_) {
      r->error = error;
      r->done = true;
    }
    group_.clear();
    leading_ = false;
    changed_.notify_all();
  }
  void write_group(bool preloading) {
    if (open_writes_ == 0)
      store_->begin();
    for (request* r : group_) {
      r->applied = store_->apply(r->o, now_us());
      ++open_writes_;
    }
    if (!preloading || open_writes_ >= preloaded_at_once) {
      open_writes_ = 0;
      store_->commit();
    }
  }
  template <class F>
  result<void> noting_failure(const F& f) {
    try {
      f();
      return {};
    } catch (const std::exception& e) {
      store_->roll_back();
      return failure{errc::io_error, e.what()};
    }
  }
  void sync_in_turn() {
    std::unique_lock lock(mutex_);
    std::uint64_t synced = 0;
    while (!closed_.wait_for(lock, sync_every, [this] { return closing_; })) {
      const std::uint64_t now = applied_;
      if (now == synced)
        continue;
      lock.unlock();
      try {
        store_->sync();
        synced = now;
      } catch (const std::exception& e) {
        trouble_.take(e.what());
      }
      lock.lock();
    }
  }

  const target_kind kind_;
  const std::unique_ptr<scratch_folder> folder_; // goes after the store
  const std::unique_ptr<peer_store> store_;      // writes: by the leader, or where nobody writes
  trouble_note trouble_;
  mutable std::mutex mutex_;        // guards all below
  std::condition_variable changed_; // for writers
  std::condition_variable closed_;  // for the thread that syncs: no write wakes it
  std::vector<request*> waiting_;
  std::vector<request*> group_; // the leader's
  std::size_t open_writes_ = 0; // the leader's: of the open transaction
  bool leading_ = false;
  bool preloading_ = false;
  bool closing_ = false;
  std::vector<std::string> names_ = {"semantic", "causal", "temporal", "hierarchical",
                                     "compositional"};
  std::uint64_t applied_ = 0;
  std::uint64_t failed_ = 0;
  peer_counts counts_;
  std::thread syncing_;
};

} // namespace

std::vector<fs::path> peer_folders() {
  std::vector<fs::path> all = {CMEM_PEER_MODULES};
  std::error_code ignored; // without it, the first place is all
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  if (!program.empty())
    all.push_back((program.parent_path() / ".." / CMEM_PEER_MODULES_INSTALLED).lexically_normal());
  return all;
}

std::string folder_of(const std::string& store) {
  fs::path path = fs::absolute(store).lexically_normal();
  if (!path.has_filename()) // "kept/"
    path = path.parent_path();
  return path.parent_path().string();
}

result<void> target_available(target_kind kind, const std::vector<fs::path>& folders) {
  if (kind == target_kind::memory || kind == target_kind::mutex_map)
    return {};
  const auto loaded = load(kind, folders);
  return loaded ? result<void>() : loaded.error();
}

result<std::unique_ptr<scenario_target>> make_peer_target(target_kind kind,
                                                          const peer_options& options) {
  const auto open = load(kind, options.folders);
  if (!open)
    return open.error();
  auto folder = scratch_folder::make(options.parent);
  if (!folder)
    return folder.error();
  try {
    std::unique_ptr<peer_store> store(
      (*open)((*folder)->path().c_str(), static_cast<int>(options.level)));
    return std::unique_ptr<scenario_target>(
      std::make_unique<peer_target>(kind, options.level, std::move(*folder), std::move(store)));
  } catch (const std::exception& e) {
    return failure{errc::io_error, e.what()};
  }
}

} // namespace cmem::tools
