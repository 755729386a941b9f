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
  if (c.record != nullptr && !(c.record->id < (*record)->id))
    return failure{errc::corrupt,
                   c.in->path() + " is corrupt at offset "
                     + std::to_string(c.in->header().at(segment_section::concepts).offset
                                      + (c.next - 1) * sizeof(segment_concept))
                     + ": the ids do not ascend"};
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

result<bool> segment_merge::next_of_run(run_parts& out) {
  if (auto done = start(); !done)
    return done.error();
  if (heap_.empty())
    return false;
  out = {};
  out.id = heap_.front().record->id;
  for (bool more = true; !heap_.empty() && heap_.front().record->id == out.id; ++out.records) {
    std::pop_heap(heap_.begin(), heap_.end(), behind);
    const cursor c = heap_.back();
    heap_.pop_back();
    out.ended = out.ended || (more && c.record->has(segment_concept::forgotten));
    more = more && out.take({c.in, c.record});
    if (auto done = advance(c); !done)
      return done.error();
  }
  return true;
}

result<bool> segment_merge::next(concept_parts& out) {
  for (run_parts p;;) {
    const auto more = next_of_run(p);
    if (!more || !*more)
      return more;
    if (auto done = p.check(); !done)
      return done.error();
    if (p.head.record == nullptr)
      continue;
    out = p;
    return true;
  }
}

} // namespace cmem
