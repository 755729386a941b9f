#include "actors/remote_memory.hpp"

#include "actors/io_system.hpp"
#include "actors/node_figures.hpp"
#include "actors/remote_broker.hpp"

#include <caf/io/middleman.hpp>

#include <utility>

namespace cmem {

namespace {

/// What waits on a callback, on the caller's thread.
template <class T, class Ask>
result<T> wait_for(Ask ask, std::chrono::milliseconds timeout, const char* what) {
  auto promise = std::make_shared<std::promise<result<T>>>();
  auto future = promise->get_future();
  ask([promise](result<T> r) { promise->set_value(std::move(r)); });
  if (future.wait_for(timeout) != std::future_status::ready)
    return failure{errc::timed_out, std::string(what) + " is not known after "
                                      + std::to_string(timeout.count()) + " ms"};
  return future.get();
}

} // namespace

struct remote_memory::impl {
  remote_options options;
  std::unique_ptr<io_system> own; // null in a host's system
  std::shared_ptr<remote_link> link;
  caf::actor broker;
  std::future<void> ended;

  static result<std::unique_ptr<remote_memory>> make(caf::actor_system* host,
                                                     const remote_options& options) {
    if (auto valid = validate(options); !valid)
      return valid.error();
    auto p = std::make_unique<impl>();
    p->options = options;
    if (host == nullptr) {
      p->own = std::make_unique<io_system>(1); // the work is done on the middleman's thread
      host = &p->own->get();
    } else if (!host->has_middleman()) {
      return failure{errc::invalid_argument,
                     "the actor system has no middleman: load caf::io::middleman in its config"};
    }
    auto awake = std::make_shared<caf::actor>(); // set by the broker, before it uses the link
    p->link = std::make_shared<remote_link>(options, [awake] { cafx::post(*awake, msg::go_on{}); });
    auto ended = std::make_shared<std::promise<void>>();
    p->ended = ended->get_future();
    p->broker = host->middleman().spawn_broker(
      [link = p->link, options, awake](remote_broker::pointer self) -> caf::behavior {
        *awake = caf::actor(self);
        return cafx::state(self).start(self, link, options);
      });
    cafx::on_end(p->broker, [ended, link = p->link](const caf::error&) {
      link->close(); // nobody works for it any more
      ended->set_value();
    });
    std::unique_ptr<remote_memory> m(new remote_memory(std::move(p)));
    if (auto there = m->link().await_connected(options.deadline); !there)
      return there.error();
    return m;
  }
};

remote_memory::remote_memory(std::unique_ptr<impl> p) : impl_(std::move(p)) {}

remote_memory::~remote_memory() {
  close();
  cafx::post(impl_->broker, msg::drain{});
  impl_->ended.wait();
}

result<std::unique_ptr<remote_memory>> remote_memory::connect(const remote_options& options) {
  return impl::make(nullptr, options);
}

result<std::unique_ptr<remote_memory>> remote_memory::connect(caf::actor_system& host,
                                                              const remote_options& options) {
  return impl::make(&host, options);
}

remote_link& remote_memory::link() const noexcept { return *impl_->link; }

auto remote_memory::until(std::optional<duration> deadline) const
  -> remote_link::clock::time_point {
  return remote_link::clock::now() + deadline.value_or(impl_->options.deadline);
}

// -- writing

result<ticket> remote_memory::learn_concept(const concept_ref& id, std::string_view content,
                                            std::span<const float> vector, float strength,
                                            float confidence) {
  return link().write(op::learn_concept{id, content, vector, strength, confidence});
}

result<ticket> remote_memory::learn_association(const concept_ref& source,
                                                const concept_ref& target, kind_id kind,
                                                float confidence, float weight) {
  return link().write(op::learn_association{source, target, kind, confidence, weight});
}

result<ticket> remote_memory::strengthen(const concept_ref& id, float delta) {
  return link().write(op::strengthen{id, delta});
}

result<ticket> remote_memory::strengthen(const concept_ref& source, const concept_ref& target,
                                         kind_id kind, float delta) {
  return link().write(op::strengthen_association{source, target, kind, delta});
}

result<ticket> remote_memory::record_access(const concept_ref& id) {
  return link().write(op::record_access{id});
}

result<ticket> remote_memory::record_use(const concept_ref& source, const concept_ref& target,
                                         kind_id kind) {
  return link().write(op::record_use{source, target, kind});
}

result<ticket> remote_memory::set_attributes(const concept_ref& id,
                                             std::span<const attribute_update> attributes) {
  return link().write(op::set_attributes{id, attributes});
}

result<ticket> remote_memory::forget_concept(const concept_ref& id) {
  return link().write(op::forget_concept{id});
}

result<ticket> remote_memory::forget_association(const concept_ref& source,
                                                 const concept_ref& target, kind_id kind) {
  return link().write(op::forget_association{source, target, kind});
}

result<ticket> remote_memory::write(const write_op& o) { return link().write(o); }

result<ticket> remote_memory::learn_batch(std::span<const write_op> ops) {
  return link().write_batch(ops);
}

result<kind_id> remote_memory::register_kind(std::string_view name,
                                             std::optional<duration> deadline) {
  if (const auto known = known_kinds().find(name))
    return *known;
  const auto made = ask(msg::register_kind{std::string(name)}, deadline).get();
  if (!made)
    return made.error();
  if (auto done = link().await_kinds(made->id + 1U, until(deadline)); !done)
    return done.error();
  return made->id;
}

const kind_registry& remote_memory::known_kinds() const noexcept { return link().kinds(); }

// -- reading

result<concept_record> remote_memory::query_concept(const concept_ref& id,
                                                    std::optional<duration> deadline) const {
  return ask(msg::find{id.id}, deadline).get();
}

result<std::vector<neighbor_record>> remote_memory::query_neighbors(
  const concept_ref& id, const neighbor_filter& f, direction d,
  std::optional<duration> deadline) const {
  msg::neighbors m{id.id, d, {}, f.confidence_min, f.strength_min, f.limit};
  for (std::size_t kind = 0; kind != kinds_max && !f.kinds.empty(); ++kind)
    if (f.kinds.contains(static_cast<kind_id>(kind)))
      m.kinds.push_back(static_cast<kind_id>(kind));
  auto found = ask(m, deadline).get();
  if (!found)
    return found.error();
  return std::move(found->neighbors);
}

result<std::optional<path_record>> remote_memory::find_path(
  const concept_ref& source, const concept_ref& target, std::uint32_t max_depth,
  std::optional<duration> deadline) const {
  auto found = ask(msg::find_path{source.id, target.id, max_depth}, deadline).get();
  if (!found)
    return found.error();
  if (!found->found)
    return std::optional<path_record>{};
  return std::optional<path_record>(std::move(found->path));
}

// -- awaiting

result<settlement> remote_memory::await_visible(const ticket& t,
                                                std::optional<duration> timeout) const {
  return wait_for<settlement>([&](auto done) { link().on_visible(t, std::move(done)); },
                              timeout.value_or(impl_->options.deadline),
                              "what became of the write");
}

result<settlement> remote_memory::await_durable(const ticket& t,
                                                std::optional<duration> timeout) const {
  return wait_for<settlement>([&](auto done) { link().on_durable(t, std::move(done)); },
                              timeout.value_or(impl_->options.deadline),
                              "whether the write is on the disk");
}

void remote_memory::on_settled(const ticket& t, answer<settlement> done) {
  link().on_visible(t, std::move(done));
}

void remote_memory::on_durable(const ticket& t, answer<settlement> done) {
  link().on_durable(t, std::move(done));
}

// -- looking after it

result<memory_stats> remote_memory::stats(std::optional<duration> deadline) const {
  const auto told = ask(wire::get_figures{}, deadline).get();
  if (!told)
    return told.error();
  return from_figures(*told);
}

result<health_report> remote_memory::health(std::optional<duration> deadline) const {
  const auto told = ask(wire::get_health{}, deadline).get();
  if (!told)
    return told.error();
  return from_wire(*told);
}

link_state remote_memory::state() const { return link().state(); }

failure remote_memory::trouble() const { return link().trouble(); }

void remote_memory::on_state(std::function<void(link_state, const failure&)> told) {
  link().on_state(std::move(told));
}

wire::welcome remote_memory::node() const { return link().welcome(); }

std::uint64_t remote_memory::unacknowledged() const { return link().unacknowledged(); }

bool remote_memory::drain(duration timeout) const { return link().await_acknowledged(timeout); }

void remote_memory::close() { link().close(); }

} // namespace cmem
