#include "storage/vector_graph_builder.hpp"

#include "storage/vector_graph_walk.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstring>

namespace cmem {

namespace {

using entry = graph_scratch::entry;

} // namespace

vector_graph_builder::vector_graph_builder(const vector_graph_options& options)
  : vector_graph_builder(options, std::nullopt) {}

vector_graph_builder::vector_graph_builder(const vector_graph_options& options,
                                           std::optional<graph_links> stored)
  : options_(options),
    links_(stored && stored->neighbors == options.neighbors ? std::move(*stored)
                                                            : graph_links(options.neighbors)) {
  assert(options.breadth >= options.neighbors);
}

std::shared_ptr<const vector_graph> vector_graph_builder::extend(
  const graph_snapshot& s, const std::shared_ptr<const vector_columns>& columns) {
  known_slots_ = std::min(columns->slots(), graph_links::slots_max);
  if (known_slots_ < options_.slots_min)
    return last_;
  if (!copying_ && is_due())
    copying_ = begin_copy();
  if (copying_) {
    if (go_on(*copying_, options_.rows_a_step)) {
      last_ = std::make_shared<const vector_graph>(options_.metric, std::move(copying_->links));
      copying_.reset();
    }
  } else {
    insert(s, *columns, options_.slots_a_step);
  }
  return last_;
}

bool vector_graph_builder::complete() const noexcept {
  return known_slots_ < options_.slots_min
         || (!copying_ && links_.slots == known_slots_ && !is_due());
}

bool vector_graph_builder::is_due() const noexcept {
  if (links_.slots < options_.slots_min)
    return false; // a search and a scan of the rest cost more than a scan of all
  const std::uint32_t copied = last_ ? last_->slots() : 0;
  // Far behind, copies would only hold it up.
  const std::uint32_t behind = std::min(known_slots_ - links_.slots, copied);
  return !last_ || links_.slots - copied >= std::max({options_.tail_max, copied / 64, behind});
}

void vector_graph_builder::insert(const graph_snapshot& s, const vector_columns& columns,
                                  std::uint32_t count) {
  const std::uint32_t all = std::min(columns.slots(), graph_links::slots_max);
  const std::uint32_t end = links_.slots + std::min(count, all - links_.slots);
  reserve(end);
  for (; links_.slots < end; ++links_.slots)
    if (columns.is_current(s, links_.slots))
      add(s, columns, links_.slots);
    else
      links_.first_upper[links_.slots] = graph_links::no_upper;
}

std::shared_ptr<const vector_graph> vector_graph_builder::publish() const {
  copy c = begin_copy();
  go_on(c, links_.slots);
  return std::make_shared<const vector_graph>(options_.metric, std::move(c.links));
}

void vector_graph_builder::reserve(std::uint32_t slots) {
  std::uint32_t upper_rows = links_.upper_rows;
  for (std::uint32_t slot = links_.slots; slot < slots; ++slot)
    upper_rows += graph_level_of(slot, options_.neighbors);
  links_.base.reserve(slots);
  links_.first_upper.reserve(slots);
  links_.twins.reserve(slots);
  links_.upper.reserve(upper_rows);
  scratch_.list.reserve(options_.breadth + std::size_t{2});
}

/// Looks for all of its neighbors before anything leads to it: a throw changes nothing.
void vector_graph_builder::add(const graph_snapshot& s, const vector_columns& columns,
                               std::uint32_t slot) {
  const unsigned level = graph_level_of(slot, options_.neighbors);
  links_.first_upper[slot] = links_.upper_rows;
  if (links_.entry != 0) {
    const graph_scorer scorer(columns, options_.metric, slot);
    const graph_effort effort{.breadth = options_.breadth};
    const graph_candidate entry{scorer.of(links_.entry - 1), links_.entry - 1};
    graph_candidate at = entry;
    descend(links_, scorer, links_.top, 0, at);
    (void) spread(links_, scorer, 0, at, effort, scratch_);
    if (add_twin(s, columns, slot)) {
      links_.first_upper[slot] = graph_links::no_upper;
      return;
    }
    const unsigned connected = std::min(level, links_.top);
    choose_neighbors(columns, slot, 0);
    at = entry;
    descend(links_, scorer, links_.top, connected, at);
    for (unsigned l = connected; l > 0; --l) {
      (void) spread(links_, scorer, l, at, effort, scratch_);
      at = {scratch_.list.front().score, slot_of(scratch_.list.front())};
      choose_neighbors(columns, slot, l);
    }
    for (unsigned l = 0; l <= connected; ++l)
      offer_to_neighbors(columns, slot, l);
  }
  links_.upper_rows += level;
  if (links_.entry == 0 || level > links_.top) {
    links_.entry = slot + 1;
    links_.top = level;
  }
}

bool vector_graph_builder::add_twin(const graph_snapshot& s, const vector_columns& columns,
                                    std::uint32_t slot) noexcept {
  for (const entry& e : scratch_.list) {
    const std::uint32_t place = slot_of(e);
    if (e.score < scratch_.list.front().score)
      return false;
    if (columns.norm(place) != columns.norm(slot)
        || columns.unit_scale(place) != columns.unit_scale(slot)
        || std::memcmp(columns.codes(place), columns.codes(slot), columns.stride()) != 0)
      continue;
    // What is dead never lives again. The newest die first where one concept has them all.
    std::uint32_t& twins = links_.twins[place];
    while (twins != 0 && !columns.is_current(s, twins - 1))
      twins = links_.twins[twins - 1];
    links_.twins[slot] = twins;
    twins = slot + 1;
    return true;
  }
  return false;
}

void vector_graph_builder::choose_neighbors(const vector_columns& columns, std::uint32_t slot,
                                            unsigned level) noexcept {
  std::uint32_t* row = links_.row(slot, level);
  const std::size_t count = choose(columns, scratch_.list, options_.neighbors, row);
  std::fill(row + count, row + links_.width(level), 0U); // what a call left that threw
  for (std::size_t i = 0; i < count; ++i)
    prefetch_row(links_, row[i] - 1, level);
}

void vector_graph_builder::offer_to_neighbors(const vector_columns& columns, std::uint32_t slot,
                                              unsigned level) noexcept {
  const std::uint32_t* row = links_.row(slot, level);
  for (std::size_t i = 0; i < links_.width(level) && row[i] != 0; ++i)
    offer(columns, row[i] - 1, slot, level);
}

void vector_graph_builder::offer(const vector_columns& columns, std::uint32_t to,
                                 std::uint32_t slot, unsigned level) noexcept {
  std::uint32_t* row = links_.row(to, level);
  const std::size_t width = links_.width(level);
  if (row[width - 1] == 0) {
    *std::find(row, row + width, 0U) = slot + 1;
    return;
  }
  // Full: of these and the new one those that lead to different places stay.
  constexpr std::size_t row_max = graph_scorer::together_max;
  std::array<std::uint32_t, row_max + 1> slots;
  std::array<float, row_max + 1> scores;
  std::array<entry, row_max + 1> by_score;
  const graph_scorer scorer(columns, options_.metric, to);
  for (std::size_t i = 0; i < width; ++i) {
    slots[i] = row[i] - 1;
    scorer.prefetch(slots[i]);
  }
  scorer.of_each({slots.data(), width}, scores.data());
  slots[width] = slot;
  scores[width] = scorer.of(slot);
  for (std::size_t i = 0; i <= width; ++i)
    by_score[i] = {scores[i], slots[i]};
  const auto end = by_score.begin() + static_cast<std::ptrdiff_t>(width) + 1;
  // Ties are those of copies of one vector. Of many each row keeps others, so that all are reached.
  const auto tie = [to](const entry& e) { return graph_hash(std::uint64_t{to} << 32 | e.word); };
  std::sort(by_score.begin(), end, [&](const entry& a, const entry& b) {
    return a.score != b.score ? a.score > b.score : tie(a) < tie(b);
  });
  std::fill(row + choose(columns, {by_score.begin(), end}, width, row), row + width, 0U);
}

std::size_t vector_graph_builder::choose(const vector_columns& columns, std::span<const entry> from,
                                         std::size_t count, std::uint32_t* row) const noexcept {
  std::size_t chosen = 0;
  std::size_t copies = 0; // of the vector that they are neighbors of
  for (const entry& e : from) {
    if (chosen == count)
      break;
    const graph_scorer scorer(columns, options_.metric, slot_of(e));
    // What a chosen one is nearer to is reached through that. Copies are equally near to each
    // other: they have half of the places, else they would know nothing but one another.
    bool reached = false;
    bool is_copy = false;
    for (std::size_t i = 0; i < chosen && !reached; ++i) {
      const float score = scorer.of(row[i] - 1);
      is_copy = is_copy || score == e.score;
      reached = score > e.score || (is_copy && copies >= count / 2);
    }
    if (reached)
      continue;
    copies += is_copy ? 1 : 0;
    row[chosen++] = slot_of(e) + 1;
  }
  return chosen;
}

vector_graph_builder::copy vector_graph_builder::begin_copy() const {
  copy c{graph_links(links_.neighbors)};
  c.links.base.reserve(links_.slots);
  c.links.upper.reserve(links_.upper_rows);
  c.links.first_upper.reserve(links_.slots);
  c.links.twins.reserve(links_.slots);
  c.links.slots = links_.slots;
  c.links.upper_rows = links_.upper_rows;
  c.links.entry = links_.entry;
  c.links.top = links_.top;
  return c;
}

bool vector_graph_builder::go_on(copy& c, std::uint32_t rows) const noexcept {
  const auto copy_items = [](const growing_array<std::uint32_t>& from,
                             const growing_array<std::uint32_t>& to, std::uint32_t first,
                             std::uint32_t end, std::size_t width) {
    while (first < end) {
      const auto count = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(growing_array<std::uint32_t>::run_of(first), end - first));
      std::memcpy(to.at(first), from.at(first), count * width * sizeof(std::uint32_t));
      first += count;
    }
  };
  const std::uint32_t end = c.rows + std::min(rows, links_.slots - c.rows);
  copy_items(links_.base, c.links.base, c.rows, end, links_.width(0));
  copy_items(links_.first_upper, c.links.first_upper, c.rows, end, 1);
  copy_items(links_.twins, c.links.twins, c.rows, end, 1);
  c.rows = end;
  if (end != links_.slots)
    return false;
  copy_items(links_.upper, c.links.upper, 0, links_.upper_rows, links_.width(1));
  return true;
}

} // namespace cmem
