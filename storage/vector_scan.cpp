#include "storage/vector_scan.hpp"

#include "storage/prefetch.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace cmem {

namespace {

constexpr float lowest = -std::numeric_limits<float>::infinity();
constexpr float never = std::numeric_limits<float>::quiet_NaN(); // not >= anything

// Work as deadline_watch counts it, some 2.5 ns each.
constexpr std::uint64_t exact_work = 64;

/// Calls visit(from, to) for blocks of values that have some >= least, and for a last part.
template <class Visit>
void for_each_block_with(const float* values, std::uint32_t count, float least, Visit&& visit) {
  constexpr std::uint32_t together = 16;
  std::uint32_t i = 0;
  for (; i + together <= count; i += together) {
    int any = 0;
    for (std::uint32_t j = 0; j < together; ++j)
      any |= values[i + j] >= least ? 1 : 0;
    if (any != 0)
      visit(i, i + together);
  }
  if (i < count)
    visit(i, count);
}

/// Calls visit(i) for all values[i] >= least, of which there are few.
template <class Visit>
void for_each_at_least(const float* values, std::uint32_t count, float least, Visit&& visit) {
  for_each_block_with(values, count, least, [&](std::uint32_t from, std::uint32_t to) {
    for (std::uint32_t i = from; i < to; ++i)
      if (values[i] >= least)
        visit(i);
  });
}

} // namespace

vector_scan::vector_scan(const graph_snapshot& s, const vector_columns& columns,
                         const vector_scorer& scorer, const filtered_concepts* filter,
                         float confidence_min, best_concepts& best, deadline_watch& watch)
  : s_(s),
    columns_(columns),
    scorer_(scorer),
    filter_(filter),
    confidence_min_(confidence_min),
    best_(best),
    watch_(watch),
    bounds_(scorer) {}

void vector_scan::mask_confidences(std::uint32_t first, std::uint32_t count,
                                   float* keys) const noexcept {
  if (!(confidence_min_ > 0.0F))
    return;
  const float* confidence = &columns_.confidence(first);
  for (std::uint32_t i = 0; i < count; ++i)
    keys[i] = confidence[i] >= confidence_min_ ? keys[i] : never;
}

void vector_scan::collect(const float* keys, std::uint32_t first, std::uint32_t count,
                          float least) {
  for_each_at_least(keys, count, least, [&](std::uint32_t i) {
    collected_.push_back({keys[i], first + i});
  });
}

void vector_scan::look_at_all(std::uint32_t first) {
  constexpr std::uint32_t group = vector_columns::confidence_group;
  std::array<float, vector_bounds::run_max> keys;
  while (first < columns_.slots()) {
    std::uint32_t count = std::min(columns_.run_of(first), vector_bounds::run_max);
    if (first % group != 0) // whole groups from the next one on
      count = std::min(count, group - first % group);
    if (!put_off(first, count)) {
      bounds_.keys_of_run(columns_, first, count, keys.data());
      mask_confidences(first, count, keys.data());
      collect(keys.data(), first, count, bounds_.least_key(best_.worst_rank()));
      consider_collected();
    }
    if (watch_.passed(count))
      return;
    first += count;
  }
  look_at_put_off();
}

template <class Visit>
void vector_scan::for_each_confident(std::uint32_t first, std::uint32_t count,
                                     Visit&& visit) const {
  constexpr std::uint32_t group = vector_columns::confidence_group;
  const auto look_at = [&](std::uint32_t at, std::uint32_t some) {
    const float* confidence = &columns_.confidence(at);
    for_each_block_with(confidence, some, confidence_min_,
                        [&](std::uint32_t from, std::uint32_t to) {
                          // Without a branch for each: where many pass, none could be foretold.
                          std::array<std::uint8_t, group> confident;
                          std::uint32_t found = 0;
                          for (std::uint32_t i = from; i < to; ++i) {
                            confident[found] = static_cast<std::uint8_t>(i);
                            found += confidence[i] >= confidence_min_ ? 1U : 0U;
                          }
                          for (std::uint32_t i = 0; i < found; ++i)
                            visit(at + confident[i]);
                        });
  };
  const std::uint32_t whole = count / group;
  if (whole > 0)
    for_each_at_least(&columns_.confidence_max(first / group), whole, confidence_min_,
                      [&](std::uint32_t g) { look_at(first + g * group, group); });
  if (count % group != 0)
    look_at(first + whole * group, count % group);
}

double vector_scan::confident_slots() const noexcept {
  constexpr std::uint32_t group = vector_columns::confidence_group;
  constexpr std::uint32_t sample = 32;
  const std::uint32_t groups = columns_.slots() / group;
  if (groups == 0)
    return columns_.slots();
  // Groups that have one, and how many there are in some of these that lie evenly.
  std::uint32_t may = 0;
  for (std::uint32_t g = 0; g < groups;) {
    const std::uint32_t count = std::min(groups - g, columns_.run_of(g * group) / group);
    const float* maxima = &columns_.confidence_max(g);
    std::uint32_t some = 0;
    for (std::uint32_t i = 0; i < count; ++i)
      some += maxima[i] >= confidence_min_ ? 1U : 0U;
    may += some;
    g += count;
  }
  std::uint32_t looked_at = 0;
  std::uint32_t found = 0;
  for (std::uint32_t g = 0; g < groups && looked_at < sample; ++g) {
    if (!(columns_.confidence_max(g) >= confidence_min_))
      continue;
    const float* confidence = &columns_.confidence(g * group);
    for (std::uint32_t i = 0; i < group; ++i)
      found += confidence[i] >= confidence_min_ ? 1U : 0U;
    ++looked_at;
    g += groups / sample;
  }
  const double each = looked_at == 0 ? 0.0 : static_cast<double>(found) / looked_at;
  return each * may + columns_.slots() % group;
}

bool vector_scan::put_off(std::uint32_t first, std::uint32_t count) {
  if (!(confidence_min_ > 0.0F))
    return false;
  const std::size_t before = put_off_.size();
  for_each_confident(first, count, [this](std::uint32_t slot) { put_off_.push_back(slot); });
  // Where many are confident, slots in a row cost less than these alone.
  if (put_off_.size() - before > count / 4) {
    put_off_.resize(before);
    return false;
  }
  if (put_off_.size() >= vector_bounds::run_max)
    look_at_put_off();
  return true;
}

void vector_scan::put_off_confident() {
  for (std::uint32_t first = 0; first < columns_.slots();) {
    const std::uint32_t count = columns_.run_of(first);
    for_each_confident(first, count, [this](std::uint32_t slot) { put_off_.push_back(slot); });
    first += count;
  }
}

void vector_scan::look_at_confident() {
  put_off_confident();
  look_at_put_off();
}

void vector_scan::look_at_confident_best_first() {
  put_off_confident();
  look_at_put_off_best_first();
}

void vector_scan::add_slots_of_rank(std::uint32_t first, double rank,
                                    std::vector<std::uint32_t>& slots) const {
  std::array<float, vector_bounds::run_max> keys;
  const float least = bounds_.least_key(rank);
  while (first < columns_.slots()) {
    const std::uint32_t count = std::min(columns_.run_of(first), vector_bounds::run_max);
    bounds_.keys_of_run(columns_, first, count, keys.data());
    for_each_at_least(keys.data(), count, least,
                      [&](std::uint32_t i) { slots.push_back(first + i); });
    first += count;
  }
}

bool vector_scan::collect_put_off() {
  std::array<float, vector_bounds::run_max> keys;
  for (std::span<const std::uint32_t> rest = put_off_; !rest.empty();) {
    const auto some = rest.first(std::min<std::size_t>(rest.size(), vector_bounds::run_max));
    rest = rest.subspan(some.size());
    bounds_.keys_of(columns_, some, keys.data());
    const float least = bounds_.least_key(best_.worst_rank());
    const bool any = !(confidence_min_ > 0.0F); // then confidences need not be fetched
    for (std::size_t i = 0; i < some.size(); ++i)
      if (keys[i] >= least && (any || columns_.confidence(some[i]) >= confidence_min_))
        collected_.push_back({keys[i], some[i]});
    if (watch_.passed(4 * some.size()))
      return false;
  }
  put_off_.clear();
  return true;
}

void vector_scan::look_at_put_off() {
  if (collect_put_off())
    consider_collected();
}

void vector_scan::look_at_put_off_best_first() {
  if (!collect_put_off())
    return;
  std::span<candidate> rest = collected_;
  for (std::size_t count = 2 * std::min<std::size_t>(best_.k(), 512); !rest.empty(); count *= 4) {
    count = std::min(count, rest.size());
    std::nth_element(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(count - 1),
                     rest.end(), before);
    consider(rest.first(count));
    // None of the others has a larger key than the last of these.
    if (watch_.passed() || rest[count - 1].key < bounds_.least_key(best_.worst_rank()))
      break;
    rest = rest.subspan(count);
  }
  collected_.clear();
}

void vector_scan::consider_collected() {
  // The most promising first: what they make the least rank spares most of the others a look.
  promising_.resize(std::min(collected_.size(), 2 * std::min<std::size_t>(best_.k(), 512)));
  std::partial_sort_copy(collected_.begin(), collected_.end(), promising_.begin(), promising_.end(),
                         before);
  consider(promising_);
  if (promising_.size() < collected_.size()) {
    const float least = bounds_.least_key(best_.worst_rank());
    std::erase_if(collected_, [&](const candidate& c) {
      return c.key < least || !before(promising_.back(), c);
    });
    consider(collected_);
  }
  collected_.clear();
}

void vector_scan::consider(std::span<const candidate> some) {
  constexpr std::size_t far = 8;
  constexpr std::size_t near = 4;
  float least = bounds_.least_key(best_.worst_rank());
  const auto fetch_node = [&](std::size_t i) {
    if (i < some.size() && some[i].key >= least && columns_.owner(some[i].slot) < s_.index_count())
      prefetch_line(&s_.node(columns_.owner(some[i].slot)));
  };
  const auto fetch_payload = [&](std::size_t i) {
    if (i < some.size() && some[i].key >= least && columns_.owner(some[i].slot) < s_.index_count())
      s_.prefetch_payloads(columns_.owner(some[i].slot));
  };
  for (std::size_t i = 0; i < std::min(far, some.size()); ++i)
    fetch_node(i);
  for (std::size_t i = 0; i < std::min(near, some.size()); ++i)
    fetch_payload(i);
  for (std::size_t i = 0; i < some.size(); ++i) {
    fetch_node(i + far);
    fetch_payload(i + near);
    const std::uint32_t slot = some[i].slot;
    if (!(some[i].key >= least) || !columns_.is_current(s_, slot))
      continue;
    if (watch_.passed(exact_work))
      return;
    const std::uint32_t index = columns_.owner(slot);
    if (filter_ != nullptr && !filter_->contains(index))
      continue;
    const auto score = scorer_.score(index);
    if (!score || !best_.wants({index, *score}))
      continue;
    best_.add({index, *score});
    least = bounds_.least_key(best_.worst_rank());
  }
}

void vector_scan::look_at_all_best_first() {
  std::vector<float> keys(columns_.slots());
  for (std::uint32_t first = 0; first < columns_.slots();) {
    const std::uint32_t count = std::min(columns_.run_of(first), vector_bounds::run_max);
    bounds_.keys_of_run(columns_, first, count, &keys[first]);
    mask_confidences(first, count, &keys[first]);
    if (watch_.passed(count))
      return;
    first += count;
  }
  // Rounds of slots whose keys lie between two bounds, each with a larger share of all. What bounds
  // them is guessed from a sample: a bad guess costs time alone.
  constexpr std::size_t sample_max = 4096;
  std::vector<float> sample;
  const std::size_t every = keys.size() / sample_max + 1;
  for (std::size_t i = 0; i < keys.size(); i += every)
    if (!std::isnan(keys[i]))
      sample.push_back(keys[i]);
  std::sort(sample.rbegin(), sample.rend());
  float upper = never; // keys from here on were looked at
  for (std::size_t rank = 2 * best_.k() / every + 1;; rank = 4 * rank) {
    const float least = bounds_.least_key(best_.worst_rank());
    if (upper <= least)
      return;
    const float lower = std::max(least, rank < sample.size() ? sample[rank] : lowest);
    collect(keys.data(), 0, static_cast<std::uint32_t>(keys.size()), lower);
    std::erase_if(collected_, [&](const candidate& c) { return c.key >= upper; });
    consider(collected_);
    collected_.clear();
    if (lower == least || watch_.passed(keys.size() / 8))
      return;
    upper = lower;
  }
}

void vector_scan::put_off_slots_of(std::span<const std::uint32_t> indices) {
  constexpr std::size_t ahead = 16;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    if (i + ahead < indices.size())
      columns_.prefetch_slot_of(indices[i + ahead]);
    if (const std::uint32_t slot = columns_.slot_of(indices[i]); slot != vector_columns::slot_none)
      put_off_.push_back(slot);
    if (i % vector_bounds::run_max == 0 && watch_.passed(vector_bounds::run_max))
      return;
  }
}

void vector_scan::look_at(std::span<const std::uint32_t> indices) {
  put_off_slots_of(indices);
  look_at_put_off();
}

void vector_scan::look_at_best_first(std::span<const std::uint32_t> indices) {
  put_off_slots_of(indices);
  look_at_put_off_best_first();
}

void vector_scan::look_at_slots(std::span<const std::uint32_t> slots) {
  put_off_.assign(slots.begin(), slots.end());
  look_at_put_off();
}

} // namespace cmem
