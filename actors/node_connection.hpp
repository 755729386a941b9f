#pragma once
// What a node knows of one connection.

#include "messages/frame.hpp"
#include "messages/wire.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace cmem {

struct waiting_request {
  wire::asked what;
  std::size_t bytes = 0; ///< that it came as
};

struct node_connection {
  std::uint64_t serial = 0;            ///< never again another's, as a handle may be
  frame_buffer in;                     ///< read, and not taken yet
  std::optional<concept_id> client;    ///< set by its hello
  std::deque<waiting_request> waiting; ///< for a reader
  std::size_t asked = 0;               ///< of readers, not answered yet
  std::size_t untaken = 0;             ///< answers that it has not taken, counted in under_way_
  std::uint64_t waiting_bytes = 0;     ///< of `waiting`
  std::uint64_t unread_bytes = 0;      ///< written to it, not taken by it
  /// Writes behind this number are passed over until it comes: they were sent before their sender
  /// knew that it was not taken. 0: none.
  std::uint64_t resumes_at = 0;
  std::uint64_t next_write = 0;                ///< the number of the next one, or a higher one once
  bool slow = false;                           ///< it does not take its answers: they do not count
  bool parked = false;                         ///< what waits has no turn: it is behind
  bool working = false;                        ///< its frames are being taken
  bool paused = false;                         ///< it is to wait: none of its frames is taken
  bool halted = false;                         ///< CAF was told so
  bool closing = false;                        ///< once it has taken what waits for it
  std::chrono::steady_clock::time_point heard; ///< from it, or that it took something
  std::chrono::steady_clock::time_point took;  ///< that it last took something, or had all
  std::chrono::steady_clock::time_point unread_since; ///< it has not had all
};

} // namespace cmem
