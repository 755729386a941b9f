#pragma once
// Write requests as the operations of storage/, which borrow.

#include "messages/writes.hpp"
#include "storage/records.hpp"

#include <deque>
#include <vector>

namespace cmem {

/// Turns messages into operations that borrow from them, and from this.
/// Threads: one. Lives as long as the operations are used.
class borrower {
public:
  write_op operator()(const msg::learn_concept& m) {
    return op::learn_concept{m.id, m.content, m.vector, m.strength, m.confidence};
  }
  write_op operator()(const msg::learn_association& m) {
    return op::learn_association{m.source, m.target, m.kind, m.confidence, m.weight};
  }
  write_op operator()(const msg::strengthen& m) { return op::strengthen{m.id, m.delta}; }
  write_op operator()(const msg::strengthen_association& m) {
    return op::strengthen_association{m.source, m.target, m.kind, m.delta};
  }
  write_op operator()(const msg::record_access& m) { return op::record_access{m.id}; }
  write_op operator()(const msg::record_use& m) {
    return op::record_use{m.source, m.target, m.kind};
  }
  write_op operator()(const msg::set_attributes& m) {
    auto& updates = updates_.emplace_back();
    updates.reserve(m.attributes.size());
    for (const auto& a : m.attributes)
      updates.push_back(
        {a.key, a.removed ? std::nullopt : std::optional<std::string_view>(a.value)});
    return op::set_attributes{m.id, updates};
  }
  write_op operator()(const msg::forget_concept& m) { return op::forget_concept{m.id}; }
  write_op operator()(const msg::forget_association& m) {
    return op::forget_association{m.source, m.target, m.kind};
  }

private:
  std::deque<std::vector<attribute_update>> updates_; // a deque: earlier ones stay where they are
};

} // namespace cmem
