#pragma once
// What a client of a node has under way, whatever becomes of the connection: writes that are not
// acknowledged, questions that are not answered, and who waits for either.

#include "actors/tcp_socket.hpp"
#include "messages/wire.hpp"
#include "storage/kind_registry.hpp"
#include "storage/records.hpp"
#include "storage/result.hpp"
#include "storage/ticket.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace cmem {

struct remote_options {
  std::string node = "127.0.0.1:4747"; ///< HOST:PORT
  /// Of a call that names none.
  std::chrono::milliseconds deadline = std::chrono::seconds(5);
  /// A node that says nothing for so long is taken for gone, and connected to again.
  std::chrono::milliseconds silence_max = std::chrono::seconds(2);
  /// Between attempts to connect: doubled after each that fails, from the first to the second.
  std::chrono::milliseconds backoff_min = std::chrono::milliseconds(50);
  std::chrono::milliseconds backoff_max = std::chrono::seconds(1);
  std::size_t batch_bytes = std::size_t{128} << 10; ///< of writes that go in one frame, about
  /// Writes that the node has not acknowledged, at most: more are refused (overloaded).
  std::size_t unacknowledged_max = 200'000;
  std::size_t unacknowledged_bytes_max = std::size_t{64} << 20;
  /// By which the node knows its writes. Unset: random. A process that has to go on with numbers of
  /// an earlier one keeps both itself, and there may never be two of them.
  std::optional<concept_id> client = {};
};

/// Fails (invalid_argument) naming field and value.
result<void> validate(const remote_options& o);

enum class link_state : std::uint8_t { connecting, connected, closed };
[[nodiscard]] std::string_view to_string(link_state s) noexcept;

/// Numbers writes, keeps them until they are acknowledged, and sends them again to a node that may
/// not have them; keeps questions until they are answered or their time is over. Knows no CAF.
/// Threads: all calls from any thread, under one mutex; what is called back is called without it,
/// on the connection's thread or, when the answer is known already, on the caller's.
class remote_link {
public:
  using clock = std::chrono::steady_clock;
  using answer_callback = std::function<void(result<wire::answer>)>;
  using settlement_callback = std::function<void(result<settlement>)>;

  /// `wake` has the connection call next(); it may not call back.
  remote_link(const remote_options& o, std::function<void()> wake);

  // -- for callers

  /// Fails: closed, overloaded, read_only, limit_exceeded (longer than a frame), and as validate().
  result<ticket> write(const write_op& o);
  result<ticket> write_batch(std::span<const write_op> ops);
  /// Calls back once: with the answer, or with timed_out, unavailable or closed.
  void ask(const wire::request& r, clock::time_point deadline, answer_callback done);
  void on_visible(const ticket& t, settlement_callback done);
  void on_durable(const ticket& t, settlement_callback done);
  [[nodiscard]] link_state state() const;
  /// Why there is no connection now; ok where there is one.
  [[nodiscard]] failure trouble() const;
  /// Waits for the first connection, or for trouble that no waiting helps. Fails: as that;
  /// unavailable.
  result<void> await_connected(std::chrono::milliseconds timeout);
  /// Called at each change, on the connection's thread.
  void on_state(std::function<void(link_state, const failure&)> told);
  [[nodiscard]] const kind_registry& kinds() const noexcept { return kinds_; }
  [[nodiscard]] wire::welcome welcome() const;
  /// Writes that are not acknowledged yet.
  [[nodiscard]] std::uint64_t unacknowledged() const;
  /// Waits until there are none. False: not within `timeout`.
  bool await_acknowledged(std::chrono::milliseconds timeout);
  /// Asks for the names of kinds, until so many are known. Fails: timed_out, closed.
  result<void> await_kinds(std::size_t count, clock::time_point deadline);
  /// What is under way fails (closed); nothing new is taken.
  void close();

  // -- for the connection: one at a time, on its thread

  [[nodiscard]] wire::hello hello() const;
  /// Fails where the node is not one to go on with: then the link is closed.
  result<void> welcomed(const wire::welcome& w);
  /// Appends the frames that are to be sent now, about `bytes_max` of them. Returns when to ask
  /// again, if writes are held back until then.
  std::optional<clock::time_point> next(std::vector<char>& out, std::size_t bytes_max);
  /// Takes what the node said. Fails: as read_to_client(); `refused`, as the node said.
  result<void> received(std::string_view payload);
  /// All that was sent and not answered goes out again with the next connection.
  void disconnected(const failure& why);
  /// Fails what is late.
  void expire(clock::time_point now);

private:
  struct batch {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::vector<char> frame;
    bool sent = false;
  };
  struct question {
    std::vector<char> frame;
    bool sent = false;
    clock::time_point deadline;
    answer_callback done;
  };
  struct told { // what is to be called back, once the mutex is free
    std::vector<std::function<void()>> calls;
    ~told() {
      for (auto& call : calls)
        call();
    }
  };

  [[nodiscard]] static failure gone();
  [[nodiscard]] result<void> admit() const;
  result<ticket> add(const write_op& o);
  void seal();
  void wake_once();
  [[nodiscard]] settlement outcome(std::uint64_t number) const;
  void settle(std::multimap<std::uint64_t, settlement_callback>& waiting, std::uint64_t up_to,
              told& out);
  void take(const wire::visible& m, told& out);
  void take(const wire::durable& m, told& out);
  void take(const wire::not_taken& m);
  void take(wire::answered&& m, told& out);
  void ask_kinds(std::size_t from);
  void register_again(std::size_t kind);
  void take_kinds(const wire::kind_names& m, told& out);
  void take_registered(const wire::kind_registered& m, told& out);
  void fail(const failure& why, told& out);
  [[nodiscard]] failure misfit(const wire::welcome& w) const;
  [[nodiscard]] std::uint64_t unacknowledged_now() const;
  void acknowledged(std::uint64_t up_to);
  void release();
  void change(link_state s, const failure& why, told& out);

  const remote_options options_;
  const std::function<void()> wake_;
  const concept_id client_;
  const std::uint32_t tag_; // of tickets
  kind_registry kinds_;     // as the node has them

  mutable std::mutex mutex_; // guards all below
  std::condition_variable changed_;
  link_state state_ = link_state::connecting;
  failure trouble_;
  std::optional<wire::welcome> welcome_; // of the newest connection
  bool ready_ = false;                   // kinds are known: writes may go
  bool woken_ = false;
  std::function<void(link_state, const failure&)> on_state_;

  std::uint64_t next_number_ = 1;
  std::uint64_t visible_ = 0;
  std::uint64_t durable_ = 0;
  std::uint64_t acknowledged_ = 0; // the highest number
  struct {
    std::uint64_t up_to = 0;
    failure why;
  } not_durable_;             // what will not be on the disk, and was not acknowledged
  failure held_back_;         // why the node does not take writes now
  std::deque<batch> batches_; // not acknowledged yet, ascending
  std::size_t batch_bytes_ = 0;
  std::unique_ptr<wire::writes_encoder> open_; // what is written goes here
  std::uint64_t open_first_ = 0;
  clock::time_point resume_at_ = {}; // writes are held back until then
  std::map<std::uint64_t, errc> failures_;
  std::multimap<std::uint64_t, settlement_callback> wait_visible_;
  std::multimap<std::uint64_t, settlement_callback> wait_durable_;

  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, question> questions_;
};

} // namespace cmem
