// Opening a store: the segments that its manifest names, then the tail of its log.

#include "storage/engine_impl.hpp"
#include "storage/format_version.hpp"
#include "storage/limits.hpp"

#include <algorithm>

namespace cmem {

namespace {

/// Log entries that recovery merges at a time, at least.
constexpr std::size_t replay_entries = 10'000;

/// For the lock, which comes before a manifest can be made. What a newer program wrote is refused
/// before that.
result<void> make_directory(const store_options& o) {
  const auto known = read_manifest(o.files, o.directory);
  if (known || known.error().code != errc::not_found)
    return known ? check_versions(o.files, o.directory) : known.error();
  return o.files.make_directory(o.directory);
}

/// The manifest of the store there, or of a new one. Precondition: its lock is held.
result<manifest_file> manifest_of(const engine_options& options, bool& created) {
  const store_options& o = *options.store;
  auto known = manifest_file::open(o.files, o.directory);
  if (known || known.error().code != errc::not_found)
    return known;
  const auto random = o.files.random_seed();
  if (!random)
    return random.error();
  created = true;
  manifest first;
  first.store = *random;
  first.vector_dimension = options.vector_dimension;
  first.association_times = options.association_times;
  first.strength_half_life_us = options.strength_half_life.value_or(0);
  return manifest_file::create(o.files, o.directory, first);
}

result<void> register_kinds(const manifest& m, const std::string& directory, kind_registry& kinds) {
  for (std::size_t i = 0; i != m.kinds.size(); ++i) {
    const auto id = kinds.add(m.kinds[i]);
    if (!id || *id != i)
      return failure{errc::corrupt, directory + "/MANIFEST has `" + m.kinds[i] + "` as kind "
                                      + std::to_string(i)
                                      + ", which cannot be; restore the file from a copy"};
  }
  return {};
}

} // namespace

result<void> engine::impl::open_store() {
  const store_options& o = *options.store;
  if (o.read_only)
    return open_read_only();
  if (auto done = make_directory(o); !done)
    return done;
  auto lock = o.files.lock(o.directory + "/LOCK");
  if (!lock)
    return lock.error();
  store_lock.emplace(std::move(*lock));
  auto opened = manifest_of(options, recovered.created);
  if (!opened)
    return opened.error();
  const manifest& m = opened->current();
  if (auto done = remove_unnamed(o.files, o.directory, m); !done)
    return done.error();
  auto log_files = wal_reader::open(o.files, o.directory, {m.store, m.checkpoint, m.durable});
  if (!log_files)
    return log_files.error();
  auto segments = open_segments(o.files, o.directory, m);
  if (!segments)
    return segments.error();
  if (auto done = load(m, *segments, &*log_files); !done)
    return done;
  wal_options log = o.log;
  log.filled = log.filled && o.level == durability::sync; // else few syncs, and nobody waits
  auto writer = wal_writer::open(o.files, o.directory, log, log_files->end());
  if (!writer)
    return writer.error();
  // What a flush released may have been lost with the process; the files serve again.
  if (auto done = writer->release(m.checkpoint); !done)
    return done;
  const std::uint64_t first = std::max(recovered.log_sequence, m.reserved);
  recovered.first_sequence = first;
  if (first != sequence)
    if (auto done = apply_replayed(first, core->builder.newest().timestamp()); !done)
      return done;
  kinds_logged = kinds.size();
  log_bytes = recovered.bytes;
  // Also a number that nothing was learned at is to be in a checkpoint when it is closed.
  cut_sequence = recovered.records == 0 && first == m.checkpoint ? sequence : 0;
  auto made = durable_log::open(o.files, std::move(*opened), std::move(*writer),
                                {o.level, o.waiting_bytes_max, o.on_commit_due}, first);
  if (!made)
    return made.error();
  store = std::move(*made);
  if (indexed.vectors)
    index_keeper.emplace(
      vector_index_place{o.files, o.directory, store->store_id(), log.file_bytes, false});
  publish_figures();
  return {};
}

result<void> engine::impl::open_read_only() {
  const store_options& o = *options.store;
  recovered.read_only = true;
  const auto still = hold_still(o.files, o.directory);
  if (!still)
    return still.error();
  recovered.beside = !*still;
  const auto files = open_checkpoint(o.files, o.directory);
  if (!files)
    return files.error();
  const manifest& m = files->store;
  result<wal_reader> log_files = failure{errc::not_found, ""};
  if (*still) {
    log_files = wal_reader::open(o.files, o.directory, {m.store, m.checkpoint, m.durable});
    if (!log_files)
      return log_files.error();
  }
  if (auto done = load(m, files->segments, log_files ? &*log_files : nullptr); !done)
    return done;
  recovered.first_sequence = sequence;
  if (indexed.vectors)
    index_keeper.emplace(vector_index_place{o.files, o.directory, m.store, 0, true});
  publish_figures();
  return {};
}

result<void> engine::impl::load(const manifest& m, std::span<const segment_reader> segments,
                                wal_reader* log_files) {
  const std::string in = ": the store in " + options.store->directory + " has ";
  if (m.vector_dimension != options.vector_dimension)
    return failure{errc::invalid_argument, "vector_dimension is "
                                             + std::to_string(options.vector_dimension) + in
                                             + std::to_string(m.vector_dimension)};
  if (m.association_times != options.association_times)
    return failure{errc::invalid_argument, std::string("association_times is ")
                                             + (options.association_times ? "true" : "false") + in
                                             + (m.association_times ? "them" : "none")};
  if (auto done = register_kinds(m, options.store->directory, kinds); !done)
    return done;
  recovery_progress progress;
  for (const segment_ref& s : m.segments)
    recovered.segment_bytes += s.bytes;
  recovered.segments = m.segments.size();
  recovered.checkpoint = recovered.log_sequence = m.checkpoint;
  progress.bytes_total = recovered.segment_bytes + (log_files ? log_files->bytes() : 0);
  core->builder.set_strength_half_life(m.strength_half_life_us);
  // What the store holds was taken under the limits of its time.
  core->builder.set_limits(0, cmem::concepts_max, cmem::degree_max);
  if (auto done = load_segments(segments, progress); !done)
    return done;
  if (m.checkpoint != 0) {
    (void) view.publish(core->builder.publish(m.checkpoint, m.timestamp, settled.publish()));
    sequence = m.checkpoint;
    reclaim();
    (void) core->builder.take_changes();
    pack_pass.looked_at = core->builder.newest().version(); // the loader has packed all of it
  }
  if (log_files)
    if (auto done = replay(*log_files, progress); !done)
      return done;
  core->builder.set_limits(options.memory_budget_bytes, options.concepts_max, options.degree_max);
  return {};
}

result<void> engine::impl::load_segments(std::span<const segment_reader> segments,
                                         recovery_progress& progress) {
  const auto& report_progress = options.store->on_progress;
  std::uint64_t records = 1; // never none: it divides
  for (const segment_reader& s : segments) {
    auto placed = place_payloads(s, core->file_space);
    if (!placed)
      return placed.error();
    core->mapped.push_back(std::move(*placed));
    records += s.concept_count() + s.association_count();
  }
  graph_loader loader(core->builder, segments, core->mapped);
  const auto report = [&](std::uint64_t done) {
    progress.bytes_done =
      static_cast<std::uint64_t>(static_cast<double>(recovered.segment_bytes)
                                 * static_cast<double>(done) / static_cast<double>(records));
    report_progress(progress);
  };
  if (auto done = report_progress ? loader.load(report) : loader.load({}); !done)
    return done;
  for (std::size_t i = 0; i != segments.size(); ++i) {
    mapped_payloads& to = core->mapped[i];
    if (to.first == 0)
      continue;
    auto mapping = segments[i].map_payloads(core->memory.at(to.first));
    if (!mapping)
      return mapping.error();
    to.mapping = std::move(*mapping);
  }
  progress.bytes_done = recovered.segment_bytes;
  return {};
}

result<void> engine::impl::replay(wal_reader& log_files, recovery_progress progress) {
  const auto& report_progress = options.store->on_progress;
  const std::uint64_t bytes_before = progress.bytes_done;
  std::uint64_t last = sequence;
  timestamp_us time = core->builder.newest().timestamp();
  for (wal_record r;;) {
    const auto more = log_files.next(r);
    if (!more)
      return more.error();
    if (!*more)
      break;
    const auto unusable = [&](const failure& f) {
      log.release(batch);
      return failure{f.code, log_files.path() + " at offset " + std::to_string(r.offset)
                               + ": the record of sequence " + std::to_string(r.sequence) + ": "
                               + f.detail};
    };
    if (r.type != wal_type::batch)
      return unusable({errc::unsupported, "its type belongs to a newer version of this program"});
    const auto read =
      replay_batch(r.payload, kinds, options.vector_dimension, core->payloads, batch);
    if (!read)
      return unusable(read.error());
    if (read->entries > r.sequence - last)
      return unusable({errc::corrupt, "it covers numbers of the record before"});
    last = r.sequence;
    time = std::max(time, read->time);
    ++recovered.records;
    recovered.bytes += wal_record_bytes(r.payload.size());
    if (batch.entry_count < replay_entries)
      continue;
    progress.bytes_done = bytes_before + recovered.bytes;
    if (auto done = apply_replayed(last, time); !done)
      return done;
    progress.entries = recovered.entries;
    if (report_progress)
      report_progress(progress);
  }
  if (last != sequence)
    if (auto done = apply_replayed(last, time); !done)
      return done;
  const wal_report& found = log_files.report();
  recovered.log_sequence = found.last;
  recovered.discarded_bytes = found.discarded_bytes;
  recovered.discarded_offset = found.discarded_offset;
  recovered.discarded_file = found.discarded_file;
  recovered.missing_bytes = found.missing_bytes;
  recovered.unfinished = found.unfinished;
  progress.bytes_done = bytes_before + recovered.bytes;
  progress.bytes_total = std::max(progress.bytes_total, progress.bytes_done);
  progress.entries = recovered.entries;
  if (report_progress)
    report_progress(progress);
  return {};
}

result<void> engine::impl::apply_replayed(std::uint64_t up_to, timestamp_us time) {
  errc bad = errc::ok;
  core->builder.merge(batch.entries, [&](const write_entry&, errc why) { bad = why; });
  recovered.entries += batch.entry_count;
  if (bad == errc::ok) {
    (void) view.publish(core->builder.publish(up_to, time, settled.publish()));
    sequence = up_to;
  } else {
    core->builder.discard();
  }
  log.release(batch);
  if (bad != errc::ok)
    return failure{errc::corrupt, "the log up to sequence " + std::to_string(up_to)
                                    + " holds an entry that cannot be applied ("
                                    + std::string(to_string(bad))
                                    + "), though it was; restore the store from a copy"};
  reclaim();
  core->payloads.provision();
  core->builder.provision();
  return {};
}

} // namespace cmem
