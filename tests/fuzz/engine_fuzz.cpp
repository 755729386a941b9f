// The whole memory: the input chooses its settings and a sequence of writes (good and bad ones),
// batches, reconciles, held snapshots and queries; a sequential model says what has to come of it.

#include "storage/engine.hpp"
#include "storage/queries.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/storage/model.hpp"

#include <array>
#include <cmath>
#include <deque>
#include <limits>
#include <map>
#include <string>
#include <vector>

using namespace cmem;
using cmem::fuzz::require;
using cmem::test::model;
using cmem::test::text_of;

namespace {

constexpr std::uint32_t few = 10;      // concepts that most operations are about
constexpr std::uint32_t many = 300;    // enough for a hub of several chunks
constexpr std::size_t steps_max = 300; // the model is slow
constexpr std::array<float, 4> vector_values{1.0F, -2.0F, 0.5F, 4.0F};
constexpr std::array<std::string_view, 3> texts{"", "one name", "another name"};

concept_id id_of(std::uint32_t n) { return concept_id::from_halves(n * 0x9E37'79B9ULL, n); }

/// Operations borrow what they carry; this keeps it until they are settled.
struct carried {
  std::string text;
  std::array<std::string, 3> keys;
  std::vector<attribute_update> attributes;
};

/// What was written under one ticket.
struct written {
  ticket of;
  std::vector<write_op> ops; // several: a batch
  timestamp_us time;
};

struct held_snapshot {
  snapshot_handle handle;
  std::string text;
};

class run {
public:
  run(const std::uint8_t* data, std::size_t size) : in_(data, size) {
    engine_options o;
    o.vector_dimension = vector_values.size();
    o.arena_bytes = std::size_t{64} << 20;
    o.log_capacity = 1 + in_.below(64);
    o.overflow = in_.below(2) == 0 ? overflow_policy::reject : overflow_policy::drop_oldest;
    o.batch_entries_max = 1 + in_.below(64);
    o.clock = [this] { return now_; };
    capacity_ = o.log_capacity;
    rejects_ = o.overflow == overflow_policy::reject;
    auto made = engine::create(std::move(o));
    require(made.has_value(), "the settings are good");
    memory_ = std::move(made).value();
    empty_ = memory_->stats().memory;
  }

  void operator()() {
    for (std::size_t n = 0; n < steps_max && !in_.empty(); ++n) {
      now_ += 10;
      switch (in_.below(16)) {
        case 0:
        case 1: reconcile(); break;
        case 2: write_batch(1 + in_.below(6)); break;
        case 3: write_star(); break;
        case 4: write_bad(); break;
        case 5: hold(); break;
        case 6: let_go(); break;
        case 7: ask(); break;
        default: write({operation()}); break;
      }
    }
    finish();
  }

private:
  // -- writing

  concept_ref ref() {
    const std::uint32_t b = in_.byte();
    const std::uint32_t n = b < 240 ? b % few : in_.below(many);
    const std::uint32_t named = in_.below(8);
    if (named < 5)
      return id_of(n);
    return {id_of(n),
            texts[n == few - 1 ? 1 + named % 2 : 1]}; // the last has two names: they collide
  }
  float in_tenths() { return static_cast<float>(in_.below(11)) / 10; }
  kind_id kind() { return static_cast<kind_id>(in_.below(3)); }

  write_op operation() {
    const std::uint32_t what = in_.below(12);
    const concept_ref a = ref();
    carried& c = carried_.emplace_back();
    switch (what) {
      case 0:
      case 1:
      case 2: {
        c.text.assign(in_.below(400), static_cast<char>('a' + in_.below(26)));
        const std::span<const float> vector(vector_values);
        return op::learn_concept{a, c.text, in_.below(2) == 0 ? vector : vector.first(0),
                                 static_cast<float>(in_.below(10)), in_tenths()};
      }
      case 3: return op::strengthen{a, static_cast<float>(in_.below(9)) - 4};
      case 4: return op::record_access{a};
      case 5: {
        const std::uint32_t n = 1 + in_.below(3);
        for (std::uint32_t i = 0; i < n; ++i) {
          c.keys[i] = "key" + std::to_string(in_.below(70));
          const std::uint32_t v = in_.below(3);
          c.attributes.push_back(
            {c.keys[i], v == 0 ? std::nullopt : std::optional<std::string_view>(texts[v])});
        }
        return op::set_attributes{a, c.attributes};
      }
      case 6: return op::forget_concept{a};
      default: break;
    }
    const concept_ref b = ref();
    switch (what) {
      case 7: return op::forget_association{a, b, kind()};
      case 8: return op::strengthen_association{a, b, kind(), static_cast<float>(in_.below(9)) - 4};
      case 9: return op::record_use{a, b, kind()};
      default:
        return op::learn_association{a, b, kind(), in_tenths(), static_cast<float>(in_.below(10))};
    }
  }

  void write(std::vector<write_op> ops) {
    const std::size_t waiting = memory_->stats().log.pending;
    const auto t = ops.size() == 1 ? memory_->write(ops.front()) : memory_->learn_batch(ops);
    if (t) {
      // A batch that did not fit into the last step is pending still, and out of the log's count.
      const std::size_t carried = pending_.empty() ? 0 : pending_.front().ops.size();
      require(!rejects_ || waiting + ops.size() <= capacity_ + carried,
              "a full log takes nothing more");
      pending_.push_back({*t, std::move(ops), now_});
      return;
    }
    const bool fits = ops.size() <= capacity_ && (!rejects_ || waiting + ops.size() <= capacity_);
    require(!fits, "a good entry that fits is taken");
  }
  void write_batch(std::uint32_t n) {
    std::vector<write_op> ops;
    for (std::uint32_t i = 0; i < n; ++i)
      ops.push_back(operation());
    write(std::move(ops));
  }
  /// Associations of one concept with a row of others: lists grow beyond a chunk.
  void write_star() {
    const concept_ref hub = ref();
    const std::uint32_t first = in_.below(many);
    const bool away = in_.below(2) == 0;
    const kind_id k = kind();
    const std::uint32_t n = 1 + in_.below(static_cast<std::uint32_t>(capacity_));
    std::vector<write_op> ops;
    for (std::uint32_t i = 0; i < n; ++i) {
      const concept_ref other = id_of((first + i) % many);
      ops.push_back(op::learn_association{away ? hub : other, away ? other : hub, k, 0.5F, 1.0F});
    }
    write(std::move(ops));
  }
  /// Refused at the call (W7): the model never hears of it, so every later comparison sees it.
  void write_bad() {
    constexpr float nan = std::numeric_limits<float>::quiet_NaN();
    constexpr float infinite = std::numeric_limits<float>::infinity();
    constexpr std::array<float, 4> bad{nan, infinite, -infinite, -1.0F};
    const concept_ref a = ref();
    const float x = bad[in_.below(bad.size())];
    write_op o = op::learn_concept{a};
    switch (in_.below(6)) {
      case 0: o = op::learn_concept{a, "bad", {}, x}; break;
      case 1: o = op::learn_concept{a, "bad", {}, 1.0F, in_.below(2) == 0 ? 1.5F : x}; break;
      case 2: o = op::learn_concept{a, "bad", std::span(vector_values).first(3)}; break;
      case 3: o = op::learn_association{a, ref(), 77}; break;
      case 4: o = op::learn_association{a, ref(), kind(), x}; break;
      default: o = op::strengthen{a, in_.below(2) == 0 ? nan : infinite}; break;
    }
    require(!memory_->write(o).has_value(), "bad input is refused");
    const std::array<write_op, 2> both{op::forget_concept{a}, o};
    require(!memory_->learn_batch(both).has_value(), "a batch with a bad entry is refused");
  }

  // -- reconciling

  void reconcile() {
    const std::uint64_t before = memory_->load()->sequence();
    const auto report = memory_->reconcile();
    const auto s = memory_->load();
    require(s->sequence() == before + report.entries, "the sequence counts what was drained");
    while (!pending_.empty()) {
      const written& w = pending_.front();
      const settlement got = s->outcome(w.of);
      if (got.what == fate::pending)
        break;
      settle(w, got);
      pending_.pop_front();
    }
    for (const written& w : pending_)
      require(s->outcome(w.of).what == fate::pending, "entries are settled in their order");
    if (pending_.empty())
      carried_.clear();
    if (report.entries != 0)
      require(text_of(*s) == expected_.text(), "a snapshot is the fold of what was applied");
    const auto figures = memory_->stats();
    require(figures.log.written
              == figures.entries_processed + figures.log.dropped + figures.log.pending,
            "every entry is accounted for");
    require(figures.log.dropped == dropped_ || !pending_.empty(), "drops are counted");
  }
  void settle(const written& w, const settlement& got) {
    if (got.what == fate::dropped) {
      require(!rejects_, "only drop_oldest drops");
      dropped_ += w.ops.size();
      return;
    }
    const errc e = w.ops.size() == 1 ? expected_.apply(w.ops.front(), w.time)
                                     : expected_.apply_batch(w.ops, w.time);
    require(
      got == (e == errc::ok ? settlement{fate::applied, errc::ok} : settlement{fate::failed, e}),
      "an entry comes to what the model says");
  }

  // -- reading

  void hold() {
    if (held_.size() < 4) {
      auto s = memory_->share();
      std::string text = text_of(*s);
      held_.push_back({std::move(s), std::move(text)});
    }
  }
  void let_go() {
    for (const held_snapshot& h : held_)
      require(text_of(*h.handle) == h.text, "a snapshot never changes");
    if (!held_.empty())
      held_.erase(held_.begin() + in_.below(static_cast<std::uint32_t>(held_.size())));
  }
  void ask() {
    const auto newest = memory_->share();
    const auto& s = held_.empty() || in_.below(2) == 0 ? *newest : *held_.front().handle;
    const concept_id a = ref().id;
    const concept_id b = ref().id;
    const auto source = s.index_of(a);
    const auto target = s.index_of(b);
    if (!source || !target) {
      const auto none = find_path(s, a, b, 3, scratch_);
      require(!none && none.error().code == errc::not_found, "no path without its ends");
      return;
    }
    require(s.at(*source).id() == a, "what is found is what was asked for");
    check_neighbors(s, *source);
    check_paths(s, *source, *target, in_.below(8));
    const auto near = nearest(s, {}, {.vector = vector_values, .k = 3});
    require(near.has_value(), "a good vector is answered");
    for (std::size_t i = 1; i < near->found.size(); ++i)
      require(near->found[i - 1].score >= near->found[i].score, "the nearest comes first");
  }
  void check_neighbors(const graph_snapshot& s, std::uint32_t of) {
    for (const direction d : {direction::outgoing, direction::incoming}) {
      neighbors(s, of, d, {}, found_);
      std::size_t learned = 0;
      const auto list = d == direction::outgoing ? s.out(of) : s.in(of);
      list.for_each_target([&](std::uint32_t t) { learned += s.is_learned(t) ? 1U : 0U; });
      require(found_.size() == learned, "every neighbor is found, once");
      for (std::size_t i = 1; i < found_.size(); ++i)
        require(found_[i - 1].confidence >= found_[i].confidence, "the best neighbor comes first");
      const auto all = found_;
      neighbors(s, of, d, {.limit = 2}, found_);
      require(std::equal(found_.begin(), found_.end(), all.begin())
                && found_.size() == std::min<std::size_t>(2, all.size()),
              "a limit keeps the best");
    }
  }
  void check_paths(const graph_snapshot& s, std::uint32_t source, std::uint32_t target,
                   std::uint32_t depth) {
    const auto shortest = find_path(s, source, target, depth, scratch_);
    const auto confident =
      find_paths(s, source, target,
                 {.order = path_order::most_confident, .max_depth = depth, .alternatives = 2},
                 scratch_)
        .found;
    const auto several =
      find_paths(s, source, target, {.max_depth = depth, .alternatives = 3}, scratch_).found;
    require(shortest.has_value() == !confident.empty(), "a path is found by either search");
    require(shortest.has_value() == !several.empty(), "a path has itself for an alternative");
    std::optional<std::uint32_t> hops;
    const std::array seeds{source};
    for (const auto& c :
         subgraph(s, seeds, {.hops = depth, .concepts_max = many * 2}, near_).concepts)
      if (c.index == target)
        hops = c.hops;
    require(shortest.has_value() == hops.has_value(), "what is near has a path");
    if (!shortest)
      return;
    require(shortest->hops() == *hops, "the shortest path is as long as the way there");
    require(several.front() == *shortest, "the first alternative is the shortest path");
    require(confident.front().confidence >= shortest->confidence * (1 - 1e-6),
            "none is more confident");
    check_path(s, *shortest, target);
    for (const path& p : confident)
      check_path(s, p, target);
    for (const path& p : several) {
      require(p.hops() >= *hops && p.hops() <= depth, "an alternative is as long as is allowed");
      check_path(s, p, target);
    }
  }
  void check_path(const graph_snapshot& s, const path& p, std::uint32_t target) {
    std::uint32_t at = p.source;
    for (const path_step& step : p.steps) {
      neighbors(s, at, direction::outgoing, {.kinds = {step.kind}}, found_);
      const bool there = std::ranges::any_of(found_, [&](const neighbor& n) {
        return n.index == step.index && n.confidence == step.confidence;
      });
      require(there, "a path goes by associations");
      at = step.index;
    }
    require(at == target, "a path leads to its target");
  }

  // -- the end

  void finish() {
    while (!pending_.empty())
      reconcile();
    let_go();
    held_.clear();
    for (std::uint32_t n = 0; n < many; ++n) {
      if (memory_->stats().log.pending == capacity_)
        reconcile_blindly();
      require(memory_->write(op::forget_concept{id_of(n)}).has_value(), "a forget is taken");
    }
    // What one step retires the next one frees, and an index only then.
    for (int i = 0; i < 3 || memory_->stats().log.pending != 0; ++i)
      reconcile_blindly();
    (void) memory_->write(op::forget_concept{id_of(0)});
    reconcile_blindly();
    const auto s = memory_->stats();
    require(s.concept_count == 0 && s.edge_count == 0 && s.placeholder_count == 0,
            "nothing is left when all is forgotten");
    require(s.live_snapshots == 1 && s.memory.retired == 0, "nobody holds anything");
    require(s.memory.payloads == empty_.payloads, "payloads were given back");
    require(s.memory.association_times == 0, "times were given back");
    memory_->close();
    require(!memory_->write(op::forget_concept{id_of(0)}).has_value(), "closed is closed");
    while (memory_->reconcile().more_pending) {}
  }
  void reconcile_blindly() { (void) memory_->reconcile(); }

  fuzz::input in_;
  timestamp_us now_ = 1'000;
  std::size_t capacity_ = 0;
  bool rejects_ = false;
  std::unique_ptr<engine> memory_;
  memory_use empty_;
  model expected_;
  std::deque<carried> carried_; // where its elements lie is kept: operations point there
  std::deque<written> pending_;
  std::vector<held_snapshot> held_;
  std::uint64_t dropped_ = 0;
  path_scratch scratch_;
  context_scratch near_;
  std::vector<neighbor> found_; // reused
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  run(data, size)();
  return 0;
}
