#include "actors/config.hpp"

#include "storage/limits.hpp"

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
  return c;
}

result<void> validate(const config& c) {
  if (!c.storage_path.empty())
    return failure{errc::unsupported, "storage_path is \"" + c.storage_path
                                        + "\": this version keeps memory only; leave it empty"};
  if (c.overflow != overflow_policy::drop_oldest && c.overflow != overflow_policy::reject)
    return failure{errc::invalid_argument, "overflow is "
                                             + std::to_string(static_cast<unsigned>(c.overflow))
                                             + ": must be drop_oldest or reject"};
  auto fields = first_failure({
    within<std::uint32_t>("reconcile_interval_ms", c.reconcile_interval_ms, 1, interval_max_ms),
    within<std::size_t>("max_batch_size", c.max_batch_size, 1, batch_entries_max),
    within<std::size_t>("memory_threshold", c.memory_threshold, 1, concepts_max),
    within<std::size_t>("log_capacity", c.log_capacity, 1, log_capacity_max),
    within<std::size_t>("vector_dimension", c.vector_dimension, 0, vector_dimension_max),
    within<std::uint64_t>("arena_bytes", c.arena_bytes, arena_bytes_min, arena_bytes_max),
    within<std::uint64_t>("memory_budget_bytes", c.memory_budget_bytes, 0, arena_bytes_max),
    within<std::size_t>("reader_actors", c.reader_actors, 1, reader_actors_max),
    within<std::uint32_t>("health.reconciliation_lag_max_ms", c.health.reconciliation_lag_max_ms, 1,
                          lag_limit_max_ms),
  });
  if (!fields)
    return fields;
  if (c.health.reconciliation_lag_max_ms < c.reconcile_interval_ms)
    return failure{errc::invalid_argument, "health.reconciliation_lag_max_ms is "
                                             + std::to_string(c.health.reconciliation_lag_max_ms)
                                             + ": must be at least reconcile_interval_ms, which is "
                                             + std::to_string(c.reconcile_interval_ms)};
  return {};
}

engine_options storage_options(const config& c) {
  engine_options o;
  o.log_capacity = c.log_capacity;
  o.overflow = c.overflow;
  o.batch_entries_max = c.max_batch_size;
  o.vector_dimension = c.vector_dimension;
  o.memory_budget_bytes = c.memory_budget_bytes;
  o.association_times = c.association_times;
  o.arena_bytes = c.arena_bytes;
  o.clock = c.clock;
  return o;
}

} // namespace cmem
