// The merge as a pipeline over the batch: each stage fetches what the next one reads.

#include "storage/batch_check.hpp"
#include "storage/graph_builder.hpp"
#include "storage/parallel_merge.hpp"
#include "storage/prefetch.hpp"

#include <algorithm>
#include <cassert>

namespace cmem {

namespace {

/// Entries whose cache misses are under way together.
constexpr std::size_t run_length = 24;
/// How far ahead entries are fetched to be sorted into runs.
constexpr std::size_t entries_ahead = 16;

} // namespace

bool graph_builder::has_target(entry_op op) noexcept {
  switch (op) {
    case entry_op::learn_association:
    case entry_op::strengthen_association:
    case entry_op::record_use:
    case entry_op::forget_association: return true;
    default: return false;
  }
}

void graph_builder::look_up(lookahead& l) const noexcept {
  l.hash_a = hash_value(l.entry->a);
  ids_.prefetch(l.hash_a);
  if (has_target(l.entry->op)) {
    l.hash_b = hash_value(l.entry->b);
    ids_.prefetch(l.hash_b);
  }
}

void graph_builder::prefetch_refs(const lookahead& l) const noexcept {
  if (!has_target(l.entry->op)) { // its page of records will be copied
    if (l.a != none) {
      pages_of_nodes_.prefetch(l.a / graph_snapshot::page_nodes);
      prefetch_line(&node_page_version_[l.a / graph_snapshot::page_nodes]);
    }
    return;
  }
  for (const std::uint32_t i : {l.a, l.b})
    if (i != none)
      pages_of_nodes_.prefetch_element(i / graph_snapshot::page_nodes);
  if (l.a != none && l.b != none) {
    out_.prefetch_ref(l.a);
    in_.prefetch_ref(l.b);
  }
}

void graph_builder::prefetch_roots(const lookahead& l) const noexcept {
  if (!has_target(l.entry->op)) {
    if (l.a != none) {
      const auto* page = node_page(pages_of_nodes_[l.a / graph_snapshot::page_nodes]);
      for (std::uint32_t k = 0; k < graph_snapshot::page_nodes; ++k)
        prefetch_line(page + k);
    }
    return;
  }
  for (const std::uint32_t i : {l.a, l.b})
    if (i != none)
      prefetch_line(&node(i));
  if (l.a != none && l.b != none) {
    out_.prefetch_root(l.a);
    in_.prefetch_root(l.b);
  }
}

void graph_builder::prefetch_leaves(const lookahead& l) const noexcept {
  if (l.a != none && l.b != none) {
    out_.prefetch_leaf(l.a);
    in_.prefetch_leaf(l.b);
  }
}

void graph_builder::prefetch_tails(const lookahead& l) const noexcept {
  if (l.a != none && l.b != none) {
    out_.prefetch_tail(l.a);
    in_.prefetch_tail(l.b);
    if (out_.degree(l.a) <= in_.degree(l.b))
      out_.prefetch_targets(l.a);
    else
      in_.prefetch_targets(l.b);
  }
}

void graph_builder::merge(std::span<const handle> entries, const failed_callback& failed) {
  run_.clear();
  in_order_.clear();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i + entries_ahead < entries.size())
      prefetch_line(entry_at(entries[i + entries_ahead]));
    write_entry* e = entry_at(entries[i]);
    if (e->batch_count == 1) {
      add_to_run(e);
      continue;
    }
    apply_run(failed, false); // the check below sees what came before
    over_budget_ = over_budget();
    if (const errc bad = batch_check(*this).check(e); bad != errc::ok) {
      failed(*e, bad);
      continue;
    }
    for (write_entry* member = e;; member = entry_at(member->next)) {
      add_to_run(member);
      if (member->next == 0)
        break;
    }
    apply_run(failed, true);
  }
  apply_run(failed, false);
  prepare();
}

void graph_builder::add_to_run(write_entry* e) {
  if (parallel_ != nullptr && !parallel_merge::takes(e->op))
    in_order_.push_back(run_.size());
  run_.push_back({e, 0, 0, none, none});
}

void graph_builder::apply_run(const failed_callback& failed, bool checked) {
  const std::span<lookahead> all(run_);
  std::size_t done = 0;
  if (parallel_ != nullptr && all.size() >= options_.parallel_entries_min) {
    in_order_.push_back(all.size());
    std::size_t first = 0; // that two threads take, up to the next one that they do not
    for (const std::size_t end : in_order_) {
      if (end - first >= options_.parallel_entries_min) {
        apply_in_order(all.subspan(done, first - done), failed, checked);
        parallel_->apply(all.subspan(first, end - first), failed, checked);
        done = end;
      }
      first = end + 1;
    }
  }
  apply_in_order(all.subspan(done), failed, checked);
  run_.clear();
  in_order_.clear();
}

void graph_builder::apply_in_order(std::span<lookahead> all, const failed_callback& failed,
                                   bool checked) {
  const auto window = [&](std::size_t i) {
    const std::size_t at = std::min(i * run_length, all.size());
    return all.subspan(at, std::min(run_length, all.size() - at));
  };
  // Window i is applied while windows i+1 … i+6 are at earlier stages.
  const std::size_t windows = (all.size() + run_length - 1) / run_length;
  for (std::size_t step = 0; step < windows + 6; ++step) {
    if (step < windows)
      for (lookahead& l : window(step)) {
        prefetch_line(l.entry);
        if (has_target(l.entry->op))
          prefetch_line(&l.entry->b);
      }
    if (step >= 1)
      for (lookahead& l : window(step - 1))
        look_up(l);
    if (step >= 2)
      for (lookahead& l : window(step - 2)) {
        l.a = ids_.candidate(l.hash_a);
        l.b = has_target(l.entry->op) ? ids_.candidate(l.hash_b) : none;
        prefetch_refs(l);
      }
    if (step >= 3)
      for (const lookahead& l : window(step - 3))
        prefetch_roots(l);
    if (step >= 4)
      for (const lookahead& l : window(step - 4))
        prefetch_leaves(l);
    if (step >= 5)
      for (const lookahead& l : window(step - 5))
        prefetch_tails(l);
    if (step >= 6) {
      if (!checked)
        over_budget_ = over_budget();
      for (const lookahead& l : window(step - 6)) {
        if (options_.on_apply)
          options_.on_apply(*l.entry);
        const errc bad = apply(l);
        assert(!checked || bad == errc::ok);
        if (bad != errc::ok)
          failed(*l.entry, bad);
      }
    }
  }
}

} // namespace cmem
