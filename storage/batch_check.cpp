#include "storage/batch_check.hpp"

#include "storage/graph_builder.hpp"

namespace cmem {

errc batch_check::check(const write_entry* first) {
  for (const write_entry* e = first;; e = base_.entry_at(e->next)) {
    if (const errc bad = check_entry(*e); bad != errc::ok)
      return bad;
    if (e->next == 0)
      return errc::ok;
  }
}

batch_check::concept_state& batch_check::at(const concept_id& id) {
  const auto [it, fresh] = concepts_.try_emplace(id);
  if (const std::uint32_t i = fresh ? base_.find(id) : graph_builder::none;
      i != graph_builder::none && base_.node(i).state != node_vacant) {
    concept_state& s = it->second;
    s.exists = true;
    s.learned = base_.learned(i);
    s.name = base_.name_of(base_.node(i));
    const auto stored = base_.attributes_of(base_.node(i));
    s.attributes.assign(stored.begin(), stored.end());
    s.out = base_.out_.degree(i);
    s.in = base_.in_.degree(i);
  }
  return it->second;
}

bool batch_check::exists(const association& a) {
  if (const auto it = associations_.find(a); it != associations_.end())
    return it->second;
  const auto& [source, target, kind] = a;
  if (at(source).forgotten || at(target).forgotten)
    return false;
  return base_.has_association(base_.find(source), base_.find(target), kind);
}

errc batch_check::name_it(concept_state& s, handle name) const {
  if (name == 0)
    return errc::ok;
  const auto bytes = base_.payloads_.bytes(name);
  const std::string_view given(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!s.name.empty() && s.name != given)
    return errc::id_collision;
  if (s.exists)
    s.name = given;
  return errc::ok;
}

void batch_check::forget(const concept_id& id, concept_state& s) {
  for (auto& [a, there] : associations_)
    if (std::get<0>(a) == id || std::get<1>(a) == id)
      there = false;
  s = {};
  s.forgotten = true;
}

errc batch_check::check_entry(const write_entry& e) {
  concept_state& s = at(e.a);
  if (const errc bad = name_it(s, e.name_a); bad != errc::ok)
    return bad;
  switch (e.op) {
    case entry_op::learn_concept:
      if (!s.learned && base_.over_budget_)
        return errc::memory_budget;
      if (!s.exists && base_.index_count_ + ++added_ > concepts_max)
        return errc::limit_exceeded;
      s.exists = s.learned = true;
      return name_it(s, e.name_a);
    case entry_op::strengthen:
    case entry_op::record_access:
      return s.learned ? errc::ok : errc::not_found;
    case entry_op::set_attributes: {
      if (!s.learned)
        return errc::not_found;
      const auto updates = base_.payloads_.bytes(e.attributes);
      const auto merged = merge_attributes(s.attributes, updates, {});
      if (merged.count > attributes_max)
        return errc::limit_exceeded;
      std::vector<std::byte> next(merged.bytes);
      (void)merge_attributes(s.attributes, updates, next);
      s.attributes = std::move(next);
      return errc::ok;
    }
    case entry_op::forget_concept:
      forget(e.a, s);
      return errc::ok;
    case entry_op::learn_association:
    case entry_op::strengthen_association:
    case entry_op::record_use:
    case entry_op::forget_association:
      return check_association(e, s, at(e.b));
  }
  return errc::internal;
}

errc batch_check::check_association(const write_entry& e, concept_state& source, concept_state& target) {
  if (const errc bad = name_it(target, e.name_b); bad != errc::ok)
    return bad;
  if (base_.names_differ(e))
    return errc::id_collision;
  const association a{e.a, e.b, e.kind};
  const bool there = exists(a);
  switch (e.op) {
    case entry_op::learn_association:
      if (there)
        break;
      if (base_.over_budget_)
        return errc::memory_budget;
      added_ += (source.exists ? 0U : 1U) + (target.exists ? 0U : 1U);
      if (base_.index_count_ + added_ > concepts_max || ++source.out > degree_max || ++target.in > degree_max)
        return errc::limit_exceeded;
      source.exists = target.exists = true;
      associations_[a] = true;
      (void)name_it(source, e.name_a);
      (void)name_it(target, e.name_b);
      break;
    case entry_op::forget_association:
      if (there) {
        associations_[a] = false;
        --source.out;
        --target.in;
        for (concept_state* s : {&source, &target})
          if (!s->learned && s->out == 0 && s->in == 0) { // a placeholder nobody needs goes, with its name
            *s = {};
            s->forgotten = true;
          }
      }
      break;
    default:
      return there ? errc::ok : errc::not_found;
  }
  return errc::ok;
}

} // namespace cmem
