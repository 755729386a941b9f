#include "storage/batch_check.hpp"

#include "storage/graph_builder.hpp"

#include <utility>

namespace cmem {

errc batch_check::check(const write_entry* first) {
  const write_entry* ahead = first; // of which slots of the id table are being fetched
  const auto fetch_one = [&] {
    base_.ids_.prefetch(hash_value(ahead->a));
    if (graph_builder::has_target(ahead->op))
      base_.ids_.prefetch(hash_value(ahead->b));
    ahead = ahead->next == 0 ? nullptr : base_.entry_at(ahead->next);
  };
  constexpr int entries_ahead = 16;
  for (int i = 0; i != entries_ahead && ahead != nullptr; ++i)
    fetch_one();
  for (const write_entry* e = first;; e = base_.entry_at(e->next)) {
    if (ahead != nullptr)
      fetch_one();
    if (const errc bad = check_entry(*e); bad != errc::ok)
      return bad;
    if (e->next == 0)
      return errc::ok;
  }
}

batch_check::concept_state& batch_check::at(const concept_id& id) {
  const auto [it, fresh] = concepts_.try_emplace(id);
  const std::uint32_t i = fresh ? base_.find(id) : graph_builder::none;
  if (i == graph_builder::none)
    return it->second;
  it->second.indexed = true;
  if (base_.node(i).state != node_vacant) {
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

bool& batch_check::exists(const association& a) {
  const auto [it, fresh] = associations_.try_emplace(a, false);
  if (fresh) {
    const auto& [source, target, kind] = a;
    it->second = base_.has_association(base_.find(source), base_.find(target), kind);
    at(source).touched.push_back(it);
    at(target).touched.push_back(it);
  }
  return it->second;
}

std::string_view batch_check::text_of(handle name) const {
  if (name == 0)
    return {};
  const auto bytes = base_.payloads_.bytes(name);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool batch_check::collides(const concept_state& s, handle name) const {
  return name != 0 && !s.name.empty() && s.name != text_of(name);
}

void batch_check::keep_name(concept_state& s, handle name) const {
  if (s.exists && s.name.empty())
    s.name = text_of(name);
}

void batch_check::clear(concept_state& s) {
  concept_state none;
  none.touched = std::move(s.touched);
  none.forgotten = true;
  none.indexed = s.indexed;
  s = std::move(none);
}

void batch_check::take_index(concept_state& s) noexcept {
  if (!std::exchange(s.indexed, true))
    ++added_;
}

// Takes one away, and with it the placeholders that nobody needs any more, names included.
void batch_check::remove(const association& a, bool& there) {
  there = false;
  concept_state& source = at(std::get<0>(a));
  concept_state& target = at(std::get<1>(a));
  --source.out;
  --target.in;
  for (concept_state* s : {&source, &target})
    if (!s->learned && s->out == 0 && s->in == 0)
      clear(*s);
}

void batch_check::forget(const concept_id& id, concept_state& s) {
  if (const std::uint32_t i = s.forgotten ? graph_builder::none : base_.find(id);
      i != graph_builder::none) {
    const auto touch = [&](const adjacency_list& list, bool outgoing) {
      list.for_each_chunk([&](const adjacency_chunk& chunk) {
        for (std::size_t k = 0; k < chunk.targets.size(); ++k) {
          const concept_id& other = base_.node(chunk.targets[k]).id;
          (void) exists(outgoing ? association{id, other, chunk.kind[k]}
                                 : association{other, id, chunk.kind[k]});
        }
      });
    };
    touch(base_.out_.list(i), true);
    touch(base_.in_.list(i), false);
  }
  for (std::size_t k = 0; k < s.touched.size(); ++k)
    if (s.touched[k]->second)
      remove(s.touched[k]->first, s.touched[k]->second);
  clear(s);
}

errc batch_check::check_entry(const write_entry& e) {
  concept_state& a = at(e.a);
  concept_state* b = graph_builder::has_target(e.op) ? &at(e.b) : nullptr;
  if (collides(a, e.name_a) || (b != nullptr && (collides(*b, e.name_b) || base_.names_differ(e))))
    return errc::id_collision;
  if (const errc bad = b != nullptr ? check_association(e, a, *b) : check_concept(e, a);
      bad != errc::ok)
    return bad;
  if (e.op != entry_op::forget_concept && e.op != entry_op::forget_association) {
    keep_name(a, e.name_a);
    if (b != nullptr)
      keep_name(*b, e.name_b);
  }
  return errc::ok;
}

errc batch_check::check_concept(const write_entry& e, concept_state& s) {
  if (e.op == entry_op::learn_concept) {
    if (!s.learned && base_.over_budget_)
      return errc::memory_budget;
    take_index(s);
    if (added_ > base_.indices_left())
      return errc::limit_exceeded;
    s.exists = s.learned = true;
    return errc::ok;
  }
  if (e.op == entry_op::forget_concept) {
    forget(e.a, s);
    return errc::ok;
  }
  if (!s.learned)
    return errc::not_found;
  if (e.op == entry_op::set_attributes) {
    const auto updates = base_.payloads_.bytes(e.attributes);
    const auto merged = merge_attributes(s.attributes, updates, {});
    if (merged.count > attributes_max)
      return errc::limit_exceeded;
    std::vector<std::byte> next(merged.bytes);
    (void) merge_attributes(s.attributes, updates, next);
    s.attributes = std::move(next);
  }
  return errc::ok;
}

errc batch_check::check_association(const write_entry& e, concept_state& source,
                                    concept_state& target) {
  const association a{e.a, e.b, e.kind};
  bool& there = exists(a);
  if (e.op == entry_op::forget_association) {
    if (there)
      remove(a, there);
    return errc::ok;
  }
  if (there)
    return errc::ok;
  if (e.op != entry_op::learn_association)
    return errc::not_found;
  if (base_.over_budget_)
    return errc::memory_budget;
  take_index(source);
  take_index(target);
  if (added_ > base_.indices_left() || ++source.out > base_.options_.degree_max
      || ++target.in > base_.options_.degree_max)
    return errc::limit_exceeded;
  source.exists = target.exists = true;
  there = true;
  return errc::ok;
}

} // namespace cmem
