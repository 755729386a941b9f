#pragma once
// The actors that answer queries by message.

#include "actors/memory_core.hpp"
#include "messages/interfaces.hpp"

#include <memory>

namespace cmem {

/// Holds a snapshot between queries. The feed keeps an idle reader from pinning an old one; a query
/// looks itself whether there is a newer, so that whoever awaited a write sees it.
struct reader_state {
  static inline const char* name = "cmem.reader";
  std::shared_ptr<memory_core> core;
  snapshot_handle held;
  path_scratch scratch;
  search_scratch search; // its graph part is for subgraph and activate

  const graph_snapshot& newest();
};

reader_actor::behavior_type make_reader(reader_actor::stateful_pointer<reader_state> self,
                                        std::shared_ptr<memory_core> core);

struct reader_pool_state {
  static inline const char* name = "cmem.reader_pool";
  std::shared_ptr<memory_core> core;
  std::size_t turn = 0;
};

/// Hands each query to the next reader.
reader_pool_actor::behavior_type make_reader_pool(
  reader_pool_actor::stateful_pointer<reader_pool_state> self, std::shared_ptr<memory_core> core);

} // namespace cmem
