#include "actors/config.hpp"

#include "storage/limits.hpp"
#include "storage/validate.hpp"

#include <string>

namespace cmem {

namespace {

template <class T>
result<void> within(const char* field, T value, T min, T max) {
  if (value >= min && value <= max)
    return {};
  return failure{errc::invalid_argument, std::string(field) + " is " + std::to_string(value)
                                           + ": must lie within [" + std::to_string(min) + ", "
                                           + std::to_string(max) + "]"};
}

/// The first of the checks that failed.
result<void> first_failure(std::initializer_list<result<void>> checks) {
  for (const auto& c : checks)
    if (!c)
      return c;
  return {};
}

} // namespace

std::string_view to_string(log_level level) noexcept {
  switch (level) {
    case log_level::debug: return "debug";
    case log_level::info: return "info";
    case log_level::warning: return "warning";
    case log_level::error: return "error";
  }
  return "?";
}

config config::high_write_throughput() {
  config c;
  c.reconcile_interval_ms = 50;
  c.max_batch_size = 100'000;
  return c;
}

config config::low_latency_reads() {
  config c;
  c.reconcile_interval_ms = 5;
  c.max_batch_size = 10'000;
  return c;
}

config config::memory_constrained() {
  config c;
  c.reconcile_interval_ms = 10;
  c.max_batch_size = 5'000;
  c.memory_threshold = 5'000;
  c.map_flushed = true;
  c.pack_associations = true;
  return c;
}

result<void> validate(const config& c) {
  if (c.durability > durability::sync)
    return failure{errc::invalid_argument, "durability is "
                                             + std::to_string(static_cast<unsigned>(c.durability))
                                             + ": must be none, interval or sync"};
  if (c.overflow && *c.overflow != overflow_policy::drop_oldest
      && *c.overflow != overflow_policy::reject)
    return failure{errc::invalid_argument, "overflow is "
                                             + std::to_string(static_cast<unsigned>(*c.overflow))
                                             + ": must be drop_oldest or reject"};
  if (c.vector_code_ratio != 4 && c.vector_code_ratio != 8)
    return failure{errc::invalid_argument, "vector_code_ratio is "
                                             + std::to_string(c.vector_code_ratio)
                                             + ": must be 4 or 8"};
  auto fields = first_failure({
    within<std::uint32_t>("reconcile_interval_ms", c.reconcile_interval_ms, 1, interval_max_ms),
    within<std::size_t>("max_batch_size", c.max_batch_size, 1, batch_entries_max),
    within<std::uint32_t>("reconcile_threads", c.reconcile_threads, 1, merge_threads_max),
    within<std::size_t>("memory_threshold", c.memory_threshold, 1, concepts_max),
    within<std::size_t>("log_capacity", c.log_capacity, 1, log_capacity_max),
    within<std::size_t>("vector_dimension", c.vector_dimension, 0, vector_dimension_max),
    within<std::uint64_t>("arena_bytes", c.arena_bytes, arena_bytes_min, arena_bytes_max),
    within<std::uint64_t>("memory_budget_bytes", c.memory_budget_bytes, 0, arena_bytes_max),
    within<std::uint32_t>("commit_interval_ms", c.commit_interval_ms, 1, commit_interval_max_ms),
    within<std::uint64_t>("waiting_bytes_max", c.waiting_bytes_max, 1, waiting_bytes_limit),
    within<std::uint64_t>("log_file_bytes", c.log_file_bytes, wal_file_bytes_min,
                          log_file_bytes_max),
    within<std::uint64_t>("flush_log_bytes", c.flush_log_bytes, flush_log_bytes_min,
                          waiting_bytes_limit),
    within<std::uint64_t>("strength_half_life_s", c.strength_half_life_s.value_or(0), 0,
                          half_life_max_s),
    within<std::size_t>("reader_actors", c.reader_actors, 1, reader_actors_max),
    within<std::uint32_t>("health.reconciliation_lag_max_ms", c.health.reconciliation_lag_max_ms, 1,
                          lag_limit_max_ms),
  });
  if (!fields)
    return fields;
  if (c.forget)
    if (auto valid = validate(*c.forget); !valid)
      return failure{valid.error().code, "forget." + valid.error().detail};
  if (c.read_only && c.storage_path.empty())
    return failure{errc::invalid_argument,
                   "read_only is true: it needs the storage_path of a store"};
  if (c.health.reconciliation_lag_max_ms < c.reconcile_interval_ms)
    return failure{errc::invalid_argument, "health.reconciliation_lag_max_ms is "
                                             + std::to_string(c.health.reconciliation_lag_max_ms)
                                             + ": must be at least reconcile_interval_ms, which is "
                                             + std::to_string(c.reconcile_interval_ms)};
  return {};
}

overflow_policy overflow_of(const config& c) noexcept {
  const bool durable = !c.storage_path.empty() && c.durability != durability::none;
  return c.overflow.value_or(durable ? overflow_policy::reject : overflow_policy::drop_oldest);
}

engine_options storage_options(const config& c) {
  engine_options o;
  o.log_capacity = c.log_capacity;
  o.overflow = overflow_of(c);
  o.batch_entries_max = c.max_batch_size;
  o.merge_threads = c.reconcile_threads;
  o.vector_dimension = c.vector_dimension;
  o.index_vectors = c.index_vectors;
  o.index_text = c.index_text;
  o.vector_metric = c.vector_metric;
  o.memory_budget_bytes = c.memory_budget_bytes;
  o.association_times = c.association_times;
  o.pack_associations = c.pack_associations;
  o.arena_bytes = c.arena_bytes;
  o.clock = c.clock;
  if (c.strength_half_life_s)
    o.strength_half_life = static_cast<timestamp_us>(*c.strength_half_life_s) * 1'000'000;
  o.forget = c.forget;
  if (!c.storage_path.empty()) {
    store_options& s = o.store.emplace();
    s.files = c.files;
    s.directory = c.storage_path;
    s.level = c.durability;
    s.read_only = c.read_only;
    s.flush_concepts = c.memory_threshold;
    s.flush_log_bytes = c.flush_log_bytes;
    s.map_flushed = c.map_flushed;
    s.vectors.keep_originals = c.keep_originals;
    s.vectors.ratio = c.vector_code_ratio;
    if (!c.compaction)
      s.compaction = compaction_policy::never();
    s.waiting_bytes_max = c.waiting_bytes_max;
    s.log.file_bytes = c.log_file_bytes;
    s.on_progress = c.on_progress;
  }
  return o;
}

} // namespace cmem
