#include "tools/inspect_entry.hpp"

#include "tools/shown.hpp"

namespace cmem::tools {
namespace {

using nlohmann::ordered_json;

std::string show_ref(const concept_ref& r) {
  return r.name.empty() ? r.id.hex() : std::string(r.name);
}

template <class Op>
ordered_json edge(const char* what, const Op& o) {
  return {{"what", what},
          {"source", show_ref(o.source)},
          {"target", show_ref(o.target)},
          {"kind", o.kind}};
}

ordered_json fields_of(const op::learn_concept& o) {
  return {{"what", "  learn_concept"},           {"id", show_ref(o.id)},
          {"content_bytes", o.content.size()},   {"vector_numbers", o.vector.size()},
          {"strength", json_number(o.strength)}, {"confidence", json_number(o.confidence)}};
}
ordered_json fields_of(const op::learn_association& o) {
  ordered_json j = edge("  learn_association", o);
  j["confidence"] = json_number(o.confidence);
  j["weight"] = json_number(o.weight);
  return j;
}
ordered_json fields_of(const op::strengthen& o) {
  return {{"what", "  strengthen"}, {"id", show_ref(o.id)}, {"delta", json_number(o.delta)}};
}
ordered_json fields_of(const op::strengthen_association& o) {
  ordered_json j = edge("  strengthen_association", o);
  j["delta"] = json_number(o.delta);
  return j;
}
ordered_json fields_of(const op::record_access& o) {
  return {{"what", "  record_access"}, {"id", show_ref(o.id)}};
}
ordered_json fields_of(const op::record_use& o) { return edge("  record_use", o); }
ordered_json fields_of(const op::set_attributes& o) {
  return {
    {"what", "  set_attributes"}, {"id", show_ref(o.id)}, {"attributes", o.attributes.size()}};
}
ordered_json fields_of(const op::forget_concept& o) {
  return {{"what", "  forget_concept"}, {"id", show_ref(o.id)}};
}
ordered_json fields_of(const op::forget_association& o) { return edge("  forget_association", o); }

} // namespace

ordered_json describe(const wal_batch_decoder::entry& e) {
  ordered_json j = std::visit([](const auto& o) { return fields_of(o); }, e.op);
  j["time"] = show_time(e.time);
  return j;
}

} // namespace cmem::tools
