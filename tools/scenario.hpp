#pragma once
// A burst scenario: which data, which memory, and phases of paced writes and reads. The format is
// described in docs/scenarios.md; scripts to start from are in examples/scenarios/.

#include "storage/durability.hpp"
#include "storage/result.hpp"
#include "storage/write_log.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cmem::tools {

enum class write_kind : std::uint8_t {
  learn_concept,
  learn_association,
  strengthen,
  strengthen_association,
  record_access,
  record_use,
  set_attributes,
  forget_concept,
  forget_association,
};
inline constexpr std::size_t write_kinds = 9;
/// In the order of write_kind; also the keys of a write mix.
inline constexpr std::array<std::string_view, write_kinds> write_names = {
  "learn_concept", "learn_association", "strengthen",     "strengthen_association", "record_access",
  "record_use",    "set_attributes",    "forget_concept", "forget_association"};

enum class query_kind : std::uint8_t {
  find,
  neighbors,
  find_path,
  confident_path,
  alternative_paths,
  subgraph,
  activation,
  search,
};
inline constexpr std::size_t query_kinds = 8;
/// In the order of query_kind; also the keys of a query mix.
inline constexpr std::array<std::string_view, query_kinds> query_names = {
  "find",     "neighbors",  "find_path", "confident_path", "alternative_paths",
  "subgraph", "activation", "search"};

/// Operations per second of all threads together.
struct rate {
  double per_second = 0; ///< 0 with `unpaced`: as fast as the threads can
  bool unpaced = false;  ///< "max"

  [[nodiscard]] bool idle() const noexcept { return !unpaced && per_second <= 0; }
  friend bool operator==(const rate&, const rate&) = default;
};

using write_mix = std::array<double, write_kinds>; ///< relative weights
using query_mix = std::array<double, query_kinds>;

struct phase {
  std::string name;
  double seconds = 0;
  rate writes;
  rate reads;
  unsigned writers = 1; ///< threads
  unsigned readers = 1;
  write_mix write_weights{};
  query_mix query_weights{};
  std::uint32_t path_depth_max = 8;     ///< of find_path, confident_path, alternative_paths
  std::uint32_t neighbors_limit = 16;   ///< of neighbors
  std::uint32_t alternatives = 3;       ///< of alternative_paths
  std::uint32_t context_hops = 2;       ///< of subgraph and activation
  std::uint32_t context_concepts = 100; ///< that subgraph and activation return at most
  std::uint32_t search_hits = 10;       ///< of search
};

enum class data_source : std::uint8_t { wordnet, synthetic, jsonl };

struct data_spec {
  data_source source = data_source::synthetic;
  std::string path;                  ///< wordnet: directory; jsonl: file
  std::uint64_t concepts = 10'000;   ///< synthetic
  double degree = 8;                 ///< synthetic: associations a concept
  std::uint64_t content_bytes = 100; ///< synthetic
  std::uint64_t seed = 1;            ///< synthetic
};

struct memory_spec {
  std::uint32_t reconcile_interval_ms = 10;
  std::size_t max_batch_size = 10'000;
  std::size_t log_capacity = 100'000;
  std::optional<overflow_policy> overflow = {}; ///< unset: as config has it
  std::string storage = {};                     ///< directory of the store; empty: none
  cmem::durability durability = cmem::durability::interval;
  bool index_text = false; ///< set where a phase searches
};

/// What has to hold for exit code 0, besides the accounting. Unset: not checked.
struct expectations {
  std::optional<std::uint64_t> dropped_min;
  std::optional<std::uint64_t> dropped_max;
  std::optional<double> rate_held_min; ///< achieved / wanted of every paced rate
  /// learn_concept and learn_association, the call alone, over the whole run.
  std::optional<double> append_p999_us_max;
  std::optional<double> staleness_p99_ms_max; ///< of every phase
};

struct scenario {
  std::string name; ///< the file's, without .toml
  std::string file;
  std::string description;
  std::uint64_t seed = 1; ///< of the choice of operations
  double preload = 0;     ///< fraction of the data that is learned before the first phase
  data_spec data;
  memory_spec memory;
  expectations expect;
  std::vector<phase> phases;

  [[nodiscard]] double seconds() const noexcept;
};

/// Reads a script. Fails (parse_error) with `file:line: key: what is wrong; what to do`. Unknown
/// keys are refused, so that a misspelt one is not silently without effect.
result<scenario> parse_scenario(std::string_view text, const std::string& file);
/// Fails (io_error) when there is no such file.
result<scenario> read_scenario(const std::string& file);

} // namespace cmem::tools
