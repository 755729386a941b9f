#pragma once
// Requests that change the memory: op:: of storage/records.hpp, owning what they carry, for the one
// who asked may be gone when they are read.

#include "messages/inspect.hpp"

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace cmem::msg {

/// A concept_ref that owns its name.
struct concept_key {
  concept_id id;
  std::string name; ///< empty: known by id alone

  concept_key() = default;
  concept_key(const concept_id& i) : id(i) {}
  concept_key(std::string n) : id(concept_id::from_name(n)), name(std::move(n)) {}
  concept_key(const char* n) : concept_key(std::string(n)) {}
  operator concept_ref() const noexcept { return {id, name}; }
};
CMEM_INSPECT(concept_key, id, name)

struct learn_concept {
  concept_key id;
  std::string content;
  std::vector<float> vector;
  float strength = 1.0F;
  float confidence = 1.0F;
};
CMEM_INSPECT(learn_concept, id, content, vector, strength, confidence)

struct learn_association {
  concept_key source;
  concept_key target;
  kind_id kind = kinds::semantic;
  float confidence = 1.0F;
  float weight = 1.0F;
};
CMEM_INSPECT(learn_association, source, target, kind, confidence, weight)

struct strengthen {
  concept_key id;
  float delta = 0.0F;
};
CMEM_INSPECT(strengthen, id, delta)

struct strengthen_association {
  concept_key source;
  concept_key target;
  kind_id kind = kinds::semantic;
  float delta = 0.0F;
};
CMEM_INSPECT(strengthen_association, source, target, kind, delta)

struct record_access {
  concept_key id;
};
CMEM_INSPECT(record_access, id)

struct record_use {
  concept_key source;
  concept_key target;
  kind_id kind = kinds::semantic;
};
CMEM_INSPECT(record_use, source, target, kind)

struct attribute {
  std::string key;
  std::string value;
  bool removed = false; ///< the key goes, `value` does not matter
};
CMEM_INSPECT(attribute, key, value, removed)

struct set_attributes {
  concept_key id;
  std::vector<attribute> attributes;
};
CMEM_INSPECT(set_attributes, id, attributes)

struct forget_concept {
  concept_key id;
};
CMEM_INSPECT(forget_concept, id)

struct forget_association {
  concept_key source;
  concept_key target;
  kind_id kind = kinds::semantic;
};
CMEM_INSPECT(forget_association, source, target, kind)

using any_write =
  std::variant<learn_concept, learn_association, strengthen, strengthen_association, record_access,
               record_use, set_attributes, forget_concept, forget_association>;

/// One of a batch.
struct batch_item {
  any_write write;
};
#if CMEM_CAF_0
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, batch_item& x) {
  return cafx::inspect_variant(f, x.write);
}
#else
CMEM_INSPECT(batch_item, write)
#endif

struct learn_batch {
  std::vector<batch_item> items;
};
CMEM_INSPECT(learn_batch, items)

struct register_kind {
  std::string name;
};
CMEM_INSPECT(register_kind, name)

} // namespace cmem::msg
