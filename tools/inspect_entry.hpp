#pragma once
// One entry of a log record, for people.

#include "storage/wal_batch.hpp"

#include <nlohmann/json.hpp>

namespace cmem::tools {

/// What it does and to which concepts; of content and vectors the size alone.
[[nodiscard]] nlohmann::ordered_json describe(const wal_batch_decoder::entry& e);

} // namespace cmem::tools
