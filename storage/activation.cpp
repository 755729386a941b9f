#include "storage/activation.hpp"

#include "storage/context_search.hpp"
#include "storage/filtered_walk.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <string>

namespace cmem {

namespace {

constexpr double unit = 0x1p-40;
constexpr std::uint64_t units_max = std::uint64_t{1} << 62; // activation_max
static_assert(activation_max == static_cast<double>(units_max) * unit);

/// Two of at most units_max: it stops there, in whatever order sums are made.
std::uint64_t add(std::uint64_t a, std::uint64_t b) noexcept { return std::min(a + b, units_max); }

/// Precondition: factor in [0,1]. Products only, which every machine rounds alike.
std::uint64_t part_of(std::uint64_t units, double factor) noexcept {
  return static_cast<std::uint64_t>(static_cast<double>(units) * factor);
}

double conductance(const adjacency_chunk& c, std::size_t i) noexcept {
  return std::min(1.0, static_cast<double>(c.confidence[i]) * static_cast<double>(c.weight[i]));
}

// The sum of many conductances, the same in any order: in whole units, 2^62 of which are as much as
// the greatest may be.
class conductance_sum {
public:
  explicit conductance_sum(double scale) noexcept : scale_(scale) {}

  void add(double c) noexcept {
    greatest_ = std::max(greatest_, c);
    const auto units = static_cast<std::uint64_t>(c * scale_);
    high_ += units >> 32; // apart, so that as many as a list may have do not overflow
    low_ += units & 0xFFFF'FFFFU;
  }
  [[nodiscard]] double greatest() const noexcept { return greatest_; }
  [[nodiscard]] double value() const noexcept {
    return (static_cast<double>(high_) * 0x1p32 + static_cast<double>(low_)) / scale_;
  }

private:
  double scale_; // units in 1; a power of 2
  double greatest_ = 0.0;
  std::uint64_t high_ = 0;
  std::uint64_t low_ = 0;
};

class spreading {
public:
  spreading(const graph_snapshot& s, const activation_query& query, context_scratch::impl& scratch)
    : s_(s),
      query_(query),
      walk_(s, query.filter),
      watch_(query.limits.deadline, scratch.clock),
      threshold_(std::min(query.threshold, 2 * activation_max) / unit),
      places_(scratch.places),
      total_places_(scratch.total_places),
      pulses_(scratch.pulses),
      totals_(scratch.totals),
      before_(scratch.before),
      ranking_(scratch.ranking) {
    places_.reserve(s.index_count());
    total_places_.reserve(s.index_count());
    pulses_.clear();
    totals_.clear();
    ranking_.clear();
  }

  activation_answer run(std::span<const activation_seed> seeds) {
    for (const activation_seed& seed : seeds) {
      const auto energy = static_cast<std::uint64_t>(seed.energy / unit);
      if (places_.in(pulses_, seed.at)) {
        activation_pulse& p = pulses_[places_[seed.at]];
        p.best = p.energy = add(p.energy, energy);
      } else {
        places_[seed.at] = static_cast<std::uint32_t>(pulses_.size());
        pulses_.push_back({seed.at, no_pulse, energy, energy, 1.0F, 0, direction::outgoing});
      }
    }
    deadline_watch none{std::nullopt}; // seeds are there at any rate
    (void) sum_up(0, none);
    seeds_ = totals_.size();
    if (totals_.size() > query_.limits.visited_max)
      answer_.end = traversal_end::visited_max;
    else if (watch_.passed(0))
      answer_.end = traversal_end::deadline;
    std::size_t begin = 0;
    while (answer_.end == traversal_end::complete && answer_.hops < query_.hops) {
      const std::size_t end = pulses_.size();
      spread(begin, end);
      if (answer_.end != traversal_end::complete || pulses_.size() == end)
        break;
      if (!sum_up(end, watch_)) {
        answer_.end = traversal_end::deadline;
        break;
      }
      ++answer_.hops;
      begin = end;
    }
    answer_.visited = totals_.size();
    rank();
    return std::move(answer_);
  }

private:
  // One hop. One that was cut short is not summed up.
  void spread(std::size_t begin, std::size_t end) {
    hop_begin_ = end;
    fresh_ = 0;
    for (std::size_t from = begin; from < end; ++from) {
      if (watch_.passed(1)) {
        answer_.end = traversal_end::deadline;
        return;
      }
      const std::uint64_t energy = pulses_[from].energy;
      if (static_cast<double>(energy) < threshold_ || energy == 0)
        continue;
      const std::uint32_t index = pulses_[from].index;
      const double share = query_.fan_effect ? query_.decay / fan_of(index) : query_.decay;
      for_each_way(index, [&](const adjacency_chunk& c, std::size_t i, direction along) {
        give(static_cast<std::uint32_t>(from), share, c, i, along);
      });
      if (totals_.size() + fresh_ > query_.limits.visited_max)
        answer_.end = traversal_end::visited_max;
      else if (watch_.passed())
        answer_.end = traversal_end::deadline;
      if (answer_.end != traversal_end::complete)
        return;
    }
  }

  // What was entered before may be again. Seeds were not: they need not pass.
  [[nodiscard]] bool enters(std::uint32_t index) noexcept {
    return (total_places_.in(totals_, index) && total_places_[index] >= seeds_)
           || walk_.enters(index);
  }

  // Calls f(chunk, place in it, direction) for what a concept spreads along, until the watch says
  // no.
  template <class F>
  void for_each_way(std::uint32_t index, F&& f) {
    if (!watch_.passed())
      walk_.any_association(index, watch_,
                            [&](const adjacency_chunk& c, std::size_t i, direction along) {
                              if (enters(c.targets[i]))
                                f(c, i, along);
                              return false;
                            });
  }

  // Sum of the conductances that a concept spreads along; 1 where there are none, or each is 0.
  [[nodiscard]] double fan_of(std::uint32_t index) {
    const auto sum_up_to = [&](double most) {
      conductance_sum sum(0x1p62 / most);
      for_each_way(index, [&](const adjacency_chunk& c, std::size_t i, direction) {
        sum.add(conductance(c, i));
      });
      return sum;
    };
    conductance_sum sum = sum_up_to(1.0);
    if (sum.greatest() == 0.0)
      return 1.0;
    if (sum.greatest() < 0x1p-8) // what was rounded off might count
      sum = sum_up_to(std::ldexp(1.0, std::ilogb(sum.greatest()) + 1));
    return sum.value();
  }

  void give(std::uint32_t from, double share, const adjacency_chunk& c, std::size_t i,
            direction along) {
    const double factor = std::min(1.0, share * conductance(c, i));
    const std::uint64_t energy = part_of(pulses_[from].energy, factor);
    if (energy == 0)
      return;
    const std::uint32_t to = c.targets[i];
    const activation_pulse offered{
      to, from, energy, part_of(pulses_[from].best, factor), c.confidence[i], c.kind[i], along};
    const std::size_t place = places_[to];
    if (place < hop_begin_ || !places_.in(pulses_, to)) {
      fresh_ += total_places_.in(totals_, to) ? 0U : 1U;
      places_[to] = static_cast<std::uint32_t>(pulses_.size());
      pulses_.push_back(offered);
      return;
    }
    activation_pulse& p = pulses_[place];
    const std::uint64_t sum = add(p.energy, energy);
    if (brings_more(offered, p))
      p = offered;
    p.energy = sum;
  }

  [[nodiscard]] bool brings_more(const activation_pulse& a, const activation_pulse& b) const {
    if (a.best != b.best)
      return a.best > b.best;
    if (a.from != b.from)
      return s_.node(pulses_[a.from].index).id < s_.node(pulses_[b.from].index).id;
    return a.kind != b.kind ? a.kind < b.kind : a.along < b.along;
  }

  // The pulses from `begin` on, or none: the watch said no.
  bool sum_up(std::size_t begin, deadline_watch& watch) {
    const std::size_t known = totals_.size();
    before_.clear();
    for (std::size_t i = begin; i < pulses_.size(); ++i) {
      if (watch.passed(1)) {
        totals_.resize(known);
        for (const activation_total& t : before_)
          totals_[total_places_[t.index]] = t;
        return false;
      }
      const activation_pulse& p = pulses_[i];
      const auto at = static_cast<std::uint32_t>(i);
      if (!total_places_.in(totals_, p.index)) {
        total_places_[p.index] = static_cast<std::uint32_t>(totals_.size());
        totals_.push_back({p.index, at, p.energy, p.best});
        continue;
      }
      activation_total& t = totals_[total_places_[p.index]];
      before_.push_back(t); // its only change: a hop has one pulse of a concept
      t.energy = add(t.energy, p.energy);
      if (p.best > t.best) {
        t.best = p.best;
        t.best_at = at;
      }
    }
    return true;
  }

  void rank() {
    for (std::size_t i = query_.with_seeds ? 0 : seeds_; i < totals_.size(); ++i)
      if (totals_[i].energy != 0)
        ranking_.push_back(static_cast<std::uint32_t>(i));
    const std::size_t hits = std::min(query_.top_k, ranking_.size());
    std::partial_sort(ranking_.begin(), ranking_.begin() + static_cast<std::ptrdiff_t>(hits),
                      ranking_.end(), [this](std::uint32_t a, std::uint32_t b) {
                        const activation_total& x = totals_[a];
                        const activation_total& y = totals_[b];
                        return x.energy != y.energy ? x.energy > y.energy
                                                    : s_.node(x.index).id < s_.node(y.index).id;
                      });
    answer_.hits.reserve(hits);
    for (std::size_t i = 0; i < hits; ++i) {
      const activation_total& t = totals_[ranking_[i]];
      answer_.hits.push_back({t.index, static_cast<double>(t.energy) * unit, way_to(t.best_at),
                              static_cast<double>(t.best) * unit});
    }
  }

  [[nodiscard]] path way_to(std::uint32_t last) const {
    path way;
    std::uint32_t at = last;
    for (; pulses_[at].from != no_pulse; at = pulses_[at].from) {
      const activation_pulse& p = pulses_[at];
      path_step step;
      step.index = p.index;
      step.kind = p.kind;
      step.confidence = p.confidence;
      step.along = p.along;
      way.steps.push_back(step);
    }
    way.source = pulses_[at].index;
    std::reverse(way.steps.begin(), way.steps.end());
    for (const path_step& step : way.steps)
      way.confidence *= static_cast<double>(step.confidence);
    return way;
  }

  const graph_snapshot& s_;
  const activation_query& query_;
  filtered_walk walk_;
  deadline_watch watch_;
  double threshold_; // units
  index_places& places_;
  index_places& total_places_;
  std::vector<activation_pulse>& pulses_;
  std::vector<activation_total>& totals_;
  std::vector<activation_total>& before_;
  std::vector<std::uint32_t>& ranking_;
  std::size_t seeds_ = 0;     // of totals_
  std::size_t hop_begin_ = 0; // of the pulses that are being made
  std::uint64_t fresh_ = 0;   // of them, concepts not reached before
  activation_answer answer_;
};

} // namespace

activation_answer activate(const graph_snapshot& s, std::span<const activation_seed> seeds,
                           const activation_query& query, context_scratch& scratch) {
  assert(check(query));
  assert(std::all_of(seeds.begin(), seeds.end(), [&s](const activation_seed& seed) {
    return seed.at < s.index_count() && s.is_learned(seed.at) && check_energy(seed.energy);
  }));
  return spreading(s, query, scratch.get()).run(seeds);
}

result<activation_answer> activate(const graph_snapshot& s,
                                   std::span<const basic_activation_seed<concept_id>> seeds,
                                   const activation_query& query, context_scratch& scratch) {
  if (auto fine = check(query); !fine)
    return fine.error();
  if (seeds.empty())
    return failure{errc::invalid_argument, "no seeds: give one concept or more"};
  std::vector<activation_seed> indices;
  indices.reserve(seeds.size());
  for (const auto& seed : seeds) {
    if (auto fine = check_energy(seed.energy); !fine)
      return fine.error();
    const auto index = s.index_of(seed.at);
    if (!index)
      return failure{errc::not_found, "concept " + seed.at.hex() + " is not learned"};
    indices.push_back({*index, seed.energy});
  }
  return activate(s, indices, query, scratch);
}

result<void> check(const activation_query& query) {
  if (query.hops > activation_hops_max)
    return failure{errc::invalid_argument, "hops is " + std::to_string(query.hops) + ": at most "
                                             + std::to_string(activation_hops_max)};
  if (!(query.decay > 0 && query.decay <= 1))
    return failure{errc::invalid_argument,
                   "decay is " + std::to_string(query.decay) + ": above 0, and at most 1"};
  if (!(query.threshold >= 0))
    return failure{errc::invalid_argument,
                   "threshold is " + std::to_string(query.threshold) + ": 0 or more"};
  return check(query.filter);
}

result<void> check_energy(double energy) {
  if (!(energy >= 0 && energy <= activation_max))
    return failure{errc::invalid_argument,
                   "the energy of a seed is " + std::to_string(energy) + ": from 0 to "
                     + std::to_string(static_cast<std::uint64_t>(activation_max))};
  return {};
}

} // namespace cmem
