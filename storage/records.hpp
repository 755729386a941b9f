#pragma once
// What users hand in and what they may copy out: values, independent of any snapshot.

#include "storage/concept_id.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace cmem {

/// Microseconds since the Unix epoch, by the writer's clock (R7).
using timestamp_us = std::int64_t;

/// One attribute to set; no value removes the key.
struct attribute_update {
  std::string_view key;
  std::optional<std::string_view> value;
};

/// Arguments of a write. All views are borrowed for the call only: payloads are copied once, into
/// pooled blocks that then move through the log into the snapshot.
namespace op {

/// Replaces content, vector (empty removes it), strength, confidence of a known concept (W5).
struct learn_concept {
  concept_ref id;
  std::string_view content = {};
  std::span<const float> vector = {}; ///< empty, or the memory's dimension
  float strength = 1.0F;              ///< >= 0, finite
  float confidence = 1.0F;            ///< in [0,1]
};
/// Replaces confidence and weight of a known (source, target, kind) (W5).
struct learn_association {
  concept_ref source;
  concept_ref target;
  kind_id kind = kinds::semantic;
  float confidence = 1.0F; ///< in [0,1]
  float weight = 1.0F;     ///< >= 0, finite
};
/// Adds to a concept's strength; the sum is clamped to >= 0. Fails (not_found) on an unknown one.
struct strengthen {
  concept_ref id;
  float delta = 0.0F; ///< finite, may be negative
};
/// Adds to an association's weight; the sum is clamped to >= 0. Fails (not_found) on an unknown
/// one.
struct strengthen_association {
  concept_ref source;
  concept_ref target;
  kind_id kind = kinds::semantic;
  float delta = 0.0F;
};
/// Counts an access and sets the last-accessed time. Where strengths fade (retention.hpp), so do
/// learn_concept and strengthen, which count none. Fails (not_found) on an unknown concept.
struct record_access {
  concept_ref id;
};
/// Sets the last-used time of an association. Fails (not_found) on an unknown one.
struct record_use {
  concept_ref source;
  concept_ref target;
  kind_id kind = kinds::semantic;
};
/// Sets the given keys and leaves the others. Fails (not_found) on an unknown concept, and
/// (limit_exceeded) when the concept would have more than attributes_max.
struct set_attributes {
  concept_ref id;
  std::span<const attribute_update> attributes = {};
};
/// Removes a concept (or placeholder) and all its associations. Unknown ones: applied, no effect.
struct forget_concept {
  concept_ref id;
};
/// Removes one association. Unknown ones: applied, no effect.
struct forget_association {
  concept_ref source;
  concept_ref target;
  kind_id kind = kinds::semantic;
};

} // namespace op

/// Any write, e.g. an element of learn_batch.
using write_op = std::variant<op::learn_concept, op::learn_association, op::strengthen,
                              op::strengthen_association, op::record_access, op::record_use,
                              op::set_attributes, op::forget_concept, op::forget_association>;

/// A concept copied out of a snapshot.
struct concept_record {
  concept_id id;
  std::string name; ///< empty when it was only ever named by id
  std::string content;
  std::vector<float> vector;
  float strength = 0.0F;
  float confidence = 0.0F;
  timestamp_us created = 0;
  timestamp_us last_accessed = 0;
  std::uint32_t access_count = 0;                              ///< saturates
  std::vector<std::pair<std::string, std::string>> attributes; ///< sorted by key

  friend bool operator==(const concept_record&, const concept_record&) = default;
};

/// An association copied out of a snapshot.
struct association_record {
  concept_id source;
  concept_id target;
  kind_id kind = kinds::semantic;
  float confidence = 0.0F;
  float weight = 0.0F;
  timestamp_us created = 0;   ///< 0 when the memory keeps no association times
  timestamp_us last_used = 0; ///< 0 when the memory keeps no association times

  friend bool operator==(const association_record&, const association_record&) = default;
};

} // namespace cmem
