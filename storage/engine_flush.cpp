// Flushing: what changed goes from a snapshot into a segment, and the log gives up what it held of
// it. The reconciler only cuts: it hands over the newest snapshot and what changed since the last.

#include "storage/engine_impl.hpp"
#include "storage/seeded_bug.hpp"

#include <algorithm>

namespace cmem {

namespace {

/// What the segment says of each id, sorted by id.
std::vector<segment_change> segment_changes(const graph_snapshot& s, const arena& memory,
                                            graph_builder::changes_taken& taken) {
  std::sort(taken.records.begin(), taken.records.end());
  std::sort(taken.lists.begin(), taken.lists.end());
  std::vector<segment_change> changes;
  changes.reserve(std::max(taken.records.size(), taken.lists.size()) + taken.forgotten.size());
  // A compaction may have changed how a vector reads; that is no news to a segment.
  const auto from_segment = [&](const concept_node& n) {
    return n.vector != 0 && memory.is_mapped(n.vector) && !seeded("coded_vector_flushed");
  };
  const auto add = [&](std::uint32_t index, bool list_changed) {
    if (index >= s.index_count())
      return; // of a merge that was discarded
    const concept_node& n = s.node(index);
    if (n.state == node_vacant)
      return; // among the forgotten, if older segments have it; the index may still bear its id
    // A list that is empty costs nothing to say, and a new concept has to say it.
    const bool list = list_changed || s.out(index).size() == 0;
    // An end of others' associations needs no record, unless it has lost one now.
    if (n.state == node_learned || list_changed || n.extras != 0)
      changes.push_back({n.id, index, n.payload_version > taken.after && !from_segment(n), list});
  };
  auto r = taken.records.begin();
  auto l = taken.lists.begin();
  while (r != taken.records.end() || l != taken.lists.end()) {
    const bool record = r != taken.records.end() && (l == taken.lists.end() || *r <= *l);
    const bool list = l != taken.lists.end() && (r == taken.records.end() || *l <= *r);
    add(record ? *r : *l, list);
    r += record ? 1 : 0;
    l += list ? 1 : 0;
  }
  for (const concept_id& id : taken.forgotten)
    if (!seeded("tombstone_not_written"))
      changes.push_back({id});
  // One that was forgotten and is here again stands before its tombstone, which then goes.
  constexpr std::uint32_t none = segment_change().index;
  std::sort(changes.begin(), changes.end(), [&](const segment_change& a, const segment_change& b) {
    return a.id != b.id ? a.id < b.id : (a.index != none) > (b.index != none);
  });
  const auto same = [](const segment_change& a, const segment_change& b) { return a.id == b.id; };
  changes.erase(std::unique(changes.begin(), changes.end(), same), changes.end());
  return changes;
}

} // namespace

void engine::impl::cut_if_due() {
  if (!store || store->broken())
    return;
  const store_options& o = *options.store;
  const changed_set& changed = core->builder.changes();
  const bool due = changed.size() >= o.flush_concepts || log_bytes >= o.flush_log_bytes;
  const bool ending = finished.load(std::memory_order_relaxed) && sequence != cut_sequence;
  {
    const std::lock_guard lock(flush_mutex);
    const bool asked = flushes_asked != flushes_cut;
    if (!ending && !asked && (!due || !flush_jobs.empty()))
      return;
    flush_job job{view.share(), {}, {}, flushes_asked};
    for (std::size_t k = 0; k != kinds.size(); ++k)
      job.kinds.emplace_back(kinds.name_of(static_cast<kind_id>(k)));
    flush_jobs.push_back(std::move(job));
    flush_jobs.back().changes = core->builder.take_changes(); // nothing throws from here on
    flushes_cut = flushes_asked;
  }
  log_bytes = 0;
  cut_sequence = sequence;
  if (o.on_flush_due)
    o.on_flush_due();
}

result<void> engine::impl::write_checkpoint(flush_job& job) {
  const graph_snapshot& s = *job.snapshot;
  segment_identity identity = store->next_segment();
  identity.kinds = job.kinds;
  const auto changes = segment_changes(s, core->memory, job.changes);
  std::optional<segment_ref> written;
  if (!changes.empty()) {
    const auto done = write_segment(options.store->files, options.store->directory,
                                    std::move(identity), s, changes);
    if (!done) {
      store->fail(done.error());
      return done.error();
    }
    written = *done;
  }
  if (auto done = store->add_checkpoint(written, s.sequence(), s.timestamp(), job.kinds); !done)
    return done;
  if (!written || !options.store->map_flushed)
    return {};
  try {
    return map_flushed(s, *written, changes);
  } catch (const std::bad_alloc&) { // not to be written again for that
    return failure{errc::out_of_memory, "what was flushed stays in memory too: no room to map it"};
  }
}

result<void> engine::impl::map_flushed(const graph_snapshot& s, const segment_ref& written,
                                       std::span<const segment_change> changes) {
  const auto in = segment_reader::open(options.store->files, options.store->directory, written,
                                       store->store_id());
  if (!in)
    return in.error();
  flushed_payloads f;
  {
    const std::lock_guard lock(flush_mutex);
    auto placed = place_payloads(*in, core->file_space);
    if (!placed)
      return placed.error();
    f.from = std::move(*placed);
  }
  if (f.from.first == 0)
    return {};
  auto mapping = in->map_payloads(core->memory.at(f.from.first));
  if (!mapping) {
    const std::lock_guard lock(flush_mutex);
    core->file_space.give_back(f.from.first, f.from.spans);
    return mapping.error();
  }
  f.from.mapping = std::move(*mapping);
  f.version = s.version();
  for (std::size_t i = 0; i != changes.size(); ++i) { // a record each, in the same order
    const auto record = in->at(i);
    if (!record)
      return record.error();
    const segment_concept& c = **record;
    if (c.has(segment_concept::learned))
      f.parts.push_back({changes[i].index, c.id, !c.has(segment_concept::older_payload),
                         f.from.at(c.content_at), f.from.at(c.vector_at), f.from.at(c.extras_at)});
  }
  {
    const std::lock_guard lock(flush_mutex);
    adoptions.push_back(std::move(f));
  }
  if (options.on_wake)
    options.on_wake();
  return {};
}

/// True if more is left.
bool engine::impl::adopt_some() {
  constexpr std::size_t at_once = 2'000; // a fraction of a millisecond
  flushed_payloads* f = nullptr;
  {
    const std::lock_guard lock(flush_mutex);
    if (adoptions.empty())
      return false;
    f = &adoptions.front();
  }
  if (f->from.mapping.bytes().data() != nullptr) {
    const std::lock_guard lock(flush_mutex);
    core->mapped.reserve(core->mapped.size() + 1);
    core->mapped.push_back(std::move(f->from)); // snapshots will read there
  }
  const auto parts = std::span(f->parts).subspan(f->adopted);
  const auto some = parts.first(std::min(parts.size(), at_once));
  try {
    core->builder.adopt(some, f->version);
  } catch (const std::bad_alloc&) {
    core->builder.discard(); // which costs what the graph does: once is enough
    const std::lock_guard lock(flush_mutex);
    adoptions.pop_front(); // no loss: all of it stays where it is
    return false;
  }
  f->adopted += some.size();
  publish_own();
  const std::lock_guard lock(flush_mutex);
  if (f->adopted == f->parts.size())
    adoptions.pop_front();
  return !adoptions.empty();
}

void engine::ask_for_flush() {
  if (!impl_->store)
    return;
  {
    const std::lock_guard lock(impl_->flush_mutex);
    ++impl_->flushes_asked;
  }
  if (impl_->options.on_wake)
    impl_->options.on_wake();
}

bool engine::flush_due() const noexcept {
  const std::lock_guard lock(impl_->flush_mutex);
  return !impl_->flush_jobs.empty();
}

result<bool> engine::flush() {
  impl& m = *impl_;
  const std::lock_guard one(m.flushing_mutex);
  flush_job* job = nullptr;
  {
    const std::lock_guard lock(m.flush_mutex);
    if (m.flush_jobs.empty())
      return false;
    job = &m.flush_jobs.front();
  }
  const bool refused = m.store->broken();
  auto done = refused ? result<void>(m.store->refusal()) : m.write_checkpoint(*job);
  {
    const std::lock_guard lock(m.flush_mutex);
    m.flushes_done = std::max(m.flushes_done, job->asked);
    m.flush_jobs.pop_front();
  }
  m.after_commit(m.store->figures().durable_sequence);
  if (!done)
    return done.error();
  return true;
}

result<void> engine::make_log_ready() {
  const std::lock_guard one(impl_->flushing_mutex); // close_store() waits: see there
  return impl_->store && !impl_->store->broken() ? impl_->store->make_file_ready() : result<void>();
}

bool engine::log_wants_file() const noexcept { return impl_->store && impl_->store->wants_file(); }

result<std::uint64_t> engine::await_flush(std::chrono::nanoseconds timeout) {
  impl& m = *impl_;
  if (!m.store)
    return failure{errc::not_durable, "this memory keeps nothing on disk"};
  ask_for_flush();
  std::unique_lock lock(m.flush_mutex);
  const std::uint64_t mine = m.flushes_asked;
  const auto closing = [&] { return m.finished.load() && m.flushes_cut < mine; };
  const auto over = [&] { return m.flushes_done >= mine || m.store->broken() || closing(); };
  if (!m.flush_changed.wait_for(lock, timeout, over))
    return failure{errc::timed_out,
                   "the flush was not over in time: are reconciler and checkpointer running?"};
  const bool done = m.flushes_done >= mine;
  lock.unlock();
  if (m.store->broken())
    return m.store->refusal();
  if (!done)
    return failure{errc::closed, "the memory is closed, and what it held is flushed with that"};
  return m.store->figures().checkpoint;
}

} // namespace cmem
