#include "storage/segment_snapshot.hpp"

#include "storage/payload_pool.hpp"
#include "storage/prefetch.hpp"

#include <algorithm>
#include <cassert>

namespace cmem {

namespace {

const_bytes as_bytes_of(std::string_view text) noexcept { return std::as_bytes(std::span(text)); }

/// A placeholder that is nothing but the end of others' associations needs no record.
bool worth_a_record(const graph_snapshot& s, std::uint32_t i) noexcept {
  const concept_node& n = s.node(i);
  return n.state == node_learned
         || (n.state == node_placeholder && (n.extras != 0 || s.out(i).size() != 0));
}

/// Borrows `room` too.
segment_entry entry_of(const graph_snapshot& s, const segment_change& c, std::vector<float>& room) {
  segment_entry e;
  e.id = c.id;
  if (c.index >= s.index_count() || s.node(c.index).id != c.id || !worth_a_record(s, c.index)) {
    e.flags = segment_concept::forgotten;
    return e;
  }
  const concept_view v = s.at(c.index);
  e.created = v.created();
  e.last_accessed = v.last_accessed();
  e.strength = v.stored_strength();
  e.confidence = v.confidence();
  e.access_count = v.access_count();
  e.name = v.name();
  e.attributes = v.encoded_attributes();
  if (s.is_learned(c.index)) {
    e.flags = segment_concept::learned;
    if (c.payload) {
      e.content = as_bytes_of(v.content());
      e.vector = v.vector().read(room);
    } else {
      e.flags |= segment_concept::older_payload;
    }
  }
  if (!c.associations)
    e.flags |= segment_concept::older_associations;
  return e;
}

std::uint32_t associations_of(const graph_snapshot& s, const segment_change& c,
                              const segment_entry& e) noexcept {
  constexpr std::uint32_t none = segment_concept::forgotten | segment_concept::older_associations;
  return (e.flags & none) != 0 ? 0 : s.out(c.index).size();
}

result<void> add_associations(segment_writer& w, const graph_snapshot& s, const segment_change& c) {
  result<void> added;
  (void) s.out(c.index).any_chunk([&](const adjacency_chunk& chunk) {
    for (std::size_t j = 0; j != chunk.targets.size(); ++j) {
      const association_record a{c.id,
                                 s.node(chunk.targets[j]).id,
                                 chunk.kind[j],
                                 chunk.confidence[j],
                                 chunk.weight[j],
                                 chunk.times_of(j).created,
                                 chunk.times_of(j).last_used};
      if (added = w.add(a); !added)
        return true;
    }
    return false;
  });
  return added;
}

} // namespace

std::vector<segment_change> all_of(const graph_snapshot& s) {
  std::vector<segment_change> all;
  for (std::uint32_t i = 0; i != s.index_count(); ++i)
    if (worth_a_record(s, i))
      all.push_back({s.node(i).id, i});
  std::sort(all.begin(), all.end(),
            [](const segment_change& a, const segment_change& b) { return a.id < b.id; });
  return all;
}

result<segment_ref> write_segment(const env& e, const std::string& directory,
                                  segment_identity identity, const graph_snapshot& s,
                                  std::span<const segment_change> changes) {
  identity.last_sequence = s.sequence();
  identity.timestamp = s.timestamp();
  identity.vector_dimension = s.vector_dimension();
  identity.association_times = s.keeps_association_times();
  const auto fetch_ahead = [&](std::size_t i) { // records and payloads lie all over memory
    if (i + 32 < changes.size() && changes[i + 32].index < s.index_count())
      prefetch_line(&s.node(changes[i + 32].index));
    if (i + 16 < changes.size() && changes[i + 16].index < s.index_count())
      s.prefetch_payloads(changes[i + 16].index);
  };
  std::vector<float> room;
  segment_plan plan;
  for (std::size_t i = 0; i != changes.size(); ++i) {
    fetch_ahead(i);
    const segment_change& c = changes[i];
    const segment_entry entry = entry_of(s, c, room);
    plan.add(entry, associations_of(s, c, entry));
  }
  auto w = segment_writer::create(e, directory, std::move(identity), plan);
  if (!w)
    return w.error();
  for (std::size_t i = 0; i != changes.size(); ++i) {
    fetch_ahead(i);
    const segment_change& c = changes[i];
    const segment_entry entry = entry_of(s, c, room);
    if (auto done = w->add(entry); !done)
      return done.error();
    if (associations_of(s, c, entry) != 0)
      if (auto done = add_associations(*w, s, c); !done)
        return done.error();
  }
  return w->finish();
}

} // namespace cmem
