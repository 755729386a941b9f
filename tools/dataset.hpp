#pragma once
// What a scenario teaches: concepts and associations in the order they are learned.

#include "storage/concept_id.hpp"
#include "storage/result.hpp"
#include "tools/scenario.hpp"

#include <cstdint>
#include <istream>
#include <string>
#include <utility>
#include <vector>

namespace cmem::tools {

struct data_concept {
  concept_id id;
  std::string name; ///< empty: known by id alone
  std::string content;
  std::vector<float> vector;
  float strength = 1.0F;
  float confidence = 1.0F;
  std::vector<std::pair<std::string, std::string>> attributes;
};

/// Source and target are indices into dataset::concepts, kind one into dataset::kinds.
struct data_association {
  std::uint32_t source = 0;
  std::uint32_t target = 0;
  std::uint16_t kind = 0;
  float confidence = 1.0F;
  float weight = 1.0F;

  friend bool operator==(const data_association&, const data_association&) = default;
};

struct dataset {
  std::string title;
  std::vector<data_concept> concepts;
  /// The first `learnable` concepts are learned; those behind only occur as ends of associations.
  std::size_t learnable = 0;
  std::vector<data_association> associations;
  std::vector<std::string> kinds; ///< by name
  std::uint32_t vector_dimension = 0;
};

/// Loads what the scenario asks for. `wordnet_folder` replaces the default place of WordNet, not
/// one that the scenario names itself. Fails with io_error or parse_error, naming file and line.
result<dataset> load_dataset(const data_spec& spec, const std::string& wordnet_folder);

/// A random graph of a given size and mean out-degree; equal seeds give equal graphs. Half of the
/// targets are drawn evenly, half from the low numbers, so that there are hubs.
dataset make_synthetic(const data_spec& spec);

/// JSON lines, one object a line, empty lines skipped:
///   {"type":"concept","id":ID,"content":TEXT,"strength":1.0,"confidence":0.9,
///    "vector":[…],"attributes":{…}}
///   {"type":"association","source":ID,"target":ID,"kind":NAME,"confidence":0.9,"weight":1.0}
/// Only `type` and ids are required. An ID is 32 hex digits or a name. What is no UTF-8 comes as
/// base64, under `content_base64`, `name_base64` (beside an id in hex), `attributes_base64` (keys
/// too) and `kind_base64`. Vectors are of one dimension. Fails (parse_error) with `file:line: what
/// is wrong`, for keys that it does not know as well.
result<dataset> read_jsonl(std::istream& in, const std::string& file);

} // namespace cmem::tools
