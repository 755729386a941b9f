#include "storage/cold_reader.hpp"

#include "storage/attribute_codec.hpp"

#include <algorithm>

namespace cmem {

namespace {

/// Highest confidence first, then by id, then kind: R5.
bool better(const association_record& a, const association_record& b) noexcept {
  if (a.confidence != b.confidence)
    return a.confidence > b.confidence;
  return a.target != b.target ? a.target < b.target : a.kind < b.kind;
}

} // namespace

result<cold_reader> cold_reader::open(const env& e, const std::string& directory) {
  auto opened = open_checkpoint(e, directory);
  if (!opened)
    return opened.error();
  return cold_reader(std::move(*opened));
}

result<const segment_concept*> cold_reader::find(const segment_reader& in,
                                                 const concept_id& id) const {
  counters_->asked.fetch_add(1, std::memory_order_relaxed);
  if (use_filters_) {
    const auto may = in.may_hold(id);
    if (!may)
      return may.error();
    if (!*may)
      return nullptr;
  }
  counters_->passed.fetch_add(1, std::memory_order_relaxed);
  auto found = in.search(id);
  if (found && *found != nullptr)
    counters_->found.fetch_add(1, std::memory_order_relaxed);
  return found;
}

result<concept_parts> cold_reader::locate(const concept_id& id, bool all) const {
  concept_parts p;
  for (auto in = from_.segments.rbegin(); in != from_.segments.rend(); ++in) {
    const auto found = find(*in, id);
    if (!found)
      return found.error();
    if (*found != nullptr && (!p.take({&*in, *found}) || !all))
      break;
  }
  if (all)
    if (auto done = p.check(); !done)
      return done.error();
  return p;
}

result<bool> cold_reader::learned(const concept_id& id) const {
  const auto p = locate(id, false);
  if (!p)
    return p.error();
  return p->head.record != nullptr && p->head.record->has(segment_concept::learned);
}

result<std::optional<concept_record>> cold_reader::get(const concept_id& id) const {
  const auto p = locate(id, true);
  if (!p)
    return p.error();
  const auto [in, c] = p->head;
  if (c == nullptr || !c->has(segment_concept::learned))
    return std::optional<concept_record>();
  const auto content = p->payload.in->content(*p->payload.record);
  if (!content)
    return content.error();
  const auto vector = p->payload.in->vector(*p->payload.record);
  if (!vector)
    return vector.error();
  const auto extras = in->extras(*c);
  if (!extras)
    return extras.error();
  concept_record r;
  r.id = id;
  r.name = extras->name;
  r.content = *content;
  std::vector<float> room;
  const std::span<const float> floats = vector->read(room);
  r.vector.assign(floats.begin(), floats.end());
  r.strength = strength_decay{from_.store.strength_half_life_us,
                              from_.store.timestamp}(c->strength, c->last_accessed);
  r.confidence = c->confidence;
  r.created = c->created;
  r.last_accessed = c->last_accessed;
  r.access_count = c->access_count;
  attribute_reader attributes(extras->attributes);
  for (attribute_update a; attributes.next(a);)
    r.attributes.emplace_back(a.key, a.value.value_or(std::string_view()));
  return std::optional(std::move(r));
}

result<std::string> cold_reader::name(const concept_id& id) const {
  const auto p = locate(id, false);
  if (!p)
    return p.error();
  if (p->head.record == nullptr)
    return std::string();
  const auto extras = p->head.in->extras(*p->head.record);
  if (!extras)
    return extras.error();
  return std::string(extras->name);
}

result<std::uint64_t> cold_reader::outgoing(const concept_id& id) const {
  const auto p = locate(id, true);
  if (!p)
    return p.error();
  const bool there = p->head.record != nullptr && p->head.record->has(segment_concept::learned);
  return there ? std::uint64_t{p->associations.record->associations} : 0;
}

result<std::vector<association_record>> cold_reader::neighbors(const concept_id& id,
                                                               const neighbor_filter& f) const {
  if (!(f.strength_min <= 0.0F))
    return failure{errc::unsupported, "strengths fade: only a graph knows them as of now"};
  const auto p = locate(id, true);
  if (!p)
    return p.error();
  if (p->head.record == nullptr || !p->head.record->has(segment_concept::learned))
    return failure{errc::not_found, "no concept " + id.hex() + " in the checkpoint of the store"};
  const auto list = p->associations.in->associations(*p->associations.record);
  if (!list)
    return list.error();
  std::vector<association_record> out;
  for (const segment_association& a : *list)
    if ((f.kinds.empty() || f.kinds.contains(a.kind)) && a.confidence >= f.confidence_min)
      out.push_back({a.source, a.target, a.kind, a.confidence, a.weight, a.created, a.last_used});
  std::sort(out.begin(), out.end(), better);
  // Only now, and only as many as are wanted: each costs a look-up.
  std::size_t kept = 0;
  for (std::size_t i = 0; i != out.size() && kept != f.limit; ++i) {
    const auto there = learned(out[i].target);
    if (!there)
      return there.error();
    if (*there)
      out[kept++] = out[i];
  }
  out.resize(kept);
  return out;
}

cold_reader::counts cold_reader::counted() const noexcept {
  return {counters_->asked.load(std::memory_order_relaxed),
          counters_->passed.load(std::memory_order_relaxed),
          counters_->found.load(std::memory_order_relaxed)};
}

} // namespace cmem
