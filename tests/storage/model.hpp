#pragma once
// The memory as anyone would write it without caring for speed: what the real one is compared with.

#include "storage/engine.hpp"
#include "storage/limits.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace cmem::test {

/// A sequential fold of operations (R2) into maps.
class model {
public:
  /// Half of a strength is left after so long; 0: all.
  explicit model(timestamp_us half_life) : half_life_(half_life) {}
  model() = default;

  /// Applies one operation written at `now`; ok, or why it fails.
  errc apply(const write_op& o, timestamp_us now) {
    return std::visit([&](const auto& x) { return step(x, now); }, o);
  }
  /// All or nothing (W8).
  errc apply_batch(const std::vector<write_op>& ops, timestamp_us now) {
    model next = *this;
    for (const write_op& o : ops)
      if (const errc bad = next.apply(o, now); bad != errc::ok)
        return bad;
    *this = std::move(next);
    return errc::ok;
  }

  errc apply(const op::forget_if_due& o, timestamp_us now) {
    const auto it = concepts_.find(o.id.id);
    if (it == concepts_.end())
      return errc::not_found;
    const concept_record& c = it->second.record;
    const std::map<std::string, std::string> attributes(c.attributes.begin(), c.attributes.end());
    const auto expires = attributes.find(std::string(expires_at_key));
    const bool due =
      (o.rules.expired && expires != attributes.end() && *parse_time(expires->second) <= now)
      || left_of(c, now) < o.rules.strength_min
      || (o.rules.unused_max != 0 && now - c.last_accessed > o.rules.unused_max);
    if (!due || attributes.contains(std::string(pinned_key)))
      return errc::not_found;
    return step(op::forget_concept{o.id.id}, now);
  }

  /// Everything a snapshot of that time shows, as text.
  [[nodiscard]] std::string text(timestamp_us as_of = 0) const {
    std::string out;
    std::uint64_t edges = 0;
    for (const auto& [id, c] : concepts_) {
      concept_record shown = c.record;
      shown.strength = left_of(shown, as_of);
      out += describe(shown);
    }
    for (const auto& [key, a] : associations_) {
      if (!learned(a.source) || !learned(a.target))
        continue;
      ++edges;
      out += describe(a);
    }
    return out + "concepts " + std::to_string(concepts_.size()) + " edges " + std::to_string(edges)
           + "\n";
  }

  static std::string describe(const concept_record& c) {
    std::string s = c.id.hex() + " name=" + c.name + " content=" + c.content + " vector=";
    for (const float f : c.vector)
      s += std::to_string(f) + ",";
    s += " strength=" + std::to_string(c.strength) + " confidence=" + std::to_string(c.confidence)
         + " created=" + std::to_string(c.created) + " accessed=" + std::to_string(c.last_accessed)
         + "/" + std::to_string(c.access_count);
    for (const auto& [k, v] : c.attributes)
      s += " " + k + ":" + v;
    return s + "\n";
  }
  static std::string describe(const association_record& a) {
    return a.source.hex() + " -" + std::to_string(a.kind) + "-> " + a.target.hex() + " confidence="
           + std::to_string(a.confidence) + " weight=" + std::to_string(a.weight) + " created="
           + std::to_string(a.created) + " used=" + std::to_string(a.last_used) + "\n";
  }

private:
  struct concept_state {
    concept_record record;
  };
  using key = std::tuple<concept_id, concept_id, kind_id>;

  float left_of(const concept_record& c, timestamp_us as_of) const {
    if (half_life_ == 0 || as_of <= c.last_accessed)
      return c.strength;
    const auto lives =
      static_cast<double>(as_of - c.last_accessed) / static_cast<double>(half_life_);
    return static_cast<float>(c.strength * std::exp2(-lives));
  }
  void touch(concept_record& c, timestamp_us now) const {
    c.strength = left_of(c, now);
    if (half_life_ != 0)
      c.last_accessed = now;
  }
  bool learned(const concept_id& id) const { return concepts_.contains(id); }
  bool needed(const concept_id& id) const {
    return std::ranges::any_of(
      associations_, [&](const auto& a) { return a.second.source == id || a.second.target == id; });
  }
  bool collides(const concept_ref& r) const {
    const auto it = names_.find(r.id);
    return !r.name.empty() && it != names_.end() && it->second != r.name;
  }
  void keep_name(const concept_ref& r) {
    if (!r.name.empty())
      names_.try_emplace(r.id, r.name);
    if (const auto c = concepts_.find(r.id); c != concepts_.end())
      if (const auto n = names_.find(r.id); n != names_.end())
        c->second.record.name = n->second;
  }
  void drop_if_unused(const concept_id& id) {
    if (!learned(id) && !needed(id))
      names_.erase(id);
  }

  errc step(const op::learn_concept& o, timestamp_us now) {
    if (collides(o.id))
      return errc::id_collision;
    auto [it, fresh] = concepts_.try_emplace(o.id.id);
    concept_record& c = it->second.record;
    if (fresh) {
      c.id = o.id.id;
      c.created = c.last_accessed = now;
    }
    touch(c, now);
    c.content = o.content;
    c.vector.assign(o.vector.begin(), o.vector.end());
    c.strength = o.strength;
    c.confidence = o.confidence;
    keep_name(o.id);
    return errc::ok;
  }
  template <class F>
  errc on_concept(const concept_ref& r, F&& change) {
    if (collides(r))
      return errc::id_collision;
    const auto it = concepts_.find(r.id);
    if (it == concepts_.end())
      return errc::not_found;
    const errc e = change(it->second.record);
    if (e == errc::ok)
      keep_name(r);
    return e;
  }
  errc step(const op::strengthen& o, timestamp_us now) {
    return on_concept(o.id, [&](concept_record& c) {
      touch(c, now);
      c.strength = std::max(0.0F, c.strength + o.delta);
      return errc::ok;
    });
  }
  errc step(const op::record_access& o, timestamp_us now) {
    return on_concept(o.id, [&](concept_record& c) {
      touch(c, now);
      c.last_accessed = now;
      ++c.access_count;
      return errc::ok;
    });
  }
  errc step(const op::set_attributes& o, timestamp_us) {
    return on_concept(o.id, [&](concept_record& c) {
      std::map<std::string, std::string> all(c.attributes.begin(), c.attributes.end());
      for (const attribute_update& u : o.attributes)
        if (u.value)
          all[std::string(u.key)] = *u.value;
        else
          all.erase(std::string(u.key));
      if (all.size() > attributes_max)
        return errc::limit_exceeded;
      c.attributes.assign(all.begin(), all.end());
      return errc::ok;
    });
  }
  errc step(const op::forget_concept& o, timestamp_us) {
    if (collides(o.id))
      return errc::id_collision;
    std::vector<concept_id> others;
    std::erase_if(associations_, [&](const auto& a) {
      if (a.second.source != o.id.id && a.second.target != o.id.id)
        return false;
      others.push_back(a.second.source == o.id.id ? a.second.target : a.second.source);
      return true;
    });
    concepts_.erase(o.id.id);
    names_.erase(o.id.id);
    for (const concept_id& other : others)
      drop_if_unused(other);
    return errc::ok;
  }
  bool collides(const concept_ref& a, const concept_ref& b) const {
    return collides(a) || collides(b)
           || (a.id == b.id && !a.name.empty() && !b.name.empty() && a.name != b.name);
  }
  errc step(const op::learn_association& o, timestamp_us now) {
    if (collides(o.source, o.target))
      return errc::id_collision;
    auto [it, fresh] = associations_.try_emplace(key{o.source.id, o.target.id, o.kind});
    association_record& a = it->second;
    if (fresh)
      a = {o.source.id, o.target.id, o.kind, 0, 0, now, now};
    a.confidence = o.confidence;
    a.weight = o.weight;
    keep_name(o.source);
    keep_name(o.target);
    return errc::ok;
  }
  template <class Op, class F>
  errc on_association(const Op& o, F&& change) {
    if (collides(o.source, o.target))
      return errc::id_collision;
    const auto it = associations_.find(key{o.source.id, o.target.id, o.kind});
    if (it == associations_.end())
      return errc::not_found;
    change(it->second);
    keep_name(o.source);
    keep_name(o.target);
    return errc::ok;
  }
  errc step(const op::strengthen_association& o, timestamp_us) {
    return on_association(
      o, [&](association_record& a) { a.weight = std::max(0.0F, a.weight + o.delta); });
  }
  errc step(const op::record_use& o, timestamp_us now) {
    return on_association(o, [&](association_record& a) { a.last_used = now; });
  }
  errc step(const op::forget_association& o, timestamp_us) {
    if (collides(o.source, o.target))
      return errc::id_collision;
    if (associations_.erase(key{o.source.id, o.target.id, o.kind}) != 0) {
      drop_if_unused(o.source.id);
      drop_if_unused(o.target.id);
    }
    return errc::ok;
  }

  std::map<concept_id, concept_state> concepts_; // learned
  std::map<concept_id, std::string> names_;      // learned ones and placeholders
  std::map<key, association_record> associations_;
  timestamp_us half_life_ = 0; // const but for assignment
};

/// Everything a snapshot shows, as text in the model's order; also checks that the two directions
/// agree.
inline std::string text_of(const graph_snapshot& s) {
  std::map<concept_id, std::string> concepts;
  std::map<std::tuple<concept_id, concept_id, kind_id>, std::string> associations;
  std::vector<std::string> incoming;
  std::vector<std::string> outgoing;
  const auto end = [](const concept_id& a, const concept_id& b, const adjacency_chunk& c,
                      std::size_t k) {
    return a.hex() + b.hex() + std::to_string(c.kind[k]) + "/" + std::to_string(c.confidence[k])
           + "/" + std::to_string(c.weight[k]);
  };
  for (std::uint32_t i = 0; i < s.index_count(); ++i) {
    if (s.node(i).state == node_vacant)
      continue;
    const concept_id id = s.node(i).id;
    if (s.is_learned(i)) {
      concepts[id] = model::describe(s.at(i).copy());
      if (s.index_of(id) != i)
        concepts[id] += "not found by its id\n";
    }
    s.out(i).for_each_chunk([&](const adjacency_chunk& chunk) {
      for (std::size_t k = 0; k < chunk.targets.size(); ++k) {
        const std::uint32_t t = chunk.targets[k];
        outgoing.push_back(end(id, s.node(t).id, chunk, k));
        if (s.is_learned(i) && s.is_learned(t))
          associations[{id, s.node(t).id, chunk.kind[k]}] +=
            model::describe({id, s.node(t).id, chunk.kind[k], chunk.confidence[k], chunk.weight[k],
                             chunk.times_of(k).created, chunk.times_of(k).last_used});
      }
    });
    s.in(i).for_each_chunk([&](const adjacency_chunk& chunk) {
      for (std::size_t k = 0; k < chunk.targets.size(); ++k)
        incoming.push_back(end(s.node(chunk.targets[k]).id, id, chunk, k));
    });
  }
  std::string text;
  for (const auto& [id, t] : concepts)
    text += t;
  for (const auto& [key, t] : associations)
    text += t;
  text += "concepts " + std::to_string(s.concept_count()) + " edges "
          + std::to_string(s.edge_count()) + "\n";
  std::ranges::sort(incoming);
  std::ranges::sort(outgoing);
  if (incoming != outgoing)
    text += "outgoing and incoming associations differ\n";
  return text;
}

} // namespace cmem::test
