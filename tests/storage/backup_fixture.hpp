#pragma once
// A store in /s that grows, is flushed and compacted as an engine's is, and its backup in /b.

#include "storage/backup.hpp"
#include "tests/storage/checkpoint_fixture.hpp"
#include "tests/storage/model.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace cmem::test {

/// Everything a snapshot holds, placeholders included.
inline std::string all_text(const graph_snapshot& s) {
  std::string text = text_of(s);
  for (const auto& [id, line] : describe(s))
    text += line + "\n";
  return text;
}

/// What a directory opens to.
struct opened_store {
  std::uint64_t sequence = 0;
  std::string text;
};

/// Opens it read-only. A failure: it does not open.
inline result<opened_store> open_and_read(const env& e, const std::string& directory,
                                          std::uint32_t dimension = random_graph::dimension) {
  engine_options o;
  o.arena_bytes = std::size_t{64} << 20;
  o.log_capacity = 100;
  o.vector_dimension = dimension;
  o.store = store_options{};
  o.store->files = e;
  o.store->directory = directory;
  o.store->read_only = true;
  const auto opened = engine::create(std::move(o));
  if (!opened)
    return opened.error();
  const auto s = (*opened)->load();
  return opened_store{s->sequence(), all_text(*s)};
}

class backup_fixture {
public:
  std::shared_ptr<fault_env> disk;
  env e;

  explicit backup_fixture(std::uint64_t seed = 1)
    : disk(std::make_shared<fault_env>(seed)), e(disk), graph_(seed, 40) {
    manifest first = new_store(graph_);
    first.reserved = std::uint64_t{1} << 24; // as of a store that is being written
    auto made = manifest_file::create(e, "/s", first);
    manifest_.emplace(need(std::move(made)));
    grow();
    grow();
  }

  /// Changes the graph and flushes it: into one more segment, or, as if all were compacted, into
  /// one that replaces the others.
  void grow(bool replace = false, std::size_t writes = 40) {
    graph_.change(writes);
    const auto done = checkpoint(e, "/s", *manifest_, graph_.newest(), known_, replace);
    if (!done)
      FAIL(to_string(done.error()));
    known_ = know(graph_.newest());
    texts_[sequence()] = all_text(graph_.newest());
  }
  /// As after close(): the segments are all there is.
  void close() {
    manifest m = store();
    m.durable = m.reserved = m.checkpoint;
    REQUIRE(manifest_->update(m));
  }
  /// A process that opened the store again after the disk lost power.
  void reopen() {
    manifest_.reset();
    auto opened = manifest_file::open(e, "/s");
    manifest_.emplace(need(std::move(opened)));
  }

  [[nodiscard]] std::uint64_t sequence() const { return graph_.newest().sequence(); }
  [[nodiscard]] const manifest& store() const { return manifest_->current(); }
  [[nodiscard]] const std::string& text(std::uint64_t sequence) const {
    return texts_.at(sequence);
  }
  [[nodiscard]] std::string segment(const std::string& directory, std::size_t n) const {
    return directory + "/" + segment_file_name(store().segments.at(n).number);
  }

  result<backup_report> try_backup(const backup_options& o = {}) const {
    return backup(e, "/s", "/b", o);
  }
  [[nodiscard]] backup_report back_up(const backup_options& o = {}) const {
    return need(try_backup(o));
  }
  /// What is wrong with the directory: "" where it opens to what the store was at that sequence.
  [[nodiscard]] std::string fault_in(const std::string& directory, std::uint64_t sequence) const {
    const auto opened = open_and_read(e, directory);
    if (!opened)
      return to_string(opened.error());
    if (opened->sequence != sequence)
      return "it is at " + std::to_string(opened->sequence);
    return opened->text == text(sequence) ? "" : "it holds something else";
  }
  [[nodiscard]] std::string names(const std::string& directory) const {
    std::string all;
    for (const std::string& name : need(e.list(directory)))
      all += name + " ";
    return all;
  }
  void flip(const std::string& path, std::size_t byte) const {
    auto bytes = disk->content(path);
    bytes.at(byte) ^= std::byte{4};
    disk->set_content(path, bytes);
  }

private:
  random_graph graph_;
  known_graph known_;
  std::optional<manifest_file> manifest_;
  std::map<std::uint64_t, std::string> texts_; // by sequence
};

} // namespace cmem::test
