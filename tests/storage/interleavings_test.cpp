// Every schedule of 3 threads × 2 operations with up to 3 preemptions, on a model of the C++ memory
// (tests/explorer.hpp): the read view, and the free lists of the payload pool. Each error that is
// planted here must be found.

#include "storage/read_view.hpp"
#include "storage/tagged_stack.hpp"

#include "tests/catch.hpp"
#include "tests/explorer.hpp"

#include <array>
#include <cstddef>
#include <functional>
#include <iostream>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace cmem {

// Lets a test scan in the wrong order.
template <class T, class Sync>
struct read_view_probe {
  using view = basic_read_view<T, Sync>;
  static bool counted(const view& v, const T* t) { return v.is_counted(t); }
  static bool pinned(view& v, const T* t) {
    v.collect_pins();
    return v.is_pinned(t);
  }
};

} // namespace cmem

namespace {

using cmem::test::bounds;
using cmem::test::execution;
using cmem::test::explored_atomic;
using cmem::test::explored_int;
using cmem::test::explorer;

enum class plant {
  none,
  relaxed_publish, // publish() without release
  relaxed_unpin,   // cells stored without release
  relaxed_unshare, // handles and entrants give up without release
  no_recheck,      // load() takes what it read first
  no_light_fence,  // the frequent side of the asymmetric pair is missing
  no_heavy_fence,  // the rare side is
  counts_first,    // scan() reads counts before cells
  untagged,        // tagged_stack without its count of pops
};

std::memory_order weaken(bool planted, std::memory_order o) {
  return planted && o == std::memory_order_release ? std::memory_order_relaxed : o;
}

template <class Slot>
class explored_slots {
public:
  explicit explored_slots(std::size_t max)
    : slots_(std::make_shared<std::vector<std::unique_ptr<Slot>>>()) {
    for (std::size_t i = 0; i != max; ++i) {
      slots_->push_back(std::make_unique<Slot>());
      slots_->back()->number = static_cast<std::uint32_t>(i);
    }
    execution::current().keep(slots_); // a thread's slot outlives the view
  }
  Slot* mine() noexcept {
    const std::size_t thread = execution::current().running();
    return thread != 0 && thread <= slots_->size() ? (*slots_)[thread - 1].get() : nullptr;
  }
  template <class F>
  void for_each(F&& f) const {
    for (const auto& slot : *slots_)
      f(*slot);
  }
  static bool held_here(const Slot* slot) {
    return slot->number + 1 == execution::current().running();
  }

private:
  std::shared_ptr<std::vector<std::unique_ptr<Slot>>> slots_;
};

template <plant Plant, bool Asymmetric>
struct explored_sync {
  static constexpr plant planted = Plant;
  static constexpr unsigned cells_per_thread = 1; // a second load counts
  template <class Slot>
  using slots = explored_slots<Slot>;

  template <class U>
  class atomic : public explored_atomic<U> {
    using base = explored_atomic<U>;
    static constexpr bool is_current =
      std::is_pointer_v<U> && !std::is_const_v<std::remove_pointer_t<U>>;

  public:
    atomic(U v = {}) noexcept : base(v) {}
    U exchange(U v, std::memory_order o) {
      return base::exchange(v, weaken(Plant == plant::relaxed_publish, o));
    }
    void store(U v, std::memory_order o) {
      base::store(v, weaken(Plant == plant::relaxed_unpin, o));
    }
    U fetch_sub(U v, std::memory_order o) {
      return base::fetch_sub(v, weaken(Plant == plant::relaxed_unshare, o));
    }
    U load(std::memory_order o) const {
      if constexpr (Plant == plant::no_recheck && is_current) {
        if (o == std::memory_order_relaxed) // the guess; what comes next is the check
          return guess_[execution::current().running()] = base::load(std::memory_order_acquire);
        return guess_[execution::current().running()];
      } else {
        return base::load(o);
      }
    }

  private:
    mutable std::array<U, execution::threads_max> guess_{};
  };

  static bool enable_asymmetric_fences() { return Asymmetric; }
  static void light_fence(bool asymmetric) {
    if (Plant == plant::no_light_fence)
      return;
    if (asymmetric)
      execution::current().light_fence();
    else
      execution::current().full_fence();
  }
  static bool heavy_fence(bool asymmetric) {
    if (Plant == plant::no_heavy_fence)
      return true;
    if (asymmetric)
      execution::current().heavy_fence();
    else
      execution::current().full_fence();
    return true;
  }
};

template <class Sync>
struct explored_target : cmem::basic_view_target<Sync> {
  explicit explored_target(std::uint64_t n) : number(n) {}
  explored_int number;
};

// Three places for targets, so that addresses come back.
template <class Target>
struct target_memory {
  ~target_memory() {
    // The last owner is ordered after the others by the count in shared_ptr, which is not modelled.
    execution::current().know_everything();
    for (Target* t : live)
      std::destroy_at(t);
  }
  Target* make(std::uint64_t n) {
    std::size_t i = 0;
    while (used[i])
      ++i;
    used.at(i) = true;
    live.push_back(new (places[i].data()) Target(n));
    return live.back();
  }
  void free(Target* t) {
    for (std::size_t i = 0; i != used.size(); ++i)
      if (static_cast<void*>(places[i].data()) == t)
        used[i] = false;
    std::destroy_at(t);
    std::erase(live, t);
  }
  struct alignas(Target) place : std::array<std::byte, sizeof(Target)> {};
  std::array<place, 3> places{};
  std::array<bool, 3> used{};
  std::vector<Target*> live;
};

// A view, its reconciler, and operations of readers. Threads 1 to `slots` have one.
template <class Sync>
class scene {
public:
  using target = explored_target<Sync>;
  using view_type = cmem::basic_read_view<target, Sync>;
  using guard = typename view_type::guard;

  explicit scene(std::size_t slots) { view_.emplace(memory_, memory_->make(1), slots); }

  // -- readers

  guard load() const { return view_->load(); }
  void load_and_read() { read(*view_->load()); }
  void share_and_read() { read(*view_->share()); }
  void share_guard_and_read() {
    auto held = view_->load();
    auto handle = held.share();
    held = {};
    read(*handle);
  }
  void nothing() {}
  void load_two_and_read() {
    auto first = view_->load();
    auto second = view_->load();
    read(*first);
    first = {};
    read(*second);
  }
  void read(const target& t) {
    std::uint64_t& last = last_[execution::current().running()];
    const std::uint64_t now = t.number.get();
    if (now < last)
      execution::current().fail("a reader went back");
    last = now;
  }

  // -- reconciler

  void publish_and_reclaim() {
    view_->publish(memory_->make(++newest_));
    reclaim();
  }
  void reclaim() {
    std::vector<target*> dead;
    if constexpr (Sync::planted == plant::counts_first) {
      using probe = cmem::read_view_probe<target, Sync>;
      for (target* t : memory_->live) {
        const bool counted = probe::counted(*view_, t);
        (void) Sync::heavy_fence(true);
        if (!counted && !probe::pinned(*view_, t) && t != memory_->live.back())
          dead.push_back(t);
      }
    } else {
      view_->scan(std::span<target* const>(memory_->live), [&](std::size_t i, bool in_use) {
        if (!in_use)
          dead.push_back(memory_->live[i]);
      });
    }
    for (target* t : dead)
      memory_->free(t);
  }
  void close() {
    view_.reset();
    memory_.reset();
  }

  // -- afterwards

  void expect_all_reclaimed() {
    reclaim();
    if (memory_->live.size() != 1 || memory_->live[0]->number.get() != newest_)
      execution::current().fail("something is kept though nobody holds it");
  }
  std::weak_ptr<void> life() const { return memory_; }

private:
  std::shared_ptr<target_memory<target>> memory_ = std::make_shared<target_memory<target>>();
  std::optional<view_type> view_;
  std::uint64_t newest_ = 1;                                 // the reconciler's
  std::array<std::uint64_t, execution::threads_max> last_{}; // per thread
};

template <class Sync>
using operation = void (scene<Sync>::*)();

// Two readers with two operations each, and a reconciler that publishes and frees twice.
template <class Sync>
explorer::outcome explore_readers(const bounds& b, std::size_t slots,
                                  const std::array<operation<Sync>, 4>& reads) {
  return explorer().explore(b, [&](execution& x) {
    auto s = std::make_shared<scene<Sync>>(slots);
    for (std::size_t reader = 0; reader != 2; ++reader)
      x.thread([s, &reads, reader] {
        ((*s).*reads[2 * reader])();
        ((*s).*reads[2 * reader + 1])();
      });
    x.thread([s] {
      s->publish_and_reclaim();
      s->publish_and_reclaim();
    });
    x.finally([s] { s->expect_all_reclaimed(); });
  });
}

// Two readers give up two guards each, taken before, one of them passed on by a handle, while the
// memory is destroyed.
template <class Sync>
explorer::outcome explore_closing(const bounds& b) {
  return explorer().explore(b, [](execution& x) {
    struct held_by_readers {
      std::array<typename scene<Sync>::guard, 3> first, second; // by thread
    };
    auto s = std::make_shared<scene<Sync>>(2u);
    auto held = std::make_shared<held_by_readers>();
    const auto life = s->life();
    for (std::size_t t = 1; t != 3; ++t)
      x.as(t, [&] { held->first[t] = s->load(), held->second[t] = s->load(); });
    x.thread([s, held] {
      s->read(*held->first[1]);
      held->first[1] = {};
      s->read(*held->second[1]);
      held->second[1] = {};
    });
    x.thread([s, held] {
      auto handle = held->first[2].share();
      held->second[2] = {};
      held->first[2] = {};
      s->read(*handle);
    });
    x.thread([s] { s->close(); });
    x.finally([life] {
      if (!life.expired())
        execution::current().fail("something is kept though nobody holds it");
    });
  });
}

// -- the free lists of payload_pool

// Loses the count of pops beside the handle.
template <class U>
struct untagged_atomic : explored_atomic<U> {
  using explored_atomic<U>::explored_atomic;
  bool compare_exchange_weak(U& seen, U after, std::memory_order yes, std::memory_order no) {
    return explored_atomic<U>::compare_exchange_weak(seen, static_cast<cmem::handle>(after), yes,
                                                     no);
  }
};
// Pushes without release.
template <class U>
struct relaxed_atomic : explored_atomic<U> {
  using explored_atomic<U>::explored_atomic;
  bool compare_exchange_weak(U& seen, U after, std::memory_order yes, std::memory_order no) {
    return explored_atomic<U>::compare_exchange_weak(seen, after, weaken(true, yes), no);
  }
};

// Three elements; whoever has one writes to it.
template <template <class> class Atomic>
class stack_scene {
public:
  stack_scene() { stack_.push(1, 3, link()); }
  cmem::handle pop() {
    const cmem::handle h = stack_.pop(link());
    if (h != 0) {
      if (std::exchange(out_.at(h), true))
        execution::current().fail("stack: given out twice");
      data_[h].set(execution::current().running());
    }
    return h;
  }
  void push(cmem::handle h) { push(h, h); }
  // A chain, the first on top. Either may be 0.
  void push(cmem::handle first, cmem::handle last) {
    if (first == 0 || last == 0)
      first = last = first + last;
    if (first == 0)
      return;
    if (first != last)
      links_[first].store(last, std::memory_order_relaxed);
    for (const cmem::handle h : {first, last}) {
      data_[h].set(0);
      out_[h] = false;
    }
    stack_.push(first, last, link());
  }
  void expect_no_loss(std::size_t out) {
    for (std::size_t left = 3 - out; left != 0; --left)
      if (pop() == 0)
        execution::current().fail("stack: one is lost");
    if (pop() != 0)
      execution::current().fail("stack: given out twice");
  }

private:
  auto link() {
    return [this](cmem::handle h) -> Atomic<cmem::handle>& { return links_.at(h); };
  }
  cmem::tagged_stack<Atomic> stack_;
  std::array<Atomic<cmem::handle>, 4> links_{0U, 2U, 3U, 0U};
  std::array<explored_int, 4> data_{explored_int(0), explored_int(0), explored_int(0),
                                    explored_int(0)};
  std::array<bool, 4> out_{}; // the test's, not the program's: says what is where
};

// Two threads that pop and push back, and one that keeps what it pops, or pushes a chain of two.
template <template <class> class Atomic>
explorer::outcome explore_stack(const bounds& b, bool keeps) {
  return explorer().explore(b, [keeps](execution& x) {
    auto s = std::make_shared<stack_scene<Atomic>>();
    auto kept = std::make_shared<std::size_t>(0);
    for (int i = 0; i != 2; ++i)
      x.thread([s] { s->push(s->pop()); });
    if (keeps)
      x.thread([s, kept] {
        for (int i = 0; i != 2; ++i)
          *kept += s->pop() != 0 ? 1U : 0U;
      });
    else
      x.thread([s] {
        const cmem::handle first = s->pop();
        s->push(first, s->pop());
      });
    x.finally([s, kept] { s->expect_no_loss(*kept); });
  });
}

// -- the explorer itself

using execution_step = void (execution::*)();

// The two sides of Dekker's algorithm, with whatever fence between store and load.
explorer::outcome explore_two_stores(const bounds& b, execution_step first, execution_step second) {
  struct flags {
    explored_atomic<int> mine[2];
    int missed = 0;
  };
  return explorer().explore(b, [=](execution& x) {
    auto f = std::make_shared<flags>();
    for (std::size_t side = 0; side != 2; ++side)
      x.thread([=, fence = side == 0 ? first : second] {
        f->mine[side].store(1, std::memory_order_relaxed);
        if (fence != nullptr)
          (execution::current().*fence)();
        f->missed += f->mine[1 - side].load(std::memory_order_relaxed) == 0 ? 1 : 0;
      });
    x.finally([f] {
      if (f->missed == 2)
        execution::current().fail("both missed");
    });
  });
}

enum class passing { by_add, by_store };

// One thread writes data and says 1, one makes a 2 of it, one reads the data when it sees the 2.
explorer::outcome explore_message(const bounds& b, std::memory_order say, passing how,
                                  std::memory_order hear) {
  struct message {
    explored_int data{0};
    explored_atomic<int> said;
  };
  return explorer().explore(b, [=](execution& x) {
    auto m = std::make_shared<message>();
    x.thread([=] {
      m->data.set(7);
      m->said.store(1, say);
    });
    x.thread([=] {
      if (m->said.load(std::memory_order_relaxed) != 1)
        return;
      if (how == passing::by_add)
        m->said.fetch_add(1, std::memory_order_relaxed);
      else
        m->said.store(2, std::memory_order_relaxed);
    });
    x.thread([=] {
      if (m->said.load(hear) == 2 && m->data.get() != 7)
        execution::current().fail("a wrong message");
    });
  });
}

// The bounds that are required, and wider ones in a long sweep. A short one tries less.
std::vector<bounds> bounds_to_try() {
  const std::size_t tenths = cmem::test::sweep(10);
  if (tenths < 10)
    return {{2, 0}, {1, 1}};
  if (tenths < 100)
    return {{3, 0}, {2, 1}};
  return {{3, 0}, {3, 1}, {2, 2}};
}

// Prints how many schedules there were, so that a change that explores less does not pass unseen.
void require_none_fails(const char* what, const bounds& b, const explorer::outcome& o) {
  std::cout << what << ", " << b.preemptions << " preemptions, " << b.stale_reads
            << " stale reads: " << o.schedules << " schedules\n";
  INFO(what);
  REQUIRE(o.failure == "");
}

void require_freed_too_early(const explorer::outcome& o) {
  CHECK_THAT(o.failure, Catch::Matchers::StartsWith("use after free: ")
                          || Catch::Matchers::StartsWith("race: "));
  std::cout << "found after " << o.schedules
            << " schedules: " << o.failure.substr(0, o.failure.find('\n')) << "\n";
}

void require_found(const explorer::outcome& o, const std::string& error) {
  CHECK_THAT(o.failure, Catch::Matchers::ContainsSubstring(error));
  std::cout << "found after " << o.schedules << " schedules: " << error << "\n";
}

} // namespace

TEST_CASE("the explorer's memory is as weak as C++ allows") {
  const bounds b{2, 2};
  SECTION(
    "two stores, each then loads the other: a light and a heavy fence keep one from missing") {
    const execution_step light = &execution::light_fence, heavy = &execution::heavy_fence,
                         full = &execution::full_fence;
    require_none_fails("store; light; load | store; heavy; load", b,
                       explore_two_stores(b, light, heavy));
    require_none_fails("store; full; load | store; full; load", b,
                       explore_two_stores(b, full, full));
    require_found(explore_two_stores(b, light, light), "both missed");
    require_found(explore_two_stores(b, light, nullptr), "both missed");
    require_found(explore_two_stores(b, nullptr, heavy), "both missed");
    require_found(explore_two_stores(b, nullptr, nullptr), "both missed");
  }
  SECTION(
    "a message is known by release and acquire, through read-modify-writes, not through stores") {
    using enum passing;
    require_none_fails(
      "store release | add relaxed | load acquire", b,
      explore_message(b, std::memory_order_release, by_add, std::memory_order_acquire));
    require_found(explore_message(b, std::memory_order_relaxed, by_add, std::memory_order_acquire),
                  "race: ");
    require_found(explore_message(b, std::memory_order_release, by_add, std::memory_order_relaxed),
                  "race: ");
    require_found(
      explore_message(b, std::memory_order_release, by_store, std::memory_order_acquire), "race: ");
  }
}

TEMPLATE_TEST_CASE_SIG("every schedule of readers and a reconciler", "",
                       ((bool Asymmetric), Asymmetric), true, false) {
  using sync = explored_sync<plant::none, Asymmetric>;
  using s = scene<sync>;
  for (const bounds& b : bounds_to_try()) {
    require_none_fails(
      "load, load | load, load", b,
      explore_readers<sync>(
        b, 2, {&s::load_and_read, &s::load_and_read, &s::load_and_read, &s::load_and_read}));
    require_none_fails("share, load | share from a guard, share", b,
                       explore_readers<sync>(b, 2,
                                             {&s::share_and_read, &s::load_and_read,
                                              &s::share_guard_and_read, &s::share_and_read}));
    require_none_fails(
      "load two, one by a count | load, share", b,
      explore_readers<sync>(
        b, 2, {&s::load_two_and_read, &s::nothing, &s::load_and_read, &s::share_and_read}));
    require_none_fails(
      "no slots: load, load | share, load", b,
      explore_readers<sync>(
        b, 0, {&s::load_and_read, &s::load_and_read, &s::share_and_read, &s::load_and_read}));
    require_none_fails("release two | share, release two | destroy", b, explore_closing<sync>(b));
  }
}

TEST_CASE("errors planted in the read view are found") {
  const auto loads = []<plant P>(std::integral_constant<plant, P>, std::size_t slots) {
    using sync = explored_sync<P, true>;
    using s = scene<sync>;
    return explore_readers<sync>(
      {3, 1}, slots, {&s::load_and_read, &s::load_and_read, &s::load_and_read, &s::load_and_read});
  };
  const auto shares = []<plant P>(std::integral_constant<plant, P>, std::size_t slots) {
    using sync = explored_sync<P, true>;
    using s = scene<sync>;
    return explore_readers<sync>(
      {3, 1}, slots,
      {&s::share_and_read, &s::load_and_read, &s::share_guard_and_read, &s::share_and_read});
  };
  SECTION("a relaxed publish") {
    const std::integral_constant<plant, plant::relaxed_publish> planted;
    require_found(loads(planted, 2), "race: read without knowing of the last write");
    require_found(loads(planted, 0), "race: modified without knowing of the last write");
  }
  SECTION("a guard released without release order") {
    const std::integral_constant<plant, plant::relaxed_unpin> planted;
    require_found(loads(planted, 2), "race: destroyed without knowing of the last use");
  }
  SECTION("a handle or an entrant released without release order") {
    const std::integral_constant<plant, plant::relaxed_unshare> planted;
    require_found(shares(planted, 2), "race: destroyed without knowing of the last use");
    require_found(loads(planted, 0), "race: destroyed without knowing of the last use");
  }
  // Each of these frees a target too early. What is met first: a reader reads it later; or did just
  // before, unordered; or reads the one that took its place.
  SECTION("a missing check after the announcement") {
    const std::integral_constant<plant, plant::no_recheck> planted;
    require_freed_too_early(loads(planted, 2));
  }
  SECTION("counts read before cells") {
    const std::integral_constant<plant, plant::counts_first> planted;
    require_freed_too_early(shares(planted, 2));
  }
  SECTION("half of the asymmetric fence") {
    const std::integral_constant<plant, plant::no_light_fence> no_light;
    const std::integral_constant<plant, plant::no_heavy_fence> no_heavy;
    require_freed_too_early(loads(no_light, 2));
    require_freed_too_early(loads(no_light, 0));
    require_freed_too_early(loads(no_heavy, 2));
    require_freed_too_early(loads(no_heavy, 0));
    require_found(explore_closing<explored_sync<plant::no_light_fence, true>>({3, 1}),
                  "something is kept though nobody holds it");
    require_found(explore_closing<explored_sync<plant::no_heavy_fence, true>>({3, 1}),
                  "something is kept though nobody holds it");
  }
}

TEST_CASE("every schedule of a tagged stack") {
  for (const bounds& b : bounds_to_try()) {
    require_none_fails("stack: pop, push | pop, push | pop, pop", b,
                       explore_stack<explored_atomic>(b, true));
    require_none_fails("stack: pop, push | pop, push | pop two, push two", b,
                       explore_stack<explored_atomic>(b, false));
  }
}

TEST_CASE("errors planted in the tagged stack are found") {
  require_found(explore_stack<untagged_atomic>({3, 0}, true), "stack: ");
  require_found(explore_stack<relaxed_atomic>({3, 0}, true), "race: ");
}
