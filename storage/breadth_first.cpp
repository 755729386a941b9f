#include "storage/breadth_first.hpp"

#include "storage/breadth_first_level.hpp"

#include <cassert>
#include <string>
#include <utility>

namespace cmem {

namespace {

/// Bottom-up once that costs less, where it looks at 1 / alpha of the associations that are left;
/// top-down again once the frontier shrinks below 1 / beta of the concepts: as in the paper and in
/// GAP.
constexpr std::uint64_t alpha = 15;
constexpr std::uint64_t beta = 18;
/// To fetch a list costs about as much as to look at so many of its associations. The paper counts
/// associations alone, as if all concepts had many: where they have few, a bottom-up level fetches
/// the lists of all that are left, and finds little in them.
constexpr std::uint64_t list_cost = 4;
/// Helpers are called for more than this: to wake them costs some 10 us.
constexpr std::uint64_t shared_associations_min = 100'000;
constexpr std::uint64_t shared_words_min = 1'000;

template <direction Along, bool Filtered>
class search {
public:
  search(const graph_snapshot& s, const breadth_first_query& q,
         breadth_first_scratch::impl& memory) noexcept
    : s_(s), q_(q), memory_(memory), watch_(q.limits.deadline, memory.clock) {}

  traversal_end run(std::span<const std::uint32_t> seeds) {
    plant(seeds);
    std::uint64_t left = s_.edge_count() * (Along == direction::both ? 2 : 1);
    while (!over()) {
      const std::uint64_t lists = list_cost * awake_;
      const std::uint64_t bottom_up = left / alpha + list_cost * (s_.concept_count() - visited_);
      const std::uint64_t enough = bottom_up - std::min(bottom_up, lists);
      // More than that is not to be counted.
      const std::uint64_t associations = frontier_associations(enough);
      if (over())
        break;
      if (associations > enough) {
        go_bottom_up();
      } else {
        left -= std::min(left, associations);
        go_top_down(associations);
      }
    }
    return end_;
  }

private:
  /// Nothing is left to be expanded, or it may not be.
  [[nodiscard]] bool over() const noexcept {
    return end_ != traversal_end::complete || awake_ == 0 || level_ >= q_.max_hops;
  }

  void plant(std::span<const std::uint32_t> seeds) {
    for (const std::uint32_t i : seeds)
      if (memory_.visited.claim(i)) {
        memory_.hops[i] = 0;
        memory_.queue[memory_.queued++] = i;
      }
    settle(memory_.queued, traversal_end::complete, [this] { unqueue(0); });
  }

  /// A level was made, or given up.
  template <class Undo>
  void settle(std::uint64_t reached, traversal_end end, Undo&& undo) {
    end_ = end;
    awake_ = reached;
    if (reached > room()) {
      end_ = traversal_end::visited_max;
      undo();
    } else if (reached != 0) {
      visited_ += reached;
      memory_.levels.push_back(reached);
    }
  }
  [[nodiscard]] std::uint64_t room() const noexcept { return q_.limits.visited_max - visited_; }
  /// What lies in the queue from there on was not reached. Their bits stay: the search is over.
  void unqueue(std::size_t first) noexcept {
    for (std::size_t i = first; i < memory_.queued; ++i)
      memory_.hops[memory_.queue[i]] = hops_unreached;
  }

  /// Whether there is time to look at so many more concepts. If not, the search is over.
  [[nodiscard]] bool in_time(std::uint64_t concepts) noexcept {
    if (watch_.passed(concepts))
      end_ = traversal_end::deadline;
    return !watch_.passed();
  }

  [[nodiscard]] std::uint64_t frontier_associations(std::uint64_t enough) noexcept {
    constexpr std::size_t ahead = 16;
    std::uint64_t sum = 0;
    for (std::size_t at = memory_.queued - awake_; at < memory_.queued && sum <= enough; ++at) {
      if (!in_time(1))
        break;
      if (at + ahead < memory_.queued) {
        if constexpr (Along != direction::incoming)
          s_.prefetch_out(memory_.queue[at + ahead]);
        if constexpr (Along != direction::outgoing)
          s_.prefetch_in(memory_.queue[at + ahead]);
      }
      if constexpr (Along != direction::incoming)
        sum += s_.out(memory_.queue[at]).size();
      if constexpr (Along != direction::outgoing)
        sum += s_.in(memory_.queue[at]).size();
    }
    return sum;
  }

  /// Calls part(worker) for this thread's worker, or for those of several.
  template <class Part>
  void expand(bool shared, level_progress& p, Part&& part) {
    if (shared)
      memory_.team.run(q_.cores - 1, [&] {
        part(level_worker<Along, Filtered, true>(s_, q_, memory_, p, level_ + 1, room()));
      });
    else
      part(level_worker<Along, Filtered, false>(s_, q_, memory_, p, level_ + 1, room()));
  }

  void go_top_down(std::uint64_t associations) {
    const std::size_t last = memory_.queued;
    const std::size_t first = last - awake_;
    level_progress p;
    p.queued = last;
    expand(q_.cores > 1 && associations >= shared_associations_min, p,
           [&](auto&& worker) { worker.top_down(first, last); });
    memory_.queued = p.queued;
    memory_.queue_tells_all &= !p.barred;
    settle(p.reached, p.end, [&] { unqueue(last); });
    ++level_;
  }

  void go_bottom_up() {
    const std::uint32_t n = s_.index_count();
    const std::size_t words = bitmap::words_for(n);
    memory_.queue_tells_all = false;
    memory_.frontier.clear(n);
    for (std::size_t at = memory_.queued - awake_; at < memory_.queued; ++at) {
      if (!in_time(1))
        return;
      memory_.frontier.set(memory_.queue[at]);
    }
    for (std::uint64_t before = 0; !over() && (awake_ >= before || awake_ > n / beta);) {
      before = awake_;
      level_progress p;
      expand(q_.cores > 1 && words >= shared_words_min, p,
             [](auto&& worker) { worker.bottom_up(); });
      settle(p.reached, p.end, [&] {
        std::replace(memory_.hops.begin(), memory_.hops.begin() + n, level_ + 1, hops_unreached);
      });
      std::swap(memory_.frontier, memory_.next);
      ++level_;
    }
    if (over())
      return;
    memory_.queued = 0; // what was there is not needed any more
    for (std::size_t w = 0; w < words && in_time(bitmap::word_bits); ++w)
      for_each_bit(memory_.frontier.word(w), static_cast<std::uint32_t>(w * bitmap::word_bits),
                   [this](std::uint32_t i) { memory_.queue[memory_.queued++] = i; });
  }

  const graph_snapshot& s_;
  const breadth_first_query& q_;
  breadth_first_scratch::impl& memory_;
  std::uint32_t level_ = 0; // of the frontier
  std::uint64_t awake_ = 0; // concepts in the frontier
  std::uint64_t visited_ = 0;
  deadline_watch watch_; // of what is done between levels
  traversal_end end_ = traversal_end::complete;
};

template <direction Along>
traversal_end run(const graph_snapshot& s, std::span<const std::uint32_t> seeds,
                  const breadth_first_query& q, breadth_first_scratch::impl& memory) {
  return q.filter.kinds.empty() && q.filter.confidence_min <= 0.0F
           ? search<Along, false>(s, q, memory).run(seeds)
           : search<Along, true>(s, q, memory).run(seeds);
}

} // namespace

void breadth_first_scratch::impl::begin(std::uint32_t index_count) {
  const auto used = hops.size();
  if (queue_tells_all) {
    for (std::size_t i = 0; i < queued; ++i) {
      hops[queue[i]] = hops_unreached;
      visited.reset(queue[i]);
    }
  } else {
    std::fill(hops.begin(), hops.end(), hops_unreached);
    visited.clear(used);
  }
  queued = 0;
  queue_tells_all = true;
  levels.clear();
  if (index_count <= used)
    return;
  // Half as much again: a graph that is being learned grows every time.
  const std::size_t room = std::size_t{index_count} + index_count / 2;
  visited.reserve(room);
  frontier.reserve(room);
  next.reserve(room);
  queue = std::make_unique_for_overwrite<std::uint32_t[]>(room);
  hops.assign(room, hops_unreached); // the last, for it says how much room there is
}

breadth_first_scratch::breadth_first_scratch() : impl_(std::make_unique<impl>()) {}
breadth_first_scratch::~breadth_first_scratch() = default;
breadth_first_scratch::breadth_first_scratch(breadth_first_scratch&&) noexcept = default;
breadth_first_scratch& breadth_first_scratch::operator=(breadth_first_scratch&&) noexcept = default;

result<void> check(const breadth_first_query& q) {
  if (q.cores == 0 || q.cores > traversal_cores_max)
    return failure{errc::invalid_argument, "cores is " + std::to_string(q.cores) + ": give 1 to "
                                             + std::to_string(traversal_cores_max)};
  return check(q.filter);
}

breadth_first_answer breadth_first(const graph_snapshot& s, std::span<const std::uint32_t> seeds,
                                   const breadth_first_query& q, breadth_first_scratch& scratch) {
  assert(check(q));
  breadth_first_scratch::impl& memory = scratch.get();
  memory.begin(s.index_count());
  breadth_first_answer a;
  switch (q.filter.along) {
    case direction::outgoing: a.end = run<direction::outgoing>(s, seeds, q, memory); break;
    case direction::incoming: a.end = run<direction::incoming>(s, seeds, q, memory); break;
    case direction::both: a.end = run<direction::both>(s, seeds, q, memory); break;
  }
  a.hops = std::span(memory.hops).first(s.index_count());
  a.levels = memory.levels;
  for (const std::uint64_t n : memory.levels)
    a.visited += n;
  return a;
}

result<breadth_first_answer> breadth_first(const graph_snapshot& s,
                                           std::span<const concept_id> seeds,
                                           const breadth_first_query& q,
                                           breadth_first_scratch& scratch) {
  if (const auto good = check(q); !good)
    return good.error();
  std::vector<std::uint32_t>& indices = scratch.get().seeds;
  indices.clear();
  for (const concept_id& id : seeds) {
    const auto index = s.index_of(id);
    if (!index)
      return failure{errc::not_found, "concept " + id.hex() + " is not learned"};
    indices.push_back(*index);
  }
  return breadth_first(s, std::span<const std::uint32_t>(indices), q, scratch);
}

} // namespace cmem
