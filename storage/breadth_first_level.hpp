#pragma once
// Inside of breadth_first(): its scratch memory, and one thread's part in expanding a level.

#include "storage/bitmap.hpp"
#include "storage/breadth_first.hpp"
#include "storage/deadline_watch.hpp"
#include "storage/list_ring.hpp"
#include "storage/worker_team.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace cmem {

struct breadth_first_scratch::impl {
  std::vector<std::uint32_t> hops; // hops_unreached but where the last search went
  bitmap visited;  // reached, or not to be looked at again; 0 but where the last search went
  bitmap frontier; // the level that is expanded bottom-up …
  bitmap next;     // … and the one that is made
  std::unique_ptr<std::uint32_t[]> queue; // levels that are expanded top-down, one behind the other
  std::size_t queued = 0;
  bool queue_tells_all = true; // whatever the last search left in hops and visited
  std::vector<std::uint64_t> levels;
  std::vector<std::uint32_t> seeds; // of a search by ids
  search_clock clock = &std::chrono::steady_clock::now;
  worker_team team;

  /// Forgets the last search and makes room.
  void begin(std::uint32_t index_count);
};

/// What the threads that expand a level share. Relaxed throughout: they meet (worker_team::run)
/// before anyone reads what the others left.
struct level_progress {
  std::atomic<std::size_t> claimed{0};   // of the words, or of the queue
  std::atomic<std::size_t> queued{0};    // end of the queue, top-down
  std::atomic<std::uint64_t> reached{0}; // concepts, of threads that are done
  std::atomic<bool> barred{false};       // some bits of `visited` are no concepts reached
  std::atomic<traversal_end> end{traversal_end::complete}; // anything else: the level is given up
};

/// Along: the way the search goes. Filtered: not all associations pass. Shared: other threads are
/// at work on the level.
template <direction Along, bool Filtered, bool Shared>
class level_worker {
public:
  /// `level` is the one to be made, which may have `room` concepts.
  level_worker(const graph_snapshot& s, const breadth_first_query& q,
               breadth_first_scratch::impl& memory, level_progress& progress, std::uint32_t level,
               std::uint64_t room) noexcept
    : s_(s),
      filter_(q.filter),
      deadline_(q.limits.deadline),
      memory_(memory),
      hops_(memory.hops.data()),
      progress_(progress),
      level_(level),
      room_(room),
      any_kind_(q.filter.kinds.empty()),
      look_at_nodes_(s.placeholder_count() > 0 || q.filter.strength_min > 0.0F) {
    (void) look();
  }

  /// Looks, from each concept that was not visited, for one in the frontier.
  void bottom_up() noexcept {
    const std::size_t words = bitmap::words_for(s_.index_count());
    constexpr std::size_t part = 64;
    for (std::size_t w = claim(part); w < words && !over(); w = claim(part)) {
      const std::size_t end = std::min(words, w + part);
      for (std::size_t next = w; next < std::min(end, w + words_ahead); ++next)
        fetch_ways_of_word(next);
      for (; w < end && !over(); ++w)
        bottom_up_word(w, end);
    }
    if (!over())
      ring_.drain([this](std::uint32_t i, const adjacency_list& l) { look_back(i, l); });
    progress_.reached.fetch_add(reached_, std::memory_order_relaxed);
  }

  /// Looks at all associations of queue[first, last).
  void top_down(std::size_t first, std::size_t last) noexcept {
    constexpr std::size_t part = 256;
    constexpr std::size_t ahead = 2 * ring::depth;
    const auto scan = [this](std::uint32_t, const adjacency_list& l) { look_ahead(l); };
    for (std::size_t at = first + claim(part); at < last && !over(); at = first + claim(part))
      for (const std::size_t end = std::min(last, at + part); at < end && !over(); ++at) {
        if (at + ahead < last)
          fetch_ways(memory_.queue[at + ahead]);
        const std::uint32_t i = memory_.queue[at];
        if constexpr (Along != direction::incoming)
          ring_.push(i, s_.out(i), scan);
        if constexpr (Along != direction::outgoing)
          ring_.push(i, s_.in(i), scan);
      }
    if (!over())
      ring_.drain(scan);
    flush();
    progress_.reached.fetch_add(reached_, std::memory_order_relaxed);
  }

private:
  using ring = list_ring<Filtered ? list_part::properties : list_part::targets>;
  static constexpr std::size_t words_ahead = 4;

  /// Words from `end` on may be another thread's.
  void bottom_up_word(std::size_t w, std::size_t end) noexcept {
    if (w + words_ahead < end)
      fetch_ways_of_word(w + words_ahead);
    memory_.next.word(w) = 0;
    std::uint64_t dead = 0; // without associations: never to be looked at again
    const auto scan = [this](std::uint32_t i, const adjacency_list& l) { look_back(i, l); };
    const auto first = static_cast<std::uint32_t>(w * bitmap::word_bits);
    const std::uint64_t wanted = unvisited(w);
    left_ -= 1 + std::popcount(wanted); // most of them may be dead
    constexpr std::uint32_t together = graph_snapshot::refs_together;
    for (std::uint32_t at = 0; at < bitmap::word_bits; at += together) {
      const std::uint64_t group = wanted >> at & ((1U << together) - 1);
      if (group == 0)
        continue;
      const adjacency_ref* out = Along != direction::outgoing ? s_.out_refs(first + at) : nullptr;
      const adjacency_ref* in = Along != direction::incoming ? s_.in_refs(first + at) : nullptr;
      for_each_bit(group, 0, [&](std::uint32_t i) {
        bool any = false;
        if constexpr (Along != direction::outgoing)
          if (out[i].count != 0) {
            any = true;
            ring_.push(first + at + i, s_.out_list(out[i]), scan);
          }
        if constexpr (Along != direction::incoming)
          if (in[i].count != 0) {
            any = true;
            ring_.push(first + at + i, s_.in_list(in[i]), scan);
          }
        if (!any)
          dead |= std::uint64_t{1} << (at + i);
      });
    }
    memory_.visited.word(w) |= dead;
    if (reached_ > room_)
      give_up(traversal_end::visited_max);
  }
  [[nodiscard]] std::uint64_t unvisited(std::size_t w) const noexcept {
    const std::size_t bits = s_.index_count() - w * bitmap::word_bits;
    const std::uint64_t known = bits < bitmap::word_bits ? (std::uint64_t{1} << bits) - 1 : ~0ULL;
    return ~memory_.visited.word(w) & known;
  }

  void look_back(std::uint32_t i, const adjacency_list& list) noexcept {
    if (Along == direction::both && memory_.visited.test(i))
      return; // its other list was the first to tell
    if (!any_passing(
          list, [this](std::uint32_t t) { return memory_.frontier.test(t); },
          [](std::uint32_t) { return true; }))
      return;
    memory_.visited.set(i);
    if (!may_enter(i))
      return;
    memory_.next.set(i);
    hops_[i] = level_;
    ++reached_;
  }

  void look_ahead(const adjacency_list& list) noexcept {
    (void) any_passing(
      list,
      [this](std::uint32_t t) {
        return Shared ? !memory_.visited.test_shared(t) : !memory_.visited.test(t);
      },
      [this](std::uint32_t t) {
        if (!(Shared ? memory_.visited.claim_shared(t) : memory_.visited.claim(t)))
          return false;
        if (!may_enter(t)) {
          progress_.barred.store(true, std::memory_order_relaxed);
          return false;
        }
        hops_[t] = level_;
        buffer_[buffered_++] = t;
        if (buffered_ == buffer_.size())
          flush();
        if (++reached_ > room_)
          give_up(traversal_end::visited_max);
        return false;
      });
  }
  void flush() noexcept {
    const std::size_t at = progress_.queued.fetch_add(buffered_, std::memory_order_relaxed);
    std::copy_n(buffer_.begin(), buffered_, &memory_.queue[at]);
    buffered_ = 0;
  }

  /// Whether some association passes whose other end is wanted and then taken. Ends are looked at
  /// first: they lie apart from what filters look at.
  template <class Wanted, class Take>
  bool any_passing(const adjacency_list& list, Wanted&& wanted, Take&& take) noexcept {
    bool found = false;
    --left_; // a list may be empty
    const auto search = [&](std::span<const std::uint32_t> targets, auto&& passes) {
      for (std::size_t j = 0; j < targets.size(); ++j)
        if (wanted(targets[j]) && passes(j) && take(targets[j])) {
          left_ -= static_cast<std::int64_t>(j + 1);
          return found = true;
        }
      left_ -= static_cast<std::int64_t>(targets.size());
      return over();
    };
    if constexpr (Filtered)
      list.any_chunk([&](const adjacency_chunk& c) {
        return search(c.targets, [&](std::size_t j) {
          return c.confidence[j] >= filter_.confidence_min
                 && (any_kind_ || filter_.kinds.contains(c.kind[j]));
        });
      });
    else
      list.any_targets([&](std::span<const std::uint32_t> targets) {
        return search(targets, [](std::size_t) { return true; });
      });
    return found;
  }
  [[nodiscard]] bool may_enter(std::uint32_t i) const noexcept {
    return !look_at_nodes_
           || (s_.is_learned(i)
               && (filter_.strength_min <= 0.0F || s_.at(i).strength() >= filter_.strength_min));
  }

  /// Fetches where the lists of a concept lie, against and along.
  void fetch_ways(std::uint32_t i) const noexcept {
    if constexpr (Along != direction::incoming)
      s_.prefetch_out(i);
    if constexpr (Along != direction::outgoing)
      s_.prefetch_in(i);
  }
  void fetch_ways_of_word(std::size_t w) const noexcept {
    constexpr std::uint32_t together = graph_snapshot::refs_together;
    constexpr std::uint32_t a_line = 8;
    const std::uint64_t wanted = unvisited(w);
    for (std::uint32_t at = 0; at < bitmap::word_bits; at += together) {
      const std::uint64_t group = wanted >> at & ((1U << together) - 1);
      if (group == 0)
        continue;
      const auto i = static_cast<std::uint32_t>(w * bitmap::word_bits + at);
      const auto fetch = [group](const adjacency_ref* refs) {
        if ((group & 0xFF) != 0)
          prefetch_line(refs);
        if (group > 0xFF)
          prefetch_line(refs + a_line);
      };
      if constexpr (Along != direction::outgoing)
        fetch(s_.out_refs(i));
      if constexpr (Along != direction::incoming)
        fetch(s_.in_refs(i));
    }
  }

  /// Whether the level is given up. Looks at the clock when it is time for that.
  [[nodiscard]] bool over() noexcept { return given_up_ || (left_ <= 0 && look()); }
  bool look() noexcept {
    left_ = deadline_watch::look_every;
    if (deadline_ && memory_.clock() >= *deadline_)
      give_up(traversal_end::deadline);
    else if (Shared && progress_.end.load(std::memory_order_relaxed) != traversal_end::complete)
      given_up_ = true;
    return given_up_;
  }
  void give_up(traversal_end why) noexcept {
    progress_.end.store(why, std::memory_order_relaxed);
    given_up_ = true;
  }
  [[nodiscard]] std::size_t claim(std::size_t n) noexcept {
    return progress_.claimed.fetch_add(n, std::memory_order_relaxed);
  }

  const graph_snapshot& s_;
  const traversal_filter& filter_;
  const std::optional<std::chrono::steady_clock::time_point> deadline_;
  breadth_first_scratch::impl& memory_;
  std::uint32_t* const hops_;
  level_progress& progress_;
  const std::uint32_t level_;
  const std::uint64_t room_;
  const bool any_kind_;
  const bool look_at_nodes_;
  bool given_up_ = false;
  std::int64_t left_ = 0;     // associations and lists until the clock is looked at
  std::uint64_t reached_ = 0; // by this thread
  ring ring_;
  std::size_t buffered_ = 0;
  std::array<std::uint32_t, 512> buffer_; // reached top-down, on their way to the queue
};

} // namespace cmem
