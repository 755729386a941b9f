#include "storage/parallel_merge.hpp"

#include "storage/prefetch.hpp"
#include "storage/staged.hpp"

#include <algorithm>

namespace cmem {

namespace {

/// Items whose cache misses are under way together.
constexpr std::size_t window = 24;
/// Entries that a thread takes at once; a multiple of 64, so that no two write to one word.
constexpr std::size_t chunk = 1024;
/// More than one association takes as a rule, in both directions. What it may take beyond that,
/// such as a hub's index, is why another entry may be the first that a budget refuses.
constexpr std::uint64_t association_bytes_max = 32U << 10;
/// Entries looked at to tell what a part is about.
constexpr std::size_t samples = 64;

std::uint64_t hash_of(std::uint32_t source, std::uint32_t target, kind_id kind) noexcept {
  std::uint64_t h = (std::uint64_t{source} << 32 | target) ^ std::uint64_t{kind} << 48;
  h *= 0x9E37'79B9'7F4A'7C15ULL;
  h ^= h >> 32;
  return h * 0xD6E8'FEB8'6659'FD93ULL;
}

} // namespace

parallel_merge::parallel_merge(graph_builder& to) : to_(to) {}

bool parallel_merge::takes(entry_op op) noexcept {
  switch (op) {
    case entry_op::learn_association:
    case entry_op::learn_concept:
    case entry_op::strengthen:
    case entry_op::record_access:
    case entry_op::set_attributes: return true;
    default: return false;
  }
}

void parallel_merge::apply(std::span<graph_builder::lookahead> run,
                           const graph_builder::failed_callback& failed, bool checked) {
  std::size_t resolved = 0; // of the run's first entries, in *now
  part* now = &parts_[0];
  part* next = &parts_[1];
  while (!run.empty()) {
    const std::size_t n = size_of_next(run, checked);
    if (n == 0) {
      const auto few = run.first(std::min(part_min(), run.size()));
      to_.apply_in_order(few, failed, checked);
      run = run.subspan(few.size());
      resolved = 0;
      continue;
    }
    if (resolved == 0) {
      begin(*now, run.first(n));
      helper_.run_both([&](std::uint32_t) { resolve(*now); });
    } else if (n < resolved) { // a limit came nearer
      now->entries = now->entries.first(n);
    }
    run = run.subspan(now->entries.size());
    to_.over_budget_ = false;
    apply_concepts(*now, failed);
    helper_.run_both([&](std::uint32_t h) { find_known(*now, h); });
    find_unindexed(*now);
    to_.edge_count_ += halves_[0].edges + halves_[1].edges;
    begin(*next, run.first(size_of_next(run, checked)));
    helper_.run_both([&](std::uint32_t direction) {
      write(*now, direction);
      resolve(*next);
    });
    ++applied_;
    resolved = next->entries.size();
    std::swap(now, next);
  }
}

/// How many entries make the next part: so few that none of them can reach a limit; 0 where one
/// might, or where step 2 would have most of the work.
std::size_t parallel_merge::size_of_next(std::span<const graph_builder::lookahead> run,
                                         bool checked) const noexcept {
  std::size_t n = std::min(run.size(), part_max);
  if (run.size() > part_max && run.size() < part_max + part_min())
    n = run.size() / 2;
  const graph_builder_options& o = to_.options_;
  if (checked && to_.over_budget_)
    return 0;
  if (!checked && o.memory_budget_bytes != 0) {
    const std::uint64_t used = to_.bytes_in_use();
    const std::uint64_t left = o.memory_budget_bytes - std::min(o.memory_budget_bytes, used);
    n = static_cast<std::size_t>(std::min<std::uint64_t>(n, left / association_bytes_max));
  }
  const std::uint32_t longest = std::max(to_.out_.longest(), to_.in_.longest());
  if (n < part_min() || to_.indices_left() < 2 * n || longest + n > o.degree_max)
    return 0;
  if (n < samples)
    return n;
  std::size_t links = 0;
  for (std::size_t i = 0; i < samples; ++i)
    links += run[i * n / samples].entry->op == entry_op::learn_association ? 1U : 0U;
  return links >= samples / 2 ? n : 0;
}

// -- 1: ids -> indices

void parallel_merge::begin(part& p, std::span<graph_builder::lookahead> entries) {
  p.entries = entries;
  p.links.resize(entries.size());
  p.given.resize(entries.size());
  p.special.assign((entries.size() + 63) / 64, 0);
  p.next_chunk.store(0, std::memory_order_relaxed); // run_both() hands it over
}

/// Chunk by chunk, until all are taken.
void parallel_merge::resolve(part& p) noexcept {
  for (;;) {
    const std::size_t first = chunk * p.next_chunk.fetch_add(1, std::memory_order_relaxed);
    if (first >= p.entries.size())
      return;
    resolve_chunk(p, first);
  }
}

void parallel_merge::resolve_chunk(part& p, std::size_t first) noexcept {
  using lookahead = graph_builder::lookahead;
  const graph_builder& g = to_;
  const std::size_t n = std::min(chunk, p.entries.size() - first);
  const auto ends = [&](std::size_t i, auto&& f) {
    const lookahead& l = p.entries[first + i];
    for (const std::uint32_t end : {l.a, l.b})
      if (end != none)
        f(end);
  };
  run_staged<window>(
    n,
    [&](std::size_t i) {
      prefetch_line(p.entries[first + i].entry);
      prefetch_line(&p.entries[first + i].entry->b);
    },
    [&](std::size_t i) { g.look_up(p.entries[first + i]); },
    [&](std::size_t i) {
      lookahead& l = p.entries[first + i];
      l.a = g.ids_.candidate(l.hash_a);
      l.b = graph_builder::has_target(l.entry->op) ? g.ids_.candidate(l.hash_b) : none;
      ends(i, [&](std::uint32_t end) {
        g.pages_of_nodes_.prefetch_element(end / graph_snapshot::page_nodes);
      });
    },
    [&](std::size_t i) { ends(i, [&](std::uint32_t end) { prefetch_line(&g.node(end)); }); },
    [&](std::size_t i) {
      lookahead& l = p.entries[first + i];
      const write_entry& e = *l.entry;
      link& k = p.links[first + i];
      l.a = g.find(e.a, l.hash_a, l.a);
      bool plain = false;
      if (e.op == entry_op::learn_association) {
        l.b = g.find(e.b, l.hash_b, l.b);
        const bool vacant = l.a == none || l.b == none || g.node(l.a).state == node_vacant
                            || g.node(l.b).state == node_vacant;
        plain = !vacant && e.name_a == 0 && e.name_b == 0;
        k = {l.a, l.b, 0, e.kind, state::fresh, !vacant && g.learned(l.a) && g.learned(l.b)};
        p.given[first + i] = {e.x, e.y, e.time};
      } else {
        k = {none, none, 0, 0, state::fresh, false};
      }
      if (!plain)
        p.special[(first + i) / 64] |= std::uint64_t{1} << (first + i) % 64;
    });
}

// -- 2: concepts

void parallel_merge::apply_concepts(part& p, const graph_builder::failed_callback& failed) {
  specials_.clear();
  const bool all = to_.options_.on_apply != nullptr;
  for (std::size_t i = 0; i < p.entries.size(); ++i)
    if (all || (p.special[i / 64] >> i % 64 & 1) != 0)
      specials_.push_back(static_cast<std::uint32_t>(i));
  const auto of_concept = [&](std::size_t i) -> const graph_builder::lookahead* {
    const graph_builder::lookahead& l = p.entries[specials_[i]];
    return l.entry->op == entry_op::learn_association ? nullptr : &l;
  };
  run_staged<window>(
    specials_.size(), [&](std::size_t i) { prefetch_line(p.entries[specials_[i]].entry); },
    [&](std::size_t i) {
      if (const auto* l = of_concept(i))
        to_.prefetch_refs(*l);
    },
    [&](std::size_t i) {
      if (const auto* l = of_concept(i))
        to_.prefetch_roots(*l);
    },
    [&](std::size_t i) {
      const graph_builder::lookahead& l = p.entries[specials_[i]];
      if (all)
        to_.options_.on_apply(*l.entry);
      const errc bad = of_concept(i) != nullptr ? to_.apply(l) : place(p.links[specials_[i]], l);
      if (bad != errc::ok)
        failed(*l.entry, bad);
    });
}

/// What graph_builder::learn_association() does before it looks for the association. Whether it is
/// there makes no difference: where it is, both ends are there.
errc parallel_merge::place(link& k, const graph_builder::lookahead& l) {
  const write_entry& e = *l.entry;
  std::uint32_t source = to_.find(e.a, l.hash_a, l.a);
  std::uint32_t target = to_.find(e.b, l.hash_b, l.b);
  if (to_.name_collides(source, e.name_a) || to_.name_collides(target, e.name_b)
      || to_.names_differ(e)) {
    k.source = none;
    return errc::id_collision;
  }
  if (source == none)
    source = to_.add_node(e.a, l.hash_a);
  if (target == none)
    target = e.a == e.b ? source : to_.add_node(e.b, l.hash_b);
  to_.revive(source);
  to_.revive(target);
  to_.keep_names(e, source, target);
  k.source = source;
  k.target = target;
  return errc::ok;
}

// -- 3: which are known

void parallel_merge::find_known(part& p, std::uint32_t h) {
  half& mine = halves_[h];
  mine.edges = 0;
  mine.unindexed.clear();
  find_repeated(p, h);
  const graph_builder& g = to_;
  const auto out_is_shorter = [&](const link& k) {
    return g.out_.degree(k.source) <= g.in_.degree(k.target);
  };
  const auto at_shorter = [&](std::size_t i, auto&& f) {
    const link& k = p.links[mine.firsts[i]];
    if (out_is_shorter(k))
      f(g.out_, k.source);
    else
      f(g.in_, k.target);
  };
  run_staged<window>(
    mine.firsts.size(),
    [&](std::size_t i) {
      const link& k = p.links[mine.firsts[i]];
      g.out_.prefetch_element(k.source);
      g.in_.prefetch_element(k.target);
    },
    [&](std::size_t i) {
      at_shorter(i, [](const adjacency_builder& a, std::uint32_t x) { a.prefetch_root(x); });
    },
    [&](std::size_t i) {
      at_shorter(i, [](const adjacency_builder& a, std::uint32_t x) { a.prefetch_targets(x); });
    },
    [&](std::size_t i) {
      link& k = p.links[mine.firsts[i]];
      const bool out = out_is_shorter(k);
      if (out ? !g.out_.is_indexed(k.source) : !g.in_.is_indexed(k.target)) {
        mine.unindexed.push_back(mine.firsts[i]);
        return;
      }
      const std::uint32_t at = out ? g.out_.look_up(k.source, k.target, k.kind)
                                   : g.in_.look_up(k.target, k.source, k.kind);
      if (at != none) {
        k.is = out ? state::known_out : state::known_in;
        k.at = at;
      } else if (k.learned || (g.learned(k.source) && g.learned(k.target))) {
        ++mine.edges;
      }
    });
}

/// Of the links whose hash falls to this half. The other half reads the ends and kinds of all links
/// too, but `is` and `at` of its own alone.
void parallel_merge::find_repeated(part& p, std::uint32_t h) {
  half& mine = halves_[h];
  mine.table.assign(table_size, slot{0, 0});
  mine.firsts.clear();
  const std::size_t mask = mine.table.size() - 1;
  for (std::uint32_t i = 0; i < p.entries.size(); ++i) {
    link& k = p.links[i];
    if (k.source == none)
      continue;
    const std::uint64_t hash = hash_of(k.source, k.target, k.kind);
    if (hash >> 63 != h)
      continue;
    const auto tag = static_cast<std::uint32_t>(hash);
    std::size_t at = (hash >> 32) & mask;
    for (;; at = (at + 1) & mask) {
      const slot s = mine.table[at];
      if (s.link == 0) {
        mine.table[at] = {tag, i + 1};
        mine.firsts.push_back(i);
        break;
      }
      const link& first = p.links[s.link - 1];
      if (s.tag == tag && first.source == k.source && first.target == k.target
          && first.kind == k.kind) {
        k.is = state::again;
        k.at = s.link - 1;
        break;
      }
    }
  }
}

/// Both ends are hubs, and the shorter list gets its index only now.
void parallel_merge::find_unindexed(part& p) {
  for (half& mine : halves_)
    for (const std::uint32_t i : mine.unindexed) {
      link& k = p.links[i];
      const bool out = to_.out_.degree(k.source) <= to_.in_.degree(k.target);
      const std::uint32_t at =
        out ? to_.out_.find(k.source, k.target, k.kind) : to_.in_.find(k.target, k.source, k.kind);
      if (at != none) {
        k.is = out ? state::known_out : state::known_in;
        k.at = at;
      } else if (to_.learned(k.source) && to_.learned(k.target)) {
        ++mine.edges;
      }
    }
}

// -- 4: the lists

void parallel_merge::write(part& p, std::uint32_t direction) {
  const std::size_t n = p.entries.size();
  const bool out = direction == 0;
  adjacency_builder& lists = out ? to_.out_ : to_.in_;
  const state known_here = out ? state::known_out : state::known_in;
  std::vector<std::uint32_t>& position = halves_[direction].position;
  position.resize(n);
  const auto list_of = [&](const link& k) { return out ? k.source : k.target; };
  const auto stage = [&](auto&& f) {
    return [&, f](std::size_t i) {
      if (p.links[i].source != none)
        f(list_of(p.links[i]));
    };
  };
  run_staged<window>(
    n, stage([&](std::uint32_t x) { lists.prefetch_ref(x); }),
    stage([&](std::uint32_t x) { lists.prefetch_root(x); }),
    stage([&](std::uint32_t x) { lists.prefetch_leaf(x); }),
    stage([&](std::uint32_t x) { lists.prefetch_tail(x); }), [&](std::size_t i) {
      const link& k = p.links[i];
      if (k.source == none)
        return;
      const std::uint32_t list = list_of(k);
      const std::uint32_t other = out ? k.target : k.source;
      const values& given = p.given[i];
      association_values v{k.kind, given.confidence, given.weight, {given.time, given.time}};
      if (k.is == state::fresh) {
        position[i] = lists.degree(list);
        lists.append(list, other, v, to_.version_);
        return;
      }
      position[i] = k.is == known_here     ? k.at
                    : k.is == state::again ? position[k.at]
                                           : lists.find(list, other, k.kind);
      const association_values old = lists.at(list, position[i]);
      v.times = old.times;
      if (v != old)
        lists.replace(list, position[i], v, to_.version_);
    });
}

std::size_t parallel_merge::bookkeeping_bytes() const noexcept {
  std::size_t n = specials_.capacity() * sizeof(std::uint32_t);
  for (const part& p : parts_)
    n += p.links.capacity() * sizeof(link) + p.given.capacity() * sizeof(values)
         + p.special.capacity() * sizeof(std::uint64_t);
  for (const half& h : halves_)
    n += h.table.capacity() * sizeof(slot)
         + (h.firsts.capacity() + h.unindexed.capacity() + h.position.capacity())
             * sizeof(std::uint32_t);
  return n;
}

} // namespace cmem
