#pragma once
// An engine on a disk that fails, and the verbs of its tests.

#include "storage/engine.hpp"
#include "tests/catch.hpp"
#include "tests/fault_env.hpp"

#include <atomic>
#include <memory>
#include <string>

namespace cmem::test {

struct store_fixture {
  std::shared_ptr<fault_env> disk;
  timestamp_us now = 1'000;
  engine_options options;
  std::unique_ptr<engine> memory;
  std::atomic<int> wakes{0};       // of the reconciler
  std::atomic<int> commits_due{0}; // flusher and compacter ask for one too, each from its thread

  explicit store_fixture(std::uint64_t seed = 1, durability level = durability::interval)
    : disk(std::make_shared<fault_env>(seed)) {
    options.arena_bytes = std::size_t{32} << 20;
    options.log_capacity = 200;
    options.overflow = overflow_policy::reject;
    options.clock = [this] { return now; };
    options.on_wake = [this] { ++wakes; };
    store_options s;
    s.files = env(disk);
    s.directory = "/s";
    s.level = level;
    s.log = {wal_file_bytes_min, 1};
    s.on_commit_due = [this] { ++commits_due; };
    options.store = s;
  }
  store_fixture(const store_fixture&) = delete;
  store_fixture& operator=(const store_fixture&) = delete;

  failure try_open() {
    memory.reset();
    auto made = engine::create(options);
    if (!made)
      return made.error();
    memory = std::move(*made);
    return {};
  }
  void open() {
    const failure f = try_open();
    if (f.code != errc::ok)
      FAIL(to_string(f));
  }
  /// The process ends without a word.
  void die() {
    disk->kill();
    memory.reset();
  }
  void cut_power(std::uint64_t seed = 1) {
    disk->power_cut(seed);
    memory.reset();
  }
  failure close() {
    memory->close();
    for (bool more = true; more;) {
      const auto r = memory->reconcile();
      if (r.stalled)
        (void) memory->commit();
      more = r.more_pending || r.stalled;
    }
    const auto done = memory->close_store();
    memory.reset();
    return done ? failure{} : done.error();
  }

  template <class Op>
  ticket write(const Op& o) {
    const auto t = memory->write(o);
    if (!t)
      FAIL(to_string(t.error()));
    return *t;
  }
  ticket learn(std::string_view name, std::string_view content = "") {
    return write(op::learn_concept{name, content});
  }
  void reconcile() {
    while (memory->reconcile().entries != 0) {}
  }
  std::uint64_t commit() {
    const auto done = memory->commit();
    if (!done)
      FAIL(to_string(done.error()));
    return *done;
  }
  /// Asks for it; the text changes when it is known: "applied", "failed not_found", "read_only: …".
  std::shared_ptr<std::string> durable(const ticket& t) {
    auto text = std::make_shared<std::string>("waits");
    memory->on_durable(t, [text](const result<settlement>& s) {
      if (!s)
        *text = to_string(s.error().code);
      else
        *text =
          s->what == fate::applied ? "applied" : "failed " + std::string(to_string(s->reason));
    });
    return text;
  }
  /// What a concept says, "absent" if it is not there.
  std::string content(std::string_view name) const {
    const auto s = memory->load();
    const auto c = s->find(concept_id::from_name(name));
    return c ? std::string(c->content()) : "absent";
  }
  std::uint64_t sequence() const { return memory->load()->sequence(); }
};

} // namespace cmem::test
