#include "actors/concurrent_memory.hpp"

#include "actors/answers.hpp"
#include "actors/handles.hpp"
#include "actors/memory_core.hpp"
#include "actors/supervisor.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace cmem {

namespace {

/// An actor system for one memory. Workers that share one queue block when it is empty: the default
/// policy steals by polling, which costs latency and an idle core.
struct own_system {
  own_system() : system(configured(settings)) {}

  static caf::actor_system_config& configured(caf::actor_system_config& c) {
    init_types();
    c.set(cafx::setting("scheduler.policy"), cafx::policy("sharing"));
    c.set(cafx::setting("scheduler.max-threads"),
          std::max<std::int64_t>(1, std::thread::hardware_concurrency()));
    return c;
  }

  caf::actor_system_config settings;
  caf::actor_system system;
};

} // namespace

struct concurrent_memory::impl {
  // The core last: its actors end before the system they live in is torn down.
  std::unique_ptr<own_system> own; // null in a host's system
  std::shared_ptr<memory_core> core;

  [[nodiscard]] engine& storage() const noexcept { return core->storage(); }

  /// `host` null: a system of its own.
  static result<std::unique_ptr<impl>> make(caf::actor_system* host, config c) {
    auto core = memory_core::create(std::move(c));
    if (!core)
      return core.error();
    auto p = std::make_unique<impl>();
    p->core = std::move(core).value();
    if (host == nullptr) {
      p->own = std::make_unique<own_system>();
      host = &p->own->system;
    }
    spawn_crew(*host, p->core);
    p->core->log(log_level::info, "opened");
    return p;
  }
};

concurrent_memory::concurrent_memory(std::unique_ptr<impl> p) : impl_(std::move(p)) {}

concurrent_memory::concurrent_memory(config c) {
  auto made = impl::make(nullptr, std::move(c));
  if (!made)
    throw std::runtime_error(to_string(made.error()));
  impl_ = std::move(made).value();
}

concurrent_memory::~concurrent_memory() {
  close();
  if (impl_->own)
    impl_->core->actors().await_end();
}

result<std::unique_ptr<concurrent_memory>> concurrent_memory::open(config c) {
  auto made = impl::make(nullptr, std::move(c));
  if (!made)
    return made.error();
  return std::unique_ptr<concurrent_memory>(new concurrent_memory(std::move(made).value()));
}

result<std::unique_ptr<concurrent_memory>> concurrent_memory::open(caf::actor_system& host,
                                                                   config c) {
  auto made = impl::make(&host, std::move(c));
  if (!made)
    return made.error();
  return std::unique_ptr<concurrent_memory>(new concurrent_memory(std::move(made).value()));
}

// -- writing

result<ticket> concurrent_memory::learn_concept(const concept_ref& id, std::string_view content,
                                                std::span<const float> vector, float strength,
                                                float confidence) {
  return impl_->storage().write(op::learn_concept{id, content, vector, strength, confidence});
}

result<ticket> concurrent_memory::learn_association(const concept_ref& source,
                                                    const concept_ref& target, kind_id kind,
                                                    float confidence, float weight) {
  return impl_->storage().write(op::learn_association{source, target, kind, confidence, weight});
}

result<ticket> concurrent_memory::strengthen(const concept_ref& id, float delta) {
  return impl_->storage().write(op::strengthen{id, delta});
}

result<ticket> concurrent_memory::strengthen(const concept_ref& source, const concept_ref& target,
                                             kind_id kind, float delta) {
  return impl_->storage().write(op::strengthen_association{source, target, kind, delta});
}

result<ticket> concurrent_memory::record_access(const concept_ref& id) {
  return impl_->storage().write(op::record_access{id});
}

result<ticket> concurrent_memory::record_use(const concept_ref& source, const concept_ref& target,
                                             kind_id kind) {
  return impl_->storage().write(op::record_use{source, target, kind});
}

result<ticket> concurrent_memory::set_attributes(const concept_ref& id,
                                                 std::span<const attribute_update> attributes) {
  return impl_->storage().write(op::set_attributes{id, attributes});
}

result<ticket> concurrent_memory::forget_concept(const concept_ref& id) {
  return impl_->storage().write(op::forget_concept{id});
}

result<ticket> concurrent_memory::forget_association(const concept_ref& source,
                                                     const concept_ref& target, kind_id kind) {
  return impl_->storage().write(op::forget_association{source, target, kind});
}

result<ticket> concurrent_memory::write(const write_op& o) { return impl_->storage().write(o); }

result<ticket> concurrent_memory::learn_batch(std::span<const write_op> ops) {
  return impl_->storage().learn_batch(ops);
}

result<ticket> concurrent_memory::write_together(std::span<const write_op> ops) {
  return impl_->storage().write_together(ops);
}

result<kind_id> concurrent_memory::register_kind(std::string_view name) {
  return impl_->core->register_kind(name);
}

const kind_registry& concurrent_memory::known_kinds() const noexcept {
  return impl_->storage().kinds();
}

// -- reading

result<concept_record> concurrent_memory::query_concept(const concept_ref& id) const {
  return answer_find(*snapshot(), id.id);
}

result<std::vector<neighbor_record>> concurrent_memory::query_neighbors(const concept_ref& id,
                                                                        const neighbor_filter& f,
                                                                        direction d) const {
  return answer_neighbors(*snapshot(), id.id, d, f);
}

result<std::optional<path_record>> concurrent_memory::find_path(const concept_ref& source,
                                                                const concept_ref& target,
                                                                std::uint32_t max_depth) const {
  const auto held = snapshot();
  return impl_->core->with_scratch<path_scratch>([&](path_scratch& scratch) {
    return answer_path(*held, source.id, target.id, max_depth, scratch);
  });
}

result<paths_record> concurrent_memory::find_paths(const concept_ref& source,
                                                   const concept_ref& target,
                                                   const path_query& query) const {
  const auto held = snapshot();
  return impl_->core->with_scratch<path_scratch>([&](path_scratch& scratch) {
    return answer_paths(*held, source.id, target.id, query, scratch);
  });
}

result<subgraph_record> concurrent_memory::subgraph(const std::vector<concept_ref>& seeds,
                                                    const subgraph_query& query) const {
  std::vector<concept_id> ids;
  ids.reserve(seeds.size());
  for (const concept_ref& seed : seeds)
    ids.push_back(seed.id);
  const auto held = snapshot();
  return impl_->core->with_scratch<context_scratch>(
    [&](context_scratch& scratch) { return answer_subgraph(*held, ids, query, scratch); });
}

result<activation_record> concurrent_memory::activate(const std::vector<named_seed>& seeds,
                                                      const activation_query& query) const {
  std::vector<basic_activation_seed<concept_id>> by_id;
  by_id.reserve(seeds.size());
  for (const named_seed& seed : seeds)
    by_id.push_back({seed.at.id, seed.energy});
  const auto held = snapshot();
  return impl_->core->with_scratch<context_scratch>(
    [&](context_scratch& scratch) { return answer_activation(*held, by_id, query, scratch); });
}

result<std::vector<found_concept>> concurrent_memory::search(const named_search& query) const {
  std::vector<concept_id> near;
  for (const concept_ref& c : query.near)
    near.push_back(c.id);
  const auto held = snapshot();
  return impl_->core->with_scratch<search_scratch>([&](search_scratch& scratch) {
    return answer_search(*held, with_near(query, std::move(near)), scratch);
  });
}

snapshot_guard concurrent_memory::snapshot() const noexcept { return impl_->storage().load(); }

snapshot_handle concurrent_memory::share() const noexcept { return impl_->storage().share(); }

// -- awaiting

result<settlement> concurrent_memory::await_visible(const ticket& t,
                                                    std::chrono::nanoseconds timeout) const {
  return impl_->storage().await_visible(t, timeout);
}

result<settlement> concurrent_memory::await_durable(const ticket& t,
                                                    std::chrono::nanoseconds timeout) const {
  return impl_->storage().await_durable(t, timeout);
}

void concurrent_memory::on_settled(const ticket& t, std::function<void(settlement)> done) {
  impl_->storage().on_settled(t, std::move(done));
}

void concurrent_memory::on_durable(const ticket& t, std::function<void(result<settlement>)> done) {
  impl_->storage().on_durable(t, std::move(done));
}

// -- looking after it

result<std::uint64_t> concurrent_memory::flush(std::chrono::nanoseconds timeout) {
  return impl_->storage().await_flush(timeout);
}

result<void> concurrent_memory::compact(std::chrono::nanoseconds timeout) {
  return impl_->storage().await_compaction(timeout);
}

result<backup_report> concurrent_memory::backup(const std::string& directory,
                                                const backup_options& options,
                                                std::chrono::nanoseconds timeout) {
  if (const auto flushed = flush(timeout); !flushed)
    return flushed.error();
  return cmem::backup(settings().files, settings().storage_path, directory, options);
}

result<prune_report> concurrent_memory::prune(const prune_options& options,
                                              std::chrono::nanoseconds timeout) {
  return cmem::prune(impl_->storage(), options, timeout);
}

const recovery_report& concurrent_memory::recovery() const noexcept {
  return impl_->storage().recovery();
}

timestamp_us concurrent_memory::now() const { return impl_->storage().now(); }

memory_stats concurrent_memory::stats() const { return impl_->core->stats(); }

health_report concurrent_memory::health() const { return impl_->core->health(); }

const config& concurrent_memory::settings() const noexcept { return impl_->core->settings(); }

actor_handles concurrent_memory::actors() const {
  const auto& crew = impl_->core->actors();
  return {crew.writer(),       crew.reader_pool(), crew.reconciler(), crew.flusher(),
          crew.checkpointer(), crew.indexer(),     crew.supervisor()};
}

close_report concurrent_memory::close() { return impl_->core->close(); }

} // namespace cmem
