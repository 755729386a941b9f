#pragma once
// A memory in another process: what concurrent_memory.hpp offers, over the network.

#include "actors/health.hpp"
#include "actors/remote_link.hpp"
#include "messages/values.hpp"
#include "storage/queries.hpp"
#include "storage/records.hpp"
#include "storage/result.hpp"
#include "storage/search.hpp"

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace caf {
class actor_system;
} // namespace caf

namespace cmem {

/// Writes are numbered, kept and sent in batches, without being asked to; a ticket comes at once,
/// whatever the network does, and each write is applied once however often the connection breaks.
/// Questions wait for their answer until a deadline, and are asked again over a new connection.
///
/// Threads: all calls from any thread, save the destructor; none of those that wait from a
/// callback. Writes fail: invalid_argument, unknown_kind, limit_exceeded (longer than a frame),
/// overloaded (too much is not acknowledged), read_only, closed. Questions fail as the memory
/// itself does, and: timed_out; unavailable, when there is no node; closed.
class remote_memory {
public:
  using duration = std::chrono::milliseconds;
  template <class T>
  using answer = std::function<void(result<T>)>; ///< called on the connection's thread: be short

  /// Waits for the node, for options.deadline. Fails: invalid_argument; unavailable; unsupported.
  static result<std::unique_ptr<remote_memory>> connect(const remote_options& options = {});
  /// In the host's system, which must have loaded caf::io::middleman and must outlive it.
  static result<std::unique_ptr<remote_memory>> connect(caf::actor_system& host,
                                                        const remote_options& options = {});
  /// Closes.
  ~remote_memory();
  remote_memory(const remote_memory&) = delete;
  remote_memory& operator=(const remote_memory&) = delete;

  // -- writing

  result<ticket> learn_concept(const concept_ref& id, std::string_view content = {},
                               std::span<const float> vector = {}, float strength = 1.0F,
                               float confidence = 1.0F);
  result<ticket> learn_association(const concept_ref& source, const concept_ref& target,
                                   kind_id kind = kinds::semantic, float confidence = 1.0F,
                                   float weight = 1.0F);
  result<ticket> strengthen(const concept_ref& id, float delta);
  result<ticket> strengthen(const concept_ref& source, const concept_ref& target, kind_id kind,
                            float delta);
  result<ticket> record_access(const concept_ref& id);
  result<ticket> record_use(const concept_ref& source, const concept_ref& target,
                            kind_id kind = kinds::semantic);
  result<ticket> set_attributes(const concept_ref& id,
                                std::span<const attribute_update> attributes);
  result<ticket> forget_concept(const concept_ref& id);
  result<ticket> forget_association(const concept_ref& source, const concept_ref& target,
                                    kind_id kind = kinds::semantic);
  /// Any of the above.
  result<ticket> write(const write_op& o);
  /// All become visible in one snapshot, or none does (W8).
  result<ticket> learn_batch(std::span<const write_op> ops);
  /// The id of the kind of that name, new or not.
  result<kind_id> register_kind(std::string_view name, std::optional<duration> deadline = {});
  [[nodiscard]] const kind_registry& known_kinds() const noexcept;

  // -- reading

  result<concept_record> query_concept(const concept_ref& id,
                                       std::optional<duration> deadline = {}) const;
  result<std::vector<neighbor_record>> query_neighbors(const concept_ref& id,
                                                       const neighbor_filter& f = {},
                                                       direction d = direction::outgoing,
                                                       std::optional<duration> deadline = {}) const;
  result<std::optional<path_record>> find_path(const concept_ref& source, const concept_ref& target,
                                               std::uint32_t max_depth = 6,
                                               std::optional<duration> deadline = {}) const;
  /// The rest as messages of messages/requests.hpp, answered by those that readers answer with. Any
  /// of wire::request: e.g. ask(msg::search{.text = "rain"}). A future that is never waited for
  /// costs nothing.
  template <class Request>
  std::future<result<wire::answer_to<Request>>> ask(const Request& r,
                                                    std::optional<duration> deadline = {}) const;
  /// The same with a callback.
  template <class Request>
  void ask(const Request& r, answer<wire::answer_to<Request>> done,
           std::optional<duration> deadline = {}) const;

  // -- awaiting (W4)

  result<settlement> await_visible(const ticket& t, std::optional<duration> timeout = {}) const;
  result<settlement> await_durable(const ticket& t, std::optional<duration> timeout = {}) const;
  void on_settled(const ticket& t, answer<settlement> done);
  void on_durable(const ticket& t, answer<settlement> done);

  // -- looking after it

  result<memory_stats> stats(std::optional<duration> deadline = {}) const;
  result<health_report> health(std::optional<duration> deadline = {}) const;
  [[nodiscard]] link_state state() const;
  /// Why there is no connection now; ok where there is one.
  [[nodiscard]] failure trouble() const;
  /// Called at each change of state, on the connection's thread.
  void on_state(std::function<void(link_state, const failure&)> told);
  /// What the node said of itself at the newest connection.
  [[nodiscard]] wire::welcome node() const;
  /// Writes that the node has not acknowledged yet: durable, where it has a store.
  [[nodiscard]] std::uint64_t unacknowledged() const;
  /// Waits until all writes are acknowledged. False: not within `timeout`.
  bool drain(duration timeout) const;
  /// What is under way fails (closed). drain() first.
  void close();

private:
  struct impl;
  explicit remote_memory(std::unique_ptr<impl> p);
  [[nodiscard]] remote_link& link() const noexcept;
  [[nodiscard]] remote_link::clock::time_point until(std::optional<duration> deadline) const;

  std::unique_ptr<impl> impl_;
};

template <class Request>
void remote_memory::ask(const Request& r, answer<wire::answer_to<Request>> done,
                        std::optional<duration> deadline) const {
  using answer_type = wire::answer_to<Request>;
  link().ask(r, until(deadline), [done = std::move(done)](result<wire::answer> a) {
    if (!a)
      return done(a.error());
    if (auto* of_type = std::get_if<answer_type>(&*a))
      return done(std::move(*of_type));
    done(failure{errc::internal, "the node answered something else"});
  });
}

template <class Request>
auto remote_memory::ask(const Request& r, std::optional<duration> deadline) const
  -> std::future<result<wire::answer_to<Request>>> {
  using answer_type = wire::answer_to<Request>;
  auto promise = std::make_shared<std::promise<result<answer_type>>>();
  auto future = promise->get_future();
  ask(r,
      answer<answer_type>([promise](result<answer_type> a) { promise->set_value(std::move(a)); }),
      deadline);
  return future;
}

} // namespace cmem
