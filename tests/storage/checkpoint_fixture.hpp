#pragma once
// A store of segments and a manifest, fed by a random graph as a flusher would: what changed since
// the last checkpoint goes into the next segment.

#include "storage/cold_reader.hpp"
#include "tests/storage/segment_fixture.hpp"

#include <set>

namespace cmem::test {

/// What one checkpoint has of an id.
struct known_concept {
  std::string payload; // what a segment may leave to an older one, each
  std::string list;
  std::string whole;
  bool learned = false;
  std::uint32_t index = 0;

  friend bool operator==(const known_concept&, const known_concept&) = default;
};
using known_graph = std::map<concept_id, known_concept>;

inline known_graph know(const graph_snapshot& s) {
  known_graph all;
  for (const segment_change& c : all_of(s)) {
    const concept_record r = s.at(c.index).copy();
    known_concept& k = all[c.id];
    k.whole = describe(s, c.index);
    k.list = k.whole.substr(std::min(k.whole.size(), k.whole.find(" ->")));
    k.payload = r.content + "/" + std::to_string(r.vector.size()) + "/"
                + (r.vector.empty() ? "" : std::to_string(r.vector[0]));
    k.learned = s.is_learned(c.index);
    k.index = c.index;
  }
  return all;
}

/// What a segment must say so that the older ones and it make `now`.
inline std::vector<segment_change> changes_between(const known_graph& before,
                                                   const known_graph& now) {
  std::vector<segment_change> changes;
  for (const auto& [id, k] : now) {
    const auto old = before.find(id);
    if (old == before.end() || old->second.learned != k.learned)
      changes.push_back({id, k.index});
    else if (old->second.whole != k.whole)
      changes.push_back(
        {id, k.index, old->second.payload != k.payload, old->second.list != k.list});
  }
  for (const auto& [id, k] : before)
    if (!now.contains(id))
      changes.push_back({id});
  std::sort(changes.begin(), changes.end(),
            [](const segment_change& a, const segment_change& b) { return a.id < b.id; });
  return changes;
}

inline manifest new_store(const random_graph& g) {
  manifest m;
  m.store = 0xC0FFEE;
  m.vector_dimension = g.newest().vector_dimension();
  m.association_times = g.newest().keeps_association_times();
  m.kinds = kind_names;
  return m;
}

/// Writes what changed since `before` as a segment, and names it. `replace`: writes everything, and
/// names that segment alone.
inline result<void> checkpoint(const env& e, const std::string& directory, manifest_file& m,
                               const graph_snapshot& s, const known_graph& before, bool replace) {
  manifest next = m.current();
  segment_identity i = identity(next.next_segment++);
  i.first_sequence = next.checkpoint + 1;
  const auto ref =
    write_segment(e, directory, i, s, replace ? all_of(s) : changes_between(before, know(s)));
  if (!ref)
    return ref.error();
  if (replace)
    next.segments.clear();
  next.segments.push_back(*ref);
  next.checkpoint = s.sequence();
  next.durable = std::max(next.durable, s.sequence());
  next.timestamp = s.timestamp();
  if (auto done = m.update(next); !done)
    return done;
  const auto removed = remove_unnamed(e, directory, next);
  return removed ? result<void>() : removed.error();
}

/// What the merge says of a concept, from the three records that may say it.
inline std::string describe(const concept_parts& p) {
  const segment_concept& c = *p.head.record;
  concept_record r;
  r.id = c.id;
  const auto extras = need(p.head.in->extras(c));
  r.name = extras.name;
  attribute_reader attributes(extras.attributes);
  for (attribute_update a; attributes.next(a);)
    r.attributes.emplace_back(a.key, *a.value);
  r.strength = c.strength;
  r.confidence = c.confidence;
  r.created = c.created;
  r.last_accessed = c.last_accessed;
  r.access_count = c.access_count;
  r.content = need(p.payload.in->content(*p.payload.record));
  const auto vector = need(p.payload.in->vector(*p.payload.record));
  std::vector<float> room;
  const std::span<const float> floats = vector.read(room);
  r.vector.assign(floats.begin(), floats.end());
  return describe(
    r, describe_associations(need(p.associations.in->associations(*p.associations.record))),
    c.has(segment_concept::learned));
}

/// The store holds `expected`, for each of the ids, and nothing else of them.
inline void check_store(const env& e, const std::string& directory, const known_graph& expected,
                        const std::vector<concept_id>& ids) {
  const auto opened = cold_reader::open(e, directory);
  const cold_reader& r = need(opened);
  for (const concept_id& id : ids) {
    const auto k = expected.find(id);
    const auto got = need(r.get(id));
    const bool learned = k != expected.end() && k->second.learned;
    REQUIRE(got.has_value() == learned);
    REQUIRE(need(r.learned(id)) == learned);
    const auto list = r.neighbors(id);
    if (!learned) {
      REQUIRE(list.error().code == errc::not_found);
      continue;
    }
    const std::string& whole = k->second.whole;
    REQUIRE(describe(*got, {}, true) == whole.substr(0, whole.find(" ->")));
    for (const association_record& a : need(list)) {
      REQUIRE(a.source == id);
      REQUIRE(whole.find(" ->" + describe(a)) != std::string::npos);
      REQUIRE(expected.at(a.target).learned);
    }
  }
}

} // namespace cmem::test
