#include "storage/graph_loader.hpp"

#include "storage/prefetch.hpp"

#include <algorithm>
#include <array>

namespace cmem {

namespace {

/// Look-ups under way at once: each waits for memory twice.
constexpr std::size_t look_ups = 16;
constexpr std::uint64_t report_every = 1U << 18;
constexpr std::uint64_t keep_every = 1U << 12;

association_values values_of(const segment_association& a) noexcept {
  return {a.kind, a.confidence, a.weight, a.created, a.last_used};
}

} // namespace

result<mapped_payloads> map_payloads(const segment_reader& in, span_ranges& ranges) {
  const segment_extent all = in.payloads();
  if (all.bytes == 0)
    return mapped_payloads{};
  const std::size_t spans = static_cast<std::size_t>((all.bytes + span_bytes - 1) / span_bytes);
  const handle first = ranges.take(spans);
  if (first == 0)
    return failure{errc::out_of_memory, "no address space is left for the "
                                          + std::to_string(all.bytes) + " bytes of " + in.path()
                                          + ": raise arena_bytes"};
  auto mapped = in.map_payloads(ranges.memory().at(first));
  if (!mapped) {
    ranges.give_back(first, spans);
    return mapped.error();
  }
  return mapped_payloads{first, all.offset, std::move(*mapped)};
}

result<void> graph_loader::load(const std::function<void(std::uint64_t)>& progress) {
  progress_ = progress;
  if (auto done = add_concepts(); !done)
    return done;
  if (auto done = resolve_targets(); !done)
    return done;
  add_associations();
  to_.prepare();
  return {};
}

void graph_loader::report(std::uint64_t done) {
  if (done % keep_every == 0) { // nothing of this is ever taken back
    to_.pages_.keep();
    to_.added_ids_.clear();
  }
  if (progress_ && done % report_every == 0)
    progress_(done);
}

result<void> graph_loader::add_concepts() {
  segment_merge merge(segments_);
  for (concept_parts p;;) {
    const auto more = merge.next(p);
    if (!more)
      return more.error();
    if (!*more)
      return {};
    if (to_.indices_left() == 0)
      return failure{errc::limit_exceeded, "the store holds more concepts than this memory takes"};
    add(p);
    std::span<const segment_association> list;
    if (p.associations.record != nullptr && p.associations.record->associations != 0) {
      const auto read = p.associations.in->associations(*p.associations.record);
      if (!read)
        return read.error();
      list = *read;
    }
    lists_.push_back(list);
    report(lists_.size());
  }
}

void graph_loader::add(const concept_parts& p) {
  const segment_concept& c = *p.head.record;
  const std::uint32_t i = to_.add_node(c.id, hash_value(c.id));
  concept_node& n = to_.own_node(i);
  n.extras = payloads_of(*p.head.in).at(c.extras_at);
  if (!c.has(segment_concept::learned))
    return;
  n.state = node_learned;
  n.created = c.created;
  n.last_accessed = c.last_accessed;
  n.strength = c.strength;
  n.confidence = c.confidence;
  n.access_count = c.access_count;
  n.payload_version = to_.version_ & 0xFFFF'FFFF'FFFFU;
  n.content = payloads_of(*p.payload.in).at(p.payload.record->content_at);
  n.vector = payloads_of(*p.payload.in).at(p.payload.record->vector_at);
  --to_.placeholder_count_;
  ++to_.concept_count_;
}

result<void> graph_loader::resolve_targets() {
  std::size_t total = 0;
  for (const auto& list : lists_)
    total += list.size();
  targets_.reserve(total);
  incoming_.assign(lists_.size(), 0);
  std::array<std::uint64_t, look_ups> hashes{};
  for (std::size_t source = 0; source != lists_.size(); ++source) {
    for (auto rest = lists_[source]; !rest.empty();) {
      const auto some = rest.first(std::min(rest.size(), look_ups));
      for (std::size_t k = 0; k != some.size(); ++k) {
        hashes[k] = hash_value(some[k].target);
        to_.ids_.prefetch(hashes[k]);
      }
      for (std::size_t k = 0; k != some.size(); ++k) {
        std::uint32_t t = to_.find(some[k].target, hashes[k], graph_builder::none);
        if (t == graph_builder::none) { // nobody has learned it
          if (to_.indices_left() == 0)
            return failure{errc::limit_exceeded,
                           "the store holds more concepts than this memory takes"};
          t = to_.add_node(some[k].target, hashes[k]);
        }
        if (t >= incoming_.size())
          incoming_.resize(t + 1);
        ++incoming_[t];
        targets_.push_back(t);
      }
      rest = rest.subspan(some.size());
    }
  }
  return {};
}

void graph_loader::add_associations() {
  for (std::uint32_t i = 0; i != incoming_.size(); ++i)
    to_.in_.reserve(i, incoming_[i], to_.version_);
  std::size_t next = 0;
  for (std::uint32_t source = 0; source != lists_.size(); ++source) {
    const auto list = lists_[source];
    const bool learned = to_.learned(source);
    to_.out_.reserve(source, static_cast<std::uint32_t>(list.size()), to_.version_);
    for (const segment_association& a : list) {
      const std::uint32_t target = targets_[next++];
      const association_values v = values_of(a);
      to_.out_.append(source, target, v, to_.version_);
      to_.in_.append(target, source, v, to_.version_);
      to_.edge_count_ += learned && to_.learned(target) ? 1U : 0U;
      report(lists_.size() + next);
    }
  }
}

} // namespace cmem
