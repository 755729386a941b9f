#pragma once
// Runs a small concurrent program under every schedule within bounds, on a model of the C++ memory.

#include "tests/fiber.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace cmem::test {

/// What bounds the schedules that are tried: all of them within these.
struct bounds {
  int preemptions = 3; ///< times that a thread is left though it could go on
  int stale_reads = 0; ///< times that a load gives another value than the newest
};

/// One run of the program: the threads, what they know of each other, and the choices that made it.
///
/// Threads are fibers; before each operation on an explored_atomic and each fence the run chooses
/// who goes on. Runs are enumerated depth first: every run replays the choices of the last one up
/// to the last that has an alternative left.
///
/// The memory: each atomic keeps all values it ever had, in the order they were written. A load
/// gives the newest, or (within bounds) any that the thread does not know to be replaced. What a
/// thread knows is a vector clock (what happens before: Lamport 1978, Mattern 1989) and a place in
/// each atomic's history; release stores carry it, acquire loads take it over, read-modify-writes
/// pass it on, plain stores in between do not (C++20). Plain data is checked against the clocks:
/// two accesses, one of them a write, that neither happens before the other, are a race.
/// Construction and destruction are writes; what is used after its destruction is reported as that.
///
/// Weaker than this machine, and as weak as C++ allows but for three things: values are seen in the
/// order of the schedule (no two writes are ever in another order than they ran), sequentially
/// consistent operations are refused (fences are what our code uses), and fences order what is
/// read, but are not taken to make anything happen before: our code does not count on it. The
/// asymmetric pair (P1202): for each light and each heavy fence, one is first; after the second its
/// thread knows all that was known before the first. Two light fences mean nothing to one another.
class execution {
public:
  static constexpr std::size_t threads_max = 4; // thread 0 sets up and winds up
  static constexpr std::size_t places_max = 96;

  /// Adds a thread, numbered from 1. From the setup alone.
  void thread(std::function<void()> f) { bodies_.push_back(std::move(f)); }
  /// Adds what runs after all threads have ended.
  void finally(std::function<void()> f) { finally_ = std::move(f); }
  /// In setup: does something as that thread.
  template <class F>
  void as(std::size_t thread, F&& f) {
    const std::size_t was = std::exchange(running_, thread);
    know_everything();
    f();
    running_ = was;
    know_everything();
  }
  /// Keeps something until the run is over.
  void keep(std::shared_ptr<void> what) { kept_.push_back(std::move(what)); }
  /// Reports an error; the run goes on, the exploration ends with it.
  void fail(const std::string& what) {
    if (failure_.empty())
      failure_ = what + "\n" + history();
  }
  [[nodiscard]] std::size_t running() const { return running_; }
  static execution& current() { return *current_; }

  // -- fences

  void full_fence() {
    point("full fence", nullptr);
    exchange_seen(all_fences_);
  }
  void light_fence() {
    point("light fence", nullptr);
    join(me().seen, heavy_fences_);
    light_fences_[running_] = me().seen;
  }
  void heavy_fence() {
    point("heavy fence", nullptr);
    for (const view& light : light_fences_)
      join(me().seen, light);
    exchange_seen(heavy_fences_);
  }
  /// The running thread knows what every thread did: for what is ordered by means not modelled.
  void know_everything() {
    for (const knowledge& k : threads_)
      join(me(), k);
    threads_[running_].clock[running_] += 1;
  }

  // -- data: `where` is an object's address

  void construct(const void* where, std::uint64_t value) {
    assert(places_.size() < places_max);
    place_of_[where] = places_.size();
    places_.emplace_back();
    stamp(places_.back(), true);
    me().seen[places_.size() - 1] = 0;
    places_.back().values.push_back({value, {}});
  }
  void destroy(const void* where) {
    place& p = at(where);
    check(p, true, "destroyed");
    p.dead = true;
  }
  std::uint64_t read_plain(const void* where) {
    check(at(where), false, "read");
    return at(where).values.back().value;
  }
  void write_plain(const void* where, std::uint64_t value) {
    check(at(where), true, "written");
    at(where).values.back().value = value;
  }
  std::uint64_t load(const void* where, std::memory_order order) {
    point("load", where);
    place& p = at(where);
    check(p, false, "loaded");
    std::uint16_t& known = me().seen[id(p)];
    const auto newest = static_cast<std::uint16_t>(p.values.size() - 1);
    if (known < newest && stale_left_ > 0)
      if (const int back = choose(newest - known + 1); back != 0) {
        --stale_left_;
        known = static_cast<std::uint16_t>(newest - back);
        note("  (stale)", where, p.values[known].value);
        return take(p, known, order);
      }
    known = newest;
    return take(p, known, order);
  }
  void store(const void* where, std::uint64_t value, std::memory_order order) {
    point("store", where);
    place& p = at(where);
    check(p, false, "stored to");
    append(p, value, order, {});
  }
  /// f(old) is what to write.
  template <class F>
  std::uint64_t modify(const void* where, std::memory_order order, F&& f) {
    point("modify", where);
    place& p = at(where);
    check(p, false, "modified");
    const std::uint64_t old = take(p, p.values.size() - 1, order);
    append(p, f(old), order, p.values.back().message);
    return old;
  }
  bool compare_exchange(const void* where, std::uint64_t& expected, std::uint64_t desired,
                        std::memory_order success, std::memory_order failure) {
    point("compare_exchange", where);
    place& p = at(where);
    check(p, false, "modified");
    const bool same = p.values.back().value == expected;
    const std::uint64_t old = take(p, p.values.size() - 1, same ? success : failure);
    if (same)
      append(p, desired, success, p.values.back().message);
    expected = old;
    return same;
  }

private:
  friend class explorer;
  using times = std::array<std::uint32_t, threads_max>;
  using view = std::array<std::uint16_t, places_max>; // per place: oldest value that may be read
  struct knowledge {
    times clock{};
    view seen{};
  };
  struct written {
    std::uint64_t value;
    std::shared_ptr<const knowledge> message; // what an acquire load learns
  };
  struct place {
    std::vector<written> values;
    times accesses{};       // per thread, its time of last access
    std::size_t writer = 0; // of the last plain write, construction included
    std::uint32_t write_time = 0;
    bool dead = false;
  };
  struct event {
    std::size_t thread;
    const char* what;
    const void* where;
    std::uint64_t value;
  };
  struct choice {
    int taken;
    int count;
  };

  // -- schedule

  void run(const bounds& b, const std::function<void(execution&)>& setup) {
    current_ = this;
    preemptions_left_ = b.preemptions;
    stale_left_ = 0;
    setup(*this);
    assert(bodies_.size() < threads_max);
    stale_left_ = b.stale_reads;
    for (std::size_t t = bodies_.size(); t != 0; --t) {
      threads_[t] = threads_[0];
      threads_[t].clock[t] += 1;
      fibers_[t].start(bodies_[t - 1]);
    }
    scheduling_ = true;
    while (switch_to_next())
      fibers_[running_].resume();
    scheduling_ = false;
    stale_left_ = 0;
    running_ = 0;
    know_everything();
    if (finally_)
      finally_();
    bodies_.clear();
    finally_ = nullptr; // ends the program's objects
    kept_.clear();
    current_ = nullptr;
  }
  // When the running thread has ended: another one, at no charge. When it stopped to make way,
  // next_ is set.
  bool switch_to_next() {
    if (next_ == 0) {
      const auto ready = others_ready(0);
      if (ready.count == 0)
        return false;
      next_ = ready.threads[static_cast<std::size_t>(choose(ready.count))];
    }
    running_ = std::exchange(next_, 0);
    return true;
  }
  struct ready_threads {
    std::array<std::size_t, threads_max> threads{};
    int count = 0;
  };
  ready_threads others_ready(std::size_t except) const {
    ready_threads r;
    for (std::size_t t = 1; t <= bodies_.size(); ++t)
      if (t != except && !fibers_[t].ended())
        r.threads[static_cast<std::size_t>(r.count++)] = t;
    return r;
  }
  // Before each operation: who goes on?
  void point(const char* what, const void* where) {
    if (scheduling_ && preemptions_left_ > 0) {
      const auto others = others_ready(running_);
      if (const int c = choose(others.count + 1); c != 0) {
        --preemptions_left_;
        next_ = others.threads[static_cast<std::size_t>(c - 1)];
        fibers_[running_].leave();
      }
    }
    if (events_.size() > 20'000) {
      std::fputs(("no progress\n" + history()).c_str(), stderr);
      std::abort(); // fibers can't be unwound from here
    }
    me().clock[running_] += 1;
    note(what, where, 0);
  }
  // 0 … count - 1, each once in the course of the exploration.
  int choose(int count) {
    if (count <= 1 || !failure_.empty())
      return 0;
    if (chosen_ == choices_.size())
      choices_.push_back({0, count});
    assert(choices_[chosen_].count == count); // the program does the same when it is told the same
    return choices_[chosen_++].taken;
  }
  // The next run's choices; false when all are done.
  static bool advance(std::vector<choice>& choices) {
    while (!choices.empty() && choices.back().taken + 1 == choices.back().count)
      choices.pop_back();
    if (choices.empty())
      return false;
    ++choices.back().taken;
    return true;
  }

  // -- memory

  knowledge& me() { return threads_[running_]; }
  static void join(times& a, const times& b) {
    for (std::size_t i = 0; i != a.size(); ++i)
      a[i] = std::max(a[i], b[i]);
  }
  void join(view& a, const view& b) const {
    for (std::size_t i = 0; i != places_.size(); ++i)
      a[i] = std::max(a[i], b[i]);
  }
  void join(knowledge& a, const knowledge& b) const {
    join(a.clock, b.clock);
    join(a.seen, b.seen);
  }
  void exchange_seen(view& shared) {
    join(me().seen, shared);
    shared = me().seen;
  }
  std::size_t id(const place& p) const { return static_cast<std::size_t>(&p - places_.data()); }
  place& at(const void* where) { return places_[place_of_.at(where)]; }

  void stamp(place& p, bool writes) {
    p.accesses[running_] = me().clock[running_];
    if (writes) {
      p.writer = running_;
      p.write_time = me().clock[running_];
    }
  }
  void check(place& p, bool writes, const char* what) {
    if (p.dead)
      fail(std::string("use after free: ") + what);
    else if (me().clock[p.writer] < p.write_time)
      fail(std::string("race: ") + what + " without knowing of the last write");
    else if (writes)
      for (std::size_t t = 0; t != threads_max; ++t)
        if (me().clock[t] < p.accesses[t])
          fail(std::string("race: ") + what + " without knowing of the last use");
    stamp(p, writes);
  }
  static bool acquires(std::memory_order o) {
    assert(o != std::memory_order_seq_cst);
    return o == std::memory_order_acquire || o == std::memory_order_acq_rel;
  }
  static bool releases(std::memory_order o) {
    assert(o != std::memory_order_seq_cst);
    return o == std::memory_order_release || o == std::memory_order_acq_rel;
  }
  std::uint64_t take(place& p, std::size_t index, std::memory_order order) {
    const written& w = p.values[index];
    if (acquires(order) && w.message != nullptr)
      join(me(), *w.message);
    return w.value;
  }
  void append(place& p, std::uint64_t value, std::memory_order order,
              std::shared_ptr<const knowledge> passed_on) {
    me().seen[id(p)] = static_cast<std::uint16_t>(p.values.size());
    if (releases(order)) {
      auto message = std::make_shared<knowledge>(me());
      if (passed_on != nullptr)
        join(*message, *passed_on);
      passed_on = std::move(message);
      me().clock[running_] += 1; // what it does from here on, the message does not tell
    }
    p.values.push_back({value, std::move(passed_on)});
  }

  // -- history

  void note(const char* what, const void* where, std::uint64_t value) {
    events_.push_back({running_, what, where, value});
  }
  std::string history() const {
    std::string out;
    const std::size_t from = events_.size() > 80 ? events_.size() - 80 : 0;
    for (std::size_t i = from; i != events_.size(); ++i) {
      const event& e = events_[i];
      out += "  thread " + std::to_string(e.thread) + ": " + e.what;
      if (e.where != nullptr)
        out += " #" + std::to_string(place_of_.at(e.where));
      out += "\n";
    }
    return out;
  }

  static inline execution* current_ = nullptr;

  std::vector<choice> choices_;
  std::size_t chosen_ = 0;
  int preemptions_left_ = 0;
  int stale_left_ = 0;
  bool scheduling_ = false;
  std::size_t running_ = 0;
  std::size_t next_ = 0; // 0: to be chosen
  std::vector<std::function<void()>> bodies_;
  std::function<void()> finally_;
  std::vector<std::shared_ptr<void>> kept_;
  fiber* fibers_ = nullptr; // the explorer's
  std::array<knowledge, threads_max> threads_{};
  view all_fences_{};
  view heavy_fences_{};
  std::array<view, threads_max> light_fences_{};
  std::vector<place> places_;
  std::unordered_map<const void*, std::size_t> place_of_;
  std::vector<event> events_;
  std::string failure_;
};

/// Runs `setup` and the threads it adds under every schedule within the bounds.
class explorer {
public:
  struct outcome {
    std::uint64_t schedules = 0;
    std::string failure; ///< of the first run that failed, with its history; empty when none did
  };
  outcome explore(const bounds& b, const std::function<void(execution&)>& setup) {
    outcome result;
    std::vector<execution::choice> choices;
    do {
      execution x;
      x.choices_ = std::move(choices);
      x.fibers_ = fibers_.data();
      x.run(b, setup);
      choices = std::move(x.choices_);
      ++result.schedules;
      result.failure = std::move(x.failure_);
    } while (result.failure.empty() && execution::advance(choices));
    return result;
  }

private:
  std::array<fiber, execution::threads_max> fibers_;
};

/// std::atomic, explored.
template <class U>
class explored_atomic {
public:
  explored_atomic(U v = {}) noexcept { execution::current().construct(this, bits(v)); }
  ~explored_atomic() { execution::current().destroy(this); }
  explored_atomic(const explored_atomic&) = delete;
  explored_atomic& operator=(const explored_atomic&) = delete;

  U load(std::memory_order o) const { return value(execution::current().load(this, o)); }
  void store(U v, std::memory_order o) { execution::current().store(this, bits(v), o); }
  U exchange(U v, std::memory_order o) {
    return modify(o, [v](U) { return v; });
  }
  U fetch_add(U n, std::memory_order o) {
    return modify(o, [n](U v) { return static_cast<U>(v + n); });
  }
  U fetch_sub(U n, std::memory_order o) {
    return modify(o, [n](U v) { return static_cast<U>(v - n); });
  }
  U fetch_or(U n, std::memory_order o) {
    return modify(o, [n](U v) { return static_cast<U>(v | n); });
  }
  U fetch_and(U n, std::memory_order o) {
    return modify(o, [n](U v) { return static_cast<U>(v & n); });
  }
  bool compare_exchange_weak(U& expected, U desired, std::memory_order success,
                             std::memory_order failure) {
    std::uint64_t e = bits(expected);
    const bool done =
      execution::current().compare_exchange(this, e, bits(desired), success, failure);
    expected = value(e);
    return done;
  }

private:
  static_assert(std::is_trivially_copyable_v<U> && sizeof(U) <= 8);
  static std::uint64_t bits(U v) {
    std::uint64_t b = 0;
    std::memcpy(&b, &v, sizeof v);
    return b;
  }
  static U value(std::uint64_t b) {
    U v;
    std::memcpy(&v, &b, sizeof v);
    return v;
  }
  template <class F>
  U modify(std::memory_order o, F f) {
    return value(
      execution::current().modify(this, o, [f](std::uint64_t b) { return bits(f(value(b))); }));
  }
};

/// Plain data, checked for races.
class explored_int {
public:
  explicit explored_int(std::uint64_t v) { execution::current().construct(this, v); }
  ~explored_int() { execution::current().destroy(this); }
  explored_int(const explored_int&) = delete;
  explored_int& operator=(const explored_int&) = delete;
  std::uint64_t get() const { return execution::current().read_plain(this); }
  void set(std::uint64_t v) { execution::current().write_plain(this, v); }
};

} // namespace cmem::test
