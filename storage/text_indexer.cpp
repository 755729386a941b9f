#include "storage/text_indexer.hpp"

#include "storage/text_changes.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace cmem {

namespace {

// Each document is merged a few times for each part that is larger: this much work for what is new
// keeps a merge that is under way from falling behind.
constexpr std::size_t merged_a_posting = 32;

std::size_t work_of(const text_index::piece& p) noexcept {
  return p.part->postings() + p.part->documents();
}

} // namespace

text_indexer::text_indexer(std::size_t at_once, std::size_t a_part, text_fields fields)
  : at_once_(at_once), a_part_(a_part), fields_(fields), builder_(fields) {}

text_indexer::pieces text_indexer::parts_of(const graph_snapshot& s,
                                            std::span<const std::uint32_t> indices) {
  pieces made;
  const auto finish = [&] {
    if (builder_.documents() == 0)
      return;
    auto part = builder_.finish();
    const dead_documents none(part->documents());
    made.push_back({std::move(part), none});
  };
  constexpr std::size_t ahead = 8;
  for (std::size_t i = 0; i != indices.size(); ++i) {
    if (i + ahead < indices.size())
      s.prefetch_payloads(indices[i + ahead]);
    builder_.add(s, indices[i]);
    if (builder_.postings() >= a_part_)
      finish();
  }
  finish();
  return made;
}

text_index::piece text_indexer::merged(pieces all) {
  if (all.size() == 1 && all[0].dead.count() == 0)
    return std::move(all[0]);
  text_merge m(all);
  while (!m.step(~std::size_t{0})) {}
  return m.finish(all);
}

void text_indexer::publish(pieces all, std::uint64_t words) {
  std::erase_if(all, [](const text_index::piece& p) { return p.live() == 0; });
  last_ = std::make_shared<const text_index>(std::move(all), words);
}

std::shared_ptr<const text_index> text_indexer::rebuild(const graph_snapshot& s) {
  builder_ = text_part_builder(fields_); // what a call left that threw
  std::vector<std::uint32_t> indices;
  for (std::uint32_t i = 0; i != s.index_count(); ++i)
    if (s.is_learned(i))
      indices.push_back(i);
  pieces all = parts_of(s, indices);
  std::uint64_t words = 0;
  for (const text_index::piece& p : all)
    words += p.part->words();
  if (all.size() > 1) {
    text_index::piece one = merged(std::move(all));
    all.clear();
    all.push_back(std::move(one));
  }
  merge_.reset();
  publish(std::move(all), words);
  return last_;
}

std::shared_ptr<const text_index> text_indexer::update(const graph_snapshot& s,
                                                       std::span<const std::uint32_t> changed) {
  if (!last_)
    last_ = std::make_shared<const text_index>();
  builder_ = text_part_builder(fields_);
  std::vector<std::uint32_t> all_changed(changed.begin(), changed.end());
  std::vector<std::uint32_t> fresh;
  std::vector<std::vector<std::uint32_t>> died(last_->pieces().size());
  std::uint64_t words = last_->words();
  sift_changed(
    s, *last_, all_changed,
    [&](const text_index::place& p, const text_document& d) {
      died[p.piece].push_back(p.number);
      words -= d.words;
    },
    [&](std::uint32_t i) { fresh.push_back(i); });
  const bool nothing_died =
    std::all_of(died.begin(), died.end(), [](const auto& d) { return d.empty(); });
  if (nothing_died && fresh.empty())
    return merge(at_once_);
  pieces all(last_->pieces().begin(), last_->pieces().end());
  for (std::size_t i = 0; i != all.size(); ++i)
    if (!died[i].empty())
      all[i].dead = all[i].dead.with(died[i]);
  std::size_t work = at_once_;
  for (text_index::piece& p : parts_of(s, fresh)) {
    words += p.part->words();
    work += work_of(p) * merged_a_posting;
    all.push_back(std::move(p));
  }
  std::optional<text_merge> running = std::exchange(merge_, std::nullopt); // given up by a throw
  go_on(running, all, work);
  tidy(running, all);
  publish(std::move(all), words);
  merge_ = std::move(running);
  return last_;
}

std::shared_ptr<const text_index> text_indexer::merge(std::size_t postings_max) {
  if (!merge_)
    return last_;
  pieces all(last_->pieces().begin(), last_->pieces().end());
  std::optional<text_merge> running = std::exchange(merge_, std::nullopt);
  go_on(running, all, postings_max);
  if (!running) {
    tidy(running, all);
    publish(std::move(all), last_->words());
  }
  merge_ = std::move(running);
  return last_;
}

void text_indexer::go_on(std::optional<text_merge>& running, pieces& all,
                         std::size_t postings_max) {
  if (!running || !running->step(postings_max))
    return;
  pieces now;
  for (const text_index::piece& before : running->pieces()) {
    const auto here =
      std::find_if(all.begin(), all.end(), [&](const auto& p) { return p.part == before.part; });
    if (here != all.end()) {
      now.push_back(std::move(*here));
      all.erase(here);
      continue;
    }
    // Its last document died, so that generations have it no more.
    std::vector<std::uint32_t> rest;
    for (std::uint32_t n = 0; n != before.part->documents(); ++n)
      if (!before.dead.test(n))
        rest.push_back(n);
    now.push_back({before.part, before.dead.with(rest)});
  }
  all.push_back(running->finish(now));
  running.reset();
}

void text_indexer::tidy(std::optional<text_merge>& running, pieces& all) const {
  std::erase_if(all, [](const text_index::piece& p) { return p.live() == 0; });
  const auto is_free = [&running](const text_index::piece& p) {
    const auto busy = running ? running->pieces() : std::span<const text_index::piece>();
    return std::none_of(busy.begin(), busy.end(), [&p](const auto& b) { return b.part == p.part; });
  };
  const auto free_end = std::stable_partition(all.begin(), all.end(), is_free);
  std::sort(all.begin(), free_end,
            [](const auto& a, const auto& b) { return a.live() < b.live(); });
  // The smallest ones, up to the last that is at most twice what is smaller, or more than half
  // dead; and the same of those that can be merged at once.
  std::ptrdiff_t large = 0;
  std::ptrdiff_t small = 0;
  std::size_t smaller = 0;
  std::size_t work = 0;
  for (auto i = all.begin(); i != free_end; ++i) {
    work += work_of(*i);
    if (i->live() <= 2 * smaller || i->dead.count() > i->live()) {
      large = i - all.begin() + 1;
      small = work <= at_once_ ? large : small;
    }
    smaller += i->live();
  }
  if (large != small && !running)
    running.emplace(pieces(all.begin(), all.begin() + large));
  else if (small != 0) {
    text_index::piece one = merged(pieces(all.begin(), all.begin() + small));
    all.erase(all.begin(), all.begin() + small);
    all.push_back(std::move(one));
  }
}

} // namespace cmem
