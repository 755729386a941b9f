// The operations of the log, applied to the version that graph_builder is building.

#include "storage/graph_builder.hpp"
#include "storage/seeded_bug.hpp"

#include <algorithm>
#include <cassert>
#include <limits>

namespace cmem {

namespace {

/// The sum, within [0, largest float].
float add_clamped(float value, float delta) {
  return std::clamp(value + delta, 0.0F, std::numeric_limits<float>::max());
}

} // namespace

// -- concepts

errc graph_builder::apply(const lookahead& l) {
  switch (l.entry->op) {
    case entry_op::learn_concept: return learn_concept(l);
    case entry_op::learn_association: return learn_association(l);
    case entry_op::strengthen:
    case entry_op::record_access: return change_concept(l);
    case entry_op::set_attributes: return set_attributes(l);
    case entry_op::strengthen_association:
    case entry_op::record_use: return change_association(l);
    case entry_op::forget_concept: return forget_concept(l);
    case entry_op::forget_if_due: return forget_if_due(l);
    case entry_op::forget_association: return forget_association(l);
  }
  assert(false);
  return errc::internal;
}

errc graph_builder::learn_concept(const lookahead& l) {
  write_entry& e = *l.entry;
  std::uint32_t i = find(e.a, l.hash_a, l.a);
  if (name_collides(i, e.name_a))
    return errc::id_collision;
  if (!learned(i)) {
    if (over_budget_)
      return errc::memory_budget;
    if (i == none && indices_left() == 0)
      return errc::limit_exceeded;
    i = i == none ? add_node(e.a, l.hash_a) : i;
    revive(i);
  }
  concept_node& n = own_node(i);
  if (n.state != node_learned) {
    n.state = node_learned;
    n.created = n.last_accessed = e.time;
    --placeholder_count_;
    ++concept_count_;
    edge_count_ += learned_associations_of(i);
  } else {
    retired_.retire_payload(n.payload_version, n.content);
    retired_.retire_payload(n.payload_version, n.vector);
    touch(n, e.time);
  }
  n.content = take(e.content);
  n.vector = take(e.vector);
  n.payload_version = version_ & concept_node::payload_version_max;
  n.strength = e.x;
  n.confidence = e.y;
  leave_trail(i);
  keep_name(i, e.name_a);
  return errc::ok;
}

errc graph_builder::change_concept(const lookahead& l) {
  const write_entry& e = *l.entry;
  const std::uint32_t i = find(e.a, l.hash_a, l.a);
  if (name_collides(i, e.name_a))
    return errc::id_collision;
  if (!learned(i))
    return errc::not_found;
  concept_node& n = own_node(i);
  touch(n, e.time);
  if (e.op == entry_op::strengthen) {
    n.strength = add_clamped(n.strength, e.x);
  } else {
    n.last_accessed = e.time;
    if (n.access_count != std::numeric_limits<std::uint32_t>::max())
      ++n.access_count;
  }
  keep_name(i, e.name_a);
  return errc::ok;
}

/// Where strengths fade: takes the strength to that time, for what comes next is of then.
void graph_builder::touch(concept_node& n, timestamp_us time) const noexcept {
  if (options_.strength_half_life == 0)
    return;
  n.strength = strength_decay{options_.strength_half_life, time}(n.strength, n.last_accessed);
  n.last_accessed =
    time; // also back, as record_access has it: clocks that were wrong are put right
}

errc graph_builder::set_attributes(const lookahead& l) {
  const std::uint32_t i = find(l.entry->a, l.hash_a, l.a);
  if (name_collides(i, l.entry->name_a))
    return errc::id_collision;
  if (!learned(i))
    return errc::not_found;
  const auto updates = payloads_.bytes(l.entry->attributes);
  if (merge_attributes(attributes_of(node(i)), updates, {}).count > attributes_max)
    return errc::limit_exceeded;
  keep_name(i, l.entry->name_a);
  set_extras(i, name_of(node(i)), attributes_of(node(i)), updates);
  return errc::ok;
}

errc graph_builder::forget_concept(const lookahead& l) {
  const std::uint32_t i = find(l.entry->a, l.hash_a, l.a);
  if (name_collides(i, l.entry->name_a))
    return errc::id_collision;
  if (i != none && node(i).state != node_vacant)
    forget(i);
  return errc::ok;
}

errc graph_builder::forget_if_due(const lookahead& l) {
  const std::uint32_t i = find(l.entry->a, l.hash_a, l.a);
  if (name_collides(i, l.entry->name_a))
    return errc::id_collision;
  if (!learned(i))
    return errc::not_found;
  const concept_node& n = node(i);
  const timestamp_us now = l.entry->time;
  const float strength =
    strength_decay{options_.strength_half_life, now}(n.strength, n.last_accessed);
  const retention_marks marks = marks_of(attribute_reader(attributes_of(n)));
  if (!reason_to_forget({strength, n.last_accessed, marks}, rules_in(*l.entry), now)
      && !seeded("due_not_judged_again"))
    return errc::not_found;
  forget(i);
  return errc::ok;
}

void graph_builder::forget(std::uint32_t i) {
  if (learned(i))
    edge_count_ -= learned_associations_of(i);
  remove_associations_of(i);
  vacate(i);
}

// -- associations

graph_builder::association_positions graph_builder::find_association(std::uint32_t source,
                                                                     std::uint32_t target,
                                                                     kind_id kind) {
  association_positions at;
  if (source == none || target == none)
    return at;
  if (out_.degree(source) <= in_.degree(target)) { // the shorter side tells whether it is there
    at.out = out_.find(source, target, kind);
    if (at.out != none)
      at.in = in_.find(target, source, kind);
  } else {
    at.in = in_.find(target, source, kind);
    if (at.in != none)
      at.out = out_.find(source, target, kind);
  }
  return at;
}

bool graph_builder::has_association(std::uint32_t source, std::uint32_t target,
                                    kind_id kind) const noexcept {
  if (source == none || target == none)
    return false;
  return out_.degree(source) <= in_.degree(target) ? out_.scan(source, target, kind) != none
                                                   : in_.scan(target, source, kind) != none;
}

errc graph_builder::learn_association(const lookahead& l) {
  write_entry& e = *l.entry;
  std::uint32_t source = find(e.a, l.hash_a, l.a);
  std::uint32_t target = find(e.b, l.hash_b, l.b);
  if (name_collides(source, e.name_a) || name_collides(target, e.name_b) || names_differ(e))
    return errc::id_collision;
  association_values v{e.kind, e.x, e.y, {e.time, e.time}};
  if (const auto at = find_association(source, target, e.kind); at.out != none) {
    const association_values old = out_.at(source, at.out);
    v.times = old.times;
    if (v != old) {
      out_.replace(source, at.out, v, version_);
      in_.replace(target, at.in, v, version_);
    }
  } else {
    if (over_budget_)
      return errc::memory_budget;
    if (indices_left() < (source == none ? 1U : 0U) + (target == none && e.a != e.b ? 1U : 0U))
      return errc::limit_exceeded;
    if ((source != none && out_.degree(source) >= options_.degree_max)
        || (target != none && in_.degree(target) >= options_.degree_max))
      return errc::limit_exceeded;
    if (source == none)
      source = add_node(e.a, l.hash_a);
    if (target == none)
      target = e.a == e.b ? source : add_node(e.b, l.hash_b);
    revive(source);
    revive(target);
    out_.append(source, target, v, version_);
    in_.append(target, source, v, version_);
    if (learned(source) && learned(target))
      ++edge_count_;
  }
  keep_names(e, source, target);
  return errc::ok;
}

void graph_builder::keep_names(const write_entry& e, std::uint32_t source, std::uint32_t target) {
  keep_name(source, e.name_a);
  keep_name(target, e.name_b);
}

bool graph_builder::names_differ(const write_entry& e) const noexcept {
  return e.a == e.b && e.name_a != 0 && e.name_b != 0
         && !std::ranges::equal(payloads_.bytes(e.name_a), payloads_.bytes(e.name_b));
}

errc graph_builder::change_association(const lookahead& l) {
  const write_entry& e = *l.entry;
  const std::uint32_t source = find(e.a, l.hash_a, l.a);
  const std::uint32_t target = find(e.b, l.hash_b, l.b);
  if (name_collides(source, e.name_a) || name_collides(target, e.name_b) || names_differ(e))
    return errc::id_collision;
  const auto at = find_association(source, target, e.kind);
  if (at.out == none)
    return errc::not_found;
  association_values v = out_.at(source, at.out);
  if (e.op == entry_op::record_use) {
    v.times.last_used = e.time;
    if (options_.association_times)
      out_.replace(source, at.out, v, version_);
  } else {
    v.weight = add_clamped(v.weight, e.x);
    out_.replace(source, at.out, v, version_);
    in_.replace(target, at.in, v, version_);
  }
  keep_names(e, source, target);
  return errc::ok;
}

errc graph_builder::forget_association(const lookahead& l) {
  const write_entry& e = *l.entry;
  const std::uint32_t source = find(e.a, l.hash_a, l.a);
  const std::uint32_t target = find(e.b, l.hash_b, l.b);
  if (name_collides(source, e.name_a) || name_collides(target, e.name_b) || names_differ(e))
    return errc::id_collision;
  if (const auto at = find_association(source, target, e.kind); at.out != none) {
    if (learned(source) && learned(target))
      --edge_count_;
    out_.remove(source, at.out, version_);
    in_.remove(target, at.in, version_);
    vacate_if_unused(source);
    if (target != source)
      vacate_if_unused(target);
  }
  return errc::ok;
}

void graph_builder::remove_associations_of(std::uint32_t i) {
  // The lists of i itself go as a whole; those of the others lose one each.
  std::vector<std::uint32_t> touched;
  const auto drop = [&](const adjacency_list& list, adjacency_builder& others) {
    list.for_each_chunk([&](const adjacency_chunk& chunk) {
      for (std::size_t k = 0; k < chunk.targets.size(); ++k)
        if (const std::uint32_t other = chunk.targets[k]; other != i) {
          others.remove(other, others.find(other, i, chunk.kind[k]), version_);
          touched.push_back(other);
        }
    });
  };
  drop(out_.list(i), in_);
  drop(in_.list(i), out_);
  out_.remove_all(i, version_);
  in_.remove_all(i, version_);
  for (const std::uint32_t other : touched)
    vacate_if_unused(other);
}

std::uint64_t graph_builder::learned_associations_of(std::uint32_t i) const noexcept {
  std::uint64_t n = 0;
  out_.list(i).for_each_target([&](std::uint32_t t) { n += learned(t) ? 1U : 0U; });
  in_.list(i).for_each_target([&](std::uint32_t s) { n += s != i && learned(s) ? 1U : 0U; });
  return n;
}

} // namespace cmem
