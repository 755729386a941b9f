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

// For what is rounded: keys of vectors of length 1 are some floats multiplied and added, none of
// them over 3, and scores are such floats, or sums of doubles whose errors are far smaller.
constexpr float float_slack = 2e-6F;
// The same for the squares of distances.
constexpr double square_slack = 1e-11;

// Work as deadline_watch counts it, some 2.5 ns each.
constexpr std::uint64_t exact_work = 64;

/// Calls visit(i) for all values[i] >= least, of which there are few.
template <class Visit>
void for_each_at_least(const float* values, std::uint32_t count, float least, Visit&& visit) {
  constexpr std::uint32_t together = 16;
  std::uint32_t i = 0;
  const auto look_at = [&](std::uint32_t end) {
    for (; i < end; ++i)
      if (values[i] >= least)
        visit(i);
  };
  while (i + together <= count) {
    int any = 0;
    for (std::uint32_t j = 0; j < together; ++j)
      any |= values[i + j] >= least ? 1 : 0;
    if (any != 0)
      look_at(i + together);
    else
      i += together;
  }
  look_at(count);
}

} // namespace

vector_bounds::vector_bounds(const vector_scorer& scorer)
  : metric_(scorer.metric()), norm_(scorer.norm()), codes_(code_stride(scorer.query().size())) {
  const quantized_vector q = quantize(scorer.query(), codes_.data());
  unit_scale_ = q.unit_scale;
  const auto square = multiply_codes(codes_.data(), codes_.data(), codes_.size());
  const double length = std::sqrt(static_cast<double>(square)) * static_cast<double>(q.unit_scale);
  residual_factor_ = static_cast<float>(length * (1.0 + 1e-6)); // more than rounding takes off
  query_residual_ = q.unit_residual + float_slack;
}

float vector_bounds::key(float unit_bound, double norm) const noexcept {
  // Rounding to float keeps the order: a bound that reaches a rank still does.
  const double product = static_cast<double>(unit_bound) * norm * norm_;
  return static_cast<float>(metric_ == vector_metric::l2 ? product - 0.5 * (norm * norm) : product);
}

float vector_bounds::least_key(double rank) const noexcept {
  if (metric_ != vector_metric::l2 || !std::isfinite(rank))
    return static_cast<float>(rank);
  // d^2 = |q|^2 + |x|^2 - 2 q.x, and the key stands for q.x - |x|^2 / 2.
  const double q = norm_ * norm_;
  const double d = rank * rank;
  return static_cast<float>(0.5 * (q - d) - square_slack * (q + d));
}

void vector_bounds::keys_of_run(const vector_columns& columns, std::uint32_t first,
                                std::uint32_t count, float* keys) const noexcept {
  std::array<std::int32_t, run_max> products;
  multiply_codes_run(codes_.data(), columns.codes(first), codes_.size(), count, products.data());
  const float* scale = &columns.unit_scale(first);
  const float* residual = &columns.unit_residual(first);
  for (std::uint32_t i = 0; i < count; ++i)
    keys[i] = unit_bound(products[i], scale[i], residual[i]);
  if (metric_ == vector_metric::cosine)
    return;
  const double* norm = &columns.norm(first);
  for (std::uint32_t i = 0; i < count; ++i)
    keys[i] = key(keys[i], norm[i]);
}

void vector_bounds::keys_of(const vector_columns& columns, std::span<const std::uint32_t> slots,
                            float* keys) const noexcept {
  std::array<const std::int8_t*, run_max> codes{};
  std::array<std::int32_t, run_max> products;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    codes[i] = columns.codes(slots[i]);
    prefetch_line(&columns.unit_scale(slots[i]));
    prefetch_line(&columns.unit_residual(slots[i]));
    if (metric_ != vector_metric::cosine)
      prefetch_line(&columns.norm(slots[i]));
  }
  multiply_codes_at(codes_.data(), codes.data(), codes_.size(), slots.size(), products.data());
  for (std::size_t i = 0; i < slots.size(); ++i) {
    keys[i] =
      unit_bound(products[i], columns.unit_scale(slots[i]), columns.unit_residual(slots[i]));
    if (metric_ != vector_metric::cosine)
      keys[i] = key(keys[i], columns.norm(slots[i]));
  }
}

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

bool vector_scan::put_off(std::uint32_t first, std::uint32_t count) {
  if (!(confidence_min_ > 0.0F))
    return false;
  constexpr std::uint32_t group = vector_columns::confidence_group;
  const std::size_t before = put_off_.size();
  const auto look_at = [&](std::uint32_t at, std::uint32_t some) {
    for_each_at_least(&columns_.confidence(at), some, confidence_min_,
                      [&](std::uint32_t i) { put_off_.push_back(at + i); });
  };
  const std::uint32_t whole = count / group;
  if (whole > 0)
    for_each_at_least(&columns_.confidence_max(first / group), whole, confidence_min_,
                      [&](std::uint32_t g) { look_at(first + g * group, group); });
  if (count % group != 0)
    look_at(first + whole * group, count % group);
  // Where many are confident, slots in a row cost less than these alone.
  if (put_off_.size() - before > count / 4) {
    put_off_.resize(before);
    return false;
  }
  if (put_off_.size() >= vector_bounds::run_max)
    look_at_put_off();
  return true;
}

void vector_scan::look_at_put_off() {
  std::array<float, vector_bounds::run_max> keys;
  for (std::span<const std::uint32_t> rest = put_off_; !rest.empty();) {
    const auto some = rest.first(std::min<std::size_t>(rest.size(), vector_bounds::run_max));
    rest = rest.subspan(some.size());
    bounds_.keys_of(columns_, some, keys.data());
    const float least = bounds_.least_key(best_.worst_rank());
    for (std::size_t i = 0; i < some.size(); ++i)
      if (keys[i] >= least && !(columns_.confidence(some[i]) < confidence_min_))
        collected_.push_back({keys[i], some[i]});
    consider_collected();
  }
  put_off_.clear();
}

void vector_scan::consider_collected() {
  // The most promising first: what they make the least rank spares most of the others a look.
  const std::size_t promising =
    std::min(collected_.size(), 2 * std::min<std::size_t>(best_.k(), 512));
  if (promising < collected_.size()) {
    const auto middle = collected_.begin() + static_cast<std::ptrdiff_t>(promising);
    std::nth_element(collected_.begin(), middle, collected_.end(),
                     [](const candidate& a, const candidate& b) {
                       return a.key != b.key ? a.key > b.key : a.slot < b.slot;
                     });
    consider(std::span(collected_).first(promising));
  }
  const std::size_t done = promising < collected_.size() ? promising : 0;
  consider(std::span(collected_).subspan(done));
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

void vector_scan::look_at(std::span<const std::uint32_t> indices) {
  constexpr std::size_t ahead = 16;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    if (i + ahead < indices.size())
      columns_.prefetch_slot_of(indices[i + ahead]);
    const std::uint32_t slot = columns_.slot_of(indices[i]);
    if (slot != vector_columns::slot_none)
      put_off_.push_back(slot);
    if (put_off_.size() < vector_bounds::run_max)
      continue;
    look_at_put_off();
    if (watch_.passed(4 * vector_bounds::run_max))
      return;
  }
  look_at_put_off();
}

void vector_scan::look_at_slots(std::span<const std::uint32_t> slots) {
  put_off_.assign(slots.begin(), slots.end());
  look_at_put_off();
}

} // namespace cmem
