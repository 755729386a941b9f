#include "tools/mutable_graph.hpp"

#include <algorithm>

namespace cmem::tools {
namespace {

using edge = mutable_graph::edge;

edge* edge_to(std::vector<edge>& list, std::uint32_t other, kind_id kind) {
  for (auto& e : list)
    if (e.other == other && e.kind == kind)
      return &e;
  return nullptr;
}

bool remove(std::vector<edge>& list, std::uint32_t other, kind_id kind) {
  edge* e = edge_to(list, other, kind);
  if (e == nullptr)
    return false;
  *e = list.back();
  list.pop_back();
  return true;
}

} // namespace

mutable_graph::mutable_graph(std::size_t concepts_expected) {
  nodes_.reserve(concepts_expected);
  index_.reserve(concepts_expected);
}

const mutable_graph::node* mutable_graph::find(const concept_id& id) const {
  const auto at = index_.find(id);
  return at != index_.end() && nodes_[at->second].learned ? &nodes_[at->second] : nullptr;
}

std::uint32_t mutable_graph::place(const concept_id& id) {
  const auto next = vacant_.empty() ? static_cast<std::uint32_t>(nodes_.size()) : vacant_.back();
  const auto [at, added] = index_.try_emplace(id, next);
  if (added) {
    if (vacant_.empty())
      nodes_.emplace_back();
    else
      vacant_.pop_back();
    nodes_[next].id = id;
  }
  return at->second;
}

mutable_graph::edge_pair mutable_graph::edges(std::uint32_t s, std::uint32_t t, kind_id kind) {
  auto& out = nodes_[s].out;
  auto& in = nodes_[t].in;
  if (out.size() <= in.size()) {
    edge* o = edge_to(out, t, kind);
    return {o, o == nullptr ? nullptr : edge_to(in, s, kind)};
  }
  edge* i = edge_to(in, s, kind);
  return {i == nullptr ? nullptr : edge_to(out, t, kind), i};
}

mutable_graph::edge_pair mutable_graph::edges(const concept_id& source, const concept_id& target,
                                              kind_id kind) {
  const auto s = index_.find(source);
  const auto t = index_.find(target);
  if (s == index_.end() || t == index_.end())
    return {nullptr, nullptr};
  return edges(s->second, t->second, kind);
}

bool mutable_graph::apply(const op::learn_concept& o, timestamp_us now) {
  node& n = nodes_[place(o.id.id)];
  if (!n.learned) {
    n.learned = true;
    n.created = n.last_accessed = now;
    ++concepts_;
  }
  n.content.assign(o.content);
  n.vector.assign(o.vector.begin(), o.vector.end());
  n.strength = o.strength;
  n.confidence = o.confidence;
  return true;
}

bool mutable_graph::apply(const op::learn_association& o, timestamp_us now) {
  const std::uint32_t s = place(o.source.id);
  const std::uint32_t t = place(o.target.id);
  const auto [out, in] = edges(s, t, o.kind);
  if (out != nullptr) {
    out->confidence = in->confidence = o.confidence;
    out->weight = in->weight = o.weight;
    return true;
  }
  nodes_[s].out.push_back({t, o.kind, o.confidence, o.weight, now, now});
  nodes_[t].in.push_back({s, o.kind, o.confidence, o.weight, now, now});
  ++associations_;
  return true;
}

bool mutable_graph::apply(const op::strengthen& o, timestamp_us) {
  node* n = learned(o.id.id);
  if (n != nullptr)
    n->strength = std::max(0.0F, n->strength + o.delta);
  return n != nullptr;
}

bool mutable_graph::apply(const op::strengthen_association& o, timestamp_us) {
  const auto [out, in] = edges(o.source.id, o.target.id, o.kind);
  if (out != nullptr)
    out->weight = in->weight = std::max(0.0F, out->weight + o.delta);
  return out != nullptr;
}

bool mutable_graph::apply(const op::record_access& o, timestamp_us now) {
  node* n = learned(o.id.id);
  if (n != nullptr) {
    ++n->access_count;
    n->last_accessed = now;
  }
  return n != nullptr;
}

bool mutable_graph::apply(const op::record_use& o, timestamp_us now) {
  const auto [out, in] = edges(o.source.id, o.target.id, o.kind);
  if (out != nullptr)
    out->last_used = in->last_used = now;
  return out != nullptr;
}

bool mutable_graph::apply(const op::set_attributes& o, timestamp_us) {
  node* n = learned(o.id.id);
  if (n == nullptr)
    return false;
  for (const auto& a : o.attributes) {
    if (a.value)
      n->attributes.insert_or_assign(std::string(a.key), std::string(*a.value));
    else if (const auto at = n->attributes.find(a.key); at != n->attributes.end())
      n->attributes.erase(at);
  }
  return true;
}

bool mutable_graph::apply(const op::forget_concept& o, timestamp_us) {
  const auto at = index_.find(o.id.id);
  if (at == index_.end())
    return true;
  const std::uint32_t index = at->second;
  node gone = std::move(nodes_[index]);
  for (const auto& e : gone.out)
    if (e.other != index)
      remove(nodes_[e.other].in, index, e.kind);
  for (const auto& e : gone.in)
    if (e.other != index)
      remove(nodes_[e.other].out, index, e.kind);
  const auto loops = std::count_if(gone.in.begin(), gone.in.end(),
                                   [index](const edge& e) { return e.other == index; });
  associations_ -= gone.out.size() + gone.in.size() - static_cast<std::size_t>(loops);
  concepts_ -= gone.learned ? 1 : 0;
  nodes_[index] = node{};
  index_.erase(at);
  vacant_.push_back(index);
  return true;
}

bool mutable_graph::apply(const op::forget_association& o, timestamp_us) {
  const auto s = index_.find(o.source.id);
  const auto t = index_.find(o.target.id);
  if (s == index_.end() || t == index_.end())
    return true;
  if (remove(nodes_[s->second].out, t->second, o.kind)) {
    remove(nodes_[t->second].in, s->second, o.kind);
    --associations_;
  }
  return true;
}

std::optional<std::size_t> mutable_graph_paths::hops(const mutable_graph& g, std::uint32_t from,
                                                     std::uint32_t to, std::uint32_t depth_max) {
  if (from == to)
    return 0;
  seen_.resize(g.nodes().size(), 0);
  const std::uint64_t forward = ++search_ << 1;
  const std::uint64_t backward = forward | 1;
  ahead_.assign(1, from);
  behind_.assign(1, to);
  seen_[from] = forward;
  seen_[to] = backward;
  for (std::size_t depth = 1; depth <= depth_max; ++depth) {
    if (ahead_.empty() || behind_.empty())
      return std::nullopt;
    const bool met = ahead_.size() <= behind_.size()
                       ? expand(g, ahead_, &mutable_graph::node::out, forward, backward)
                       : expand(g, behind_, &mutable_graph::node::in, backward, forward);
    if (met)
      return depth;
  }
  return std::nullopt;
}

bool mutable_graph_paths::expand(const mutable_graph& g, std::vector<std::uint32_t>& frontier,
                                 std::vector<edge> mutable_graph::node::*edges, std::uint64_t mine,
                                 std::uint64_t other) {
  next_.clear();
  for (const std::uint32_t i : frontier) {
    for (const auto& e : g.nodes()[i].*edges) {
      if (seen_[e.other] == other)
        return true;
      if (seen_[e.other] != mine && g.nodes()[e.other].learned) {
        seen_[e.other] = mine;
        next_.push_back(e.other);
      }
    }
  }
  frontier.swap(next_);
  return false;
}

} // namespace cmem::tools
