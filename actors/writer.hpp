#pragma once
// The actor that takes writes by message.

#include "actors/memory_core.hpp"
#include "messages/interfaces.hpp"

#include <cstdint>
#include <memory>
#include <unordered_map>

namespace cmem {

/// Holds nothing but the promises of open awaits; the entries are the engine's.
struct writer_state {
  using promise = caf::typed_response_promise<settlement>;

  static inline const char* name = "cmem.writer";
  std::shared_ptr<memory_core> core;
  std::uint64_t next_token = 0;
  std::unordered_map<std::uint64_t, promise> open_awaits;

  /// Answers what is open with `closed`: a promise that just goes would leave its requester
  /// waiting.
  ~writer_state();
};

writer_actor::behavior_type make_writer(writer_actor::stateful_pointer<writer_state> self,
                                        std::shared_ptr<memory_core> core);

} // namespace cmem
