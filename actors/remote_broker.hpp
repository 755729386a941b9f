#pragma once
// The connection of a client to its node: dials, sends what the link has, hands it what comes, and
// dials again.

#include "actors/remote_link.hpp"
#include "messages/cafx.hpp"
#include "messages/frame.hpp"
#include "messages/interfaces.hpp"

#include <caf/io/broker.hpp>

#include <memory>
#include <mutex>
#include <optional>

namespace cmem {

/// All of it on CAF's one thread for sockets; what blocks (names, connecting) has a thread of its
/// own.
class remote_broker {
public:
  static inline const char* name = "cmem.remote";
  using pointer = caf::io::stateful_broker<remote_broker>*;
  using connection_handle = caf::io::connection_handle;

  caf::behavior start(pointer self, std::shared_ptr<remote_link> link,
                      const remote_options& options);

private:
  /// What a dialer came to, which may be after the broker is gone.
  struct dialed {
    std::mutex mutex;
    std::optional<result<tcp_socket>> outcome; // guarded by mutex
  };

  void dial();
  void take_dialed();
  void go_on();
  void send();
  void read(std::span<const char> bytes);
  void sent(std::uint64_t bytes);
  void lost(const failure& why);
  void drop(const failure& why);
  void look_around();

  pointer self_ = nullptr;
  std::shared_ptr<remote_link> link_;
  remote_options options_;
  endpoint node_;
  std::shared_ptr<dialed> dialed_; // null: nobody dials
  std::optional<connection_handle> connection_;
  bool welcome_ = false; // the node said so
  frame_buffer in_;
  std::uint64_t unsent_bytes_ = 0;
  std::chrono::milliseconds backoff_{};
  std::chrono::steady_clock::time_point dial_at_;
  std::chrono::steady_clock::time_point resume_at_; // when writes held back go on
  std::chrono::steady_clock::time_point heard_;     // from the node
  std::chrono::steady_clock::time_point spoke_;     // to it
};

} // namespace cmem
