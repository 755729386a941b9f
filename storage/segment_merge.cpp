#include "storage/segment_merge.hpp"

#include <algorithm>

namespace cmem {

segment_merge::segment_merge(std::span<const segment_reader> segments) {
  heap_.reserve(segments.size());
  for (std::size_t i = segments.size(); i-- != 0;)
    unread_.push_back({&segments[i], unread_.size()});
}

result<void> segment_merge::advance(cursor c) {
  if (c.next == c.in->concept_count())
    return {};
  const auto record = c.in->at(c.next++);
  if (!record)
    return record.error();
  c.record = *record;
  heap_.push_back(c);
  std::push_heap(heap_.begin(), heap_.end(), behind);
  return {};
}

result<void> segment_merge::start() {
  for (; !unread_.empty(); unread_.pop_back())
    if (auto done = advance(unread_.back()); !done)
      return done;
  return {};
}

result<bool> segment_merge::next(concept_parts& out) {
  if (auto done = start(); !done)
    return done.error();
  while (!heap_.empty()) {
    const concept_id id = heap_.front().record->id;
    out = {};
    for (bool more = true; !heap_.empty() && heap_.front().record->id == id;) {
      std::pop_heap(heap_.begin(), heap_.end(), behind);
      const cursor c = heap_.back();
      heap_.pop_back();
      more = more && out.take({c.in, c.record});
      if (auto done = advance(c); !done)
        return done.error();
    }
    if (auto done = out.check(); !done)
      return done.error();
    if (out.head.record != nullptr)
      return true;
  }
  return false;
}

} // namespace cmem
