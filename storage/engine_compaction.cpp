// The engine's background work on its segments: merging them, and reading from what that made.

#include "storage/engine_impl.hpp"
#include "storage/seeded_bug.hpp"

#include <algorithm>

namespace cmem {

// -- whoever compacts

std::vector<segment_size> engine::impl::sizes_of(std::span<const segment_ref> segments) {
  std::map<std::uint64_t, segment_size> sizes;
  std::vector<segment_size> out;
  for (const segment_ref& s : segments) {
    auto known = known_sizes.find(s.number);
    segment_size size = known != known_sizes.end() ? known->second : segment_size{};
    if (known == known_sizes.end()) {
      const auto in =
        segment_reader::open(options.store->files, options.store->directory, s, store->store_id());
      // One that cannot be read is left for the merge to complain of.
      size = in ? segment_size{s.bytes, in->concept_count(), in->header().forgotten}
                : segment_size{s.bytes, 1, 0};
    }
    sizes.emplace(s.number, size);
    out.push_back(size);
  }
  known_sizes = std::move(sizes);
  return out;
}

result<bool> engine::impl::has_vectors_to_code(const segment_ref& s) const {
  if (options.store->vectors.keep_originals)
    return false;
  const auto in =
    segment_reader::open(options.store->files, options.store->directory, s, store->store_id());
  if (!in)
    return in.error();
  return vector_coding::wants(*in, options.store->vectors);
}

/// False: there is nothing to merge.
result<bool> engine::impl::begin_compaction() {
  // What a flush names, it has handed to the reconciler too once it is over.
  const std::lock_guard no_flush(flushing_mutex);
  const auto segments = store->segments();
  const auto sizes = sizes_of(segments);
  bool clean = segments.empty() || (segments.size() == 1 && sizes[0].forgotten == 0);
  std::uint64_t asked = 0;
  bool wanted = false; // all of it
  {
    const std::lock_guard lock(flush_mutex);
    asked = compactions_asked;
    wanted = compactions_done != asked;
  }
  if (wanted && clean && !segments.empty()) {
    const auto to_code = has_vectors_to_code(segments[0]);
    if (!to_code)
      return to_code.error();
    clean = !*to_code;
  }
  if (wanted && clean) {
    const std::lock_guard lock(flush_mutex);
    wanted = false;
    compactions_done = asked;
    compaction_end = {};
    flush_changed.notify_all();
  }
  const durable_log_figures f = store->figures();
  const std::uint64_t flush_bytes = f.flushes == 0 ? 0 : f.flushed_bytes / f.flushes;
  auto run = next_compaction(sizes, flush_bytes, options.store->compaction);
  if (wanted)
    run = segment_run{0, segments.size()};
  if (!run)
    return false;
  const auto first = segments.begin() + static_cast<std::ptrdiff_t>(run->first);
  compacting_run.assign(first, first + static_cast<std::ptrdiff_t>(run->count));
  compacting_for = run->count == segments.size() ? asked : 0;
  auto started = compaction::start(
    options.store->files, {options.store->directory, store->store_id(), compacting_run,
                           store->next_segment().number, run->first == 0, options.store->vectors});
  if (!started)
    return started.error();
  compacting.emplace(std::move(*started));
  return true;
}

result<bool> engine::compact(std::uint64_t bytes) {
  impl& m = *impl_;
  if (!m.store)
    return failure{errc::not_durable, "this memory keeps nothing on disk"};
  const std::lock_guard one(m.compacting_mutex);
  const auto give_up = [&](const failure& why) {
    m.compacting.reset();
    const std::lock_guard lock(m.flush_mutex);
    if (m.compactions_done != m.compactions_asked) {
      m.compactions_done = m.compactions_asked;
      m.compaction_end = why;
      m.flush_changed.notify_all();
    }
    return why;
  };
  if (m.store->broken())
    return give_up(m.store->refusal());
  if (m.compacting_over)
    return give_up({errc::closed, "the store was closed before its segments were merged"});
  if (!m.compacting) {
    const auto begun = m.begin_compaction();
    if (!begun)
      return give_up(begun.error());
    if (!*begun)
      return false;
  }
  result<bool> done = true;
  try {
    done = m.compacting->step(bytes);
  } catch (...) { // of no use then: the next call begins anew
    m.compacting.reset();
    throw;
  }
  if (!done)
    return give_up(done.error());
  if (!*done)
    return true;
  if (const auto ended = m.end_compaction(); !ended)
    return give_up(ended.error());
  return true; // the policy is asked again
}

result<void> engine::impl::end_compaction() {
  const auto made = compacting->made();
  compacting.reset();
  moved_payloads to;
  for (const segment_ref& s : compacting_run)
    to.gone.push_back(s.number);
  bool read = false; // by snapshots
  {
    const std::lock_guard lock(flush_mutex);
    const auto is_gone = [&](const mapped_payloads& p) {
      return p.first != 0 && std::ranges::find(to.gone, p.segment) != to.gone.end();
    };
    read =
      std::ranges::any_of(core->mapped, is_gone)
      || std::ranges::any_of(adoptions, [&](const flushed_payloads& f) { return is_gone(f.from); });
  }
  const auto remove_run = [&] {
    result<void> removed;
    for (const segment_ref& s : compacting_run) // what is mapped stays until it is unmapped
      if (auto done = options.store->files.remove(options.store->directory + "/"
                                                  + segment_file_name(s.number));
          !done)
        removed = done; // the next opening does it
    return removed;
  };
  if (seeded("inputs_removed_before_manifest"))
    (void) remove_run();
  // Mapped first: where that fails, nothing has changed.
  if (read && made)
    if (auto done = map_compacted(*made, to); !done) {
      failure f = done.error();
      if (auto gone = options.store->files.remove(options.store->directory + "/"
                                                  + segment_file_name(made->number));
          !gone)
        f.detail += "; its file stays until the next opening: " + gone.error().detail;
      return f;
    }
  if (auto done = store->replace_segments(compacting_run, made); !done)
    return done;
  const result<void> removed = remove_run();
  {
    const std::lock_guard lock(flush_mutex);
    if (read)
      relocations.push_back(std::move(to));
    if (compacting_for > compactions_done) {
      compactions_done = compacting_for;
      compaction_end = removed;
      flush_changed.notify_all();
    }
  }
  if (read && options.on_wake)
    options.on_wake();
  return removed;
}

result<void> engine::impl::map_compacted(const segment_ref& made, moved_payloads& to) {
  const auto in =
    segment_reader::open(options.store->files, options.store->directory, made, store->store_id());
  if (!in)
    return in.error();
  {
    const std::lock_guard lock(flush_mutex);
    auto placed = place_payloads(*in, core->file_space);
    if (!placed)
      return placed.error();
    to.to = std::move(*placed);
  }
  if (to.to.first == 0)
    return {};
  auto mapping = in->map_payloads(core->memory.at(to.to.first));
  result<void> done;
  if (mapping)
    to.to.mapping = std::move(*mapping);
  else
    done = mapping.error();
  for (std::uint64_t i = 0; done && i != in->concept_count(); ++i) {
    const auto record = in->at(i);
    if (!record) {
      done = record.error();
      break;
    }
    const segment_concept& c = **record;
    if (c.content_at != 0 || c.vector_at != 0 || c.extras_at != 0)
      to.parts.push_back(
        {c.id, to.to.at(c.content_at), to.to.at(c.vector_at), to.to.at(c.extras_at)});
  }
  if (!done) {
    to.to.mapping = {};
    const std::lock_guard lock(flush_mutex);
    core->file_space.give_back(to.to.first, to.to.spans);
  }
  return done;
}

bool engine::compaction_is_late() const {
  impl& m = *impl_;
  if (!m.store)
    return false;
  {
    const std::lock_guard lock(m.flush_mutex);
    if (m.compactions_done != m.compactions_asked)
      return true;
  }
  const durable_log_figures f = m.store->figures();
  const auto oldest = static_cast<double>(f.oldest_segment_bytes);
  return static_cast<double>(f.segment_bytes) - oldest
         > m.options.store->compaction.garbage_max * oldest;
}

result<void> engine::await_compaction(std::chrono::nanoseconds timeout) {
  impl& m = *impl_;
  if (!m.store)
    return failure{errc::not_durable, "this memory keeps nothing on disk"};
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  {
    // The log has what was forgotten too, until a flush has released it.
    const std::lock_guard one(m.flushing_mutex); // close_store() waits: see there
    if (auto done = m.store->begin_file(); !done)
      return done;
  }
  if (auto done = await_flush(timeout); !done)
    return done.error();
  if (auto done = m.store->remove_used_files(); !done)
    return done;
  std::unique_lock lock(m.flush_mutex);
  const std::uint64_t mine = ++m.compactions_asked;
  lock.unlock();
  if (m.options.store->on_flush_due)
    m.options.store->on_flush_due();
  lock.lock();
  const auto over = [&] { return m.compactions_done >= mine || m.finished.load(); };
  if (!m.flush_changed.wait_until(lock, deadline, over))
    return failure{errc::timed_out,
                   "the compaction was not over in time: is the checkpointer running?"};
  if (m.compactions_done < mine)
    return failure{errc::closed, "the memory was closed before its store was compacted"};
  return m.compaction_end;
}

// -- the reconciler

/// True if more is left.
bool engine::impl::relocate_some() {
  constexpr std::size_t at_once = 2'000; // a fraction of a millisecond
  std::unique_lock lock(flush_mutex);
  if (relocations.empty() || !adoptions.empty()) // what was flushed before is mapped before
    return !relocations.empty();
  moved_payloads& r = relocations.front();
  std::vector<graph_builder::mapped_range> old;
  for (const mapped_payloads& p : core->mapped)
    if (p.first != 0 && std::ranges::find(r.gone, p.segment) != r.gone.end())
      old.push_back({p.first, p.first + static_cast<handle>(p.spans * (span_bytes / handle_unit))});
  core->unmapping.reserve(core->unmapping.size() + core->mapped.size());
  if (r.to.mapping.bytes().data() != nullptr) {
    core->mapped.reserve(core->mapped.size() + 1);
    core->mapped.push_back(std::move(r.to)); // snapshots will read there
    r.to = {};
  }
  lock.unlock();
  const auto some =
    std::span(r.parts).subspan(r.moved, std::min(r.parts.size() - r.moved, at_once));
  try {
    core->builder.relocate(some, old);
  } catch (const std::bad_alloc&) {
    core->builder.discard();
    return false; // a later step tries again
  }
  publish_own();
  r.moved += some.size();
  lock.lock();
  if (r.moved != r.parts.size())
    return true;
  const std::uint64_t version = core->builder.newest().version();
  std::erase_if(core->mapped, [&](mapped_payloads& p) {
    const bool gone = std::ranges::find(r.gone, p.segment) != r.gone.end();
    if (gone && p.first != 0)
      core->unmapping.push_back({std::move(p), version});
    return gone;
  });
  relocations.pop_front();
  return !relocations.empty();
}

void engine::impl::unmap_unseen() {
  const std::uint64_t oldest = core->builder.live().front()->version();
  std::erase_if(core->unmapping, [&](graph_core::leaving& l) {
    if (oldest < l.version && !seeded("unmapped_while_seen"))
      return false;
    l.what.mapping = {};
    const std::lock_guard lock(flush_mutex);
    core->file_space.give_back(l.what.first, l.what.spans);
    return true;
  });
}

} // namespace cmem
