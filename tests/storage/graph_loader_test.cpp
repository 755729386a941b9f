// D2, D3, R2: a large store opened from its segments at once, by several threads, is what was
// learned, and goes on as if it had never been closed.

#include "tests/storage/engine_fixture.hpp"
#include "tests/storage/segment_fixture.hpp"
#include "tests/storage/store_fixture.hpp"

#include <thread>

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr std::uint32_t concepts = 17'000;
constexpr std::uint32_t hub_targets = 14'000; // under each of five kinds: more than 65,536
constexpr std::uint32_t dimension = 2;

/// An association as one of its ends has it.
struct edge {
  concept_id source;
  concept_id target;
  kind_id kind;
  float confidence;
  float weight;
  timestamp_us created; // 0 in a list of incoming ones
  timestamp_us last_used;

  friend auto operator<=>(const edge&, const edge&) = default;
};

/// All of a snapshot, indices apart: also what is not shown because an end is not learned. Made of
/// numbers as far as it goes, so that it takes no minutes under a sanitizer.
struct picture {
  std::map<concept_id, std::string> concepts;
  std::vector<edge> out;
  std::vector<edge> in;
  std::string counts;
};

void add_edges(std::vector<edge>& to, const graph_snapshot& s, std::uint32_t index, bool out) {
  const adjacency_list list = out ? s.out(index) : s.in(index);
  const concept_id id = s.node(index).id;
  list.for_each_chunk([&](const adjacency_chunk& c) {
    for (std::size_t j = 0; j != c.targets.size(); ++j) {
      const concept_id other = s.node(c.targets[j]).id;
      to.push_back({out ? id : other, out ? other : id, c.kind[j], c.confidence[j], c.weight[j],
                    c.times_of(j).created, c.times_of(j).last_used});
    }
  });
}

picture everything(const graph_snapshot& s) {
  picture all;
  for (std::uint32_t i = 0; i != s.index_count(); ++i) {
    if (s.node(i).state == node_vacant)
      continue;
    const concept_id id = s.node(i).id;
    all.concepts[id] = describe(s.at(i).copy(), {}, s.is_learned(i));
    if (s.is_learned(i) && s.index_of(id) != i)
      all.concepts[id] += " not found by its id";
    add_edges(all.out, s, i, true);
    add_edges(all.in, s, i, false);
  }
  std::sort(all.out.begin(), all.out.end());
  std::sort(all.in.begin(), all.in.end());
  all.counts = std::to_string(s.concept_count()) + " concepts, " + std::to_string(s.edge_count())
               + " edges, " + std::to_string(s.placeholder_count()) + " placeholders";
  return all;
}

std::string text_of(const edge& e) {
  return e.source.hex() + " ->"
         + describe({e.source, e.target, e.kind, e.confidence, e.weight, e.created, e.last_used});
}

/// Of a difference, where it begins.
void check_same(const picture& got, const picture& expected) {
  REQUIRE(got.counts == expected.counts);
  const auto c = std::mismatch(got.concepts.begin(), got.concepts.end(), expected.concepts.begin(),
                               expected.concepts.end());
  REQUIRE((c.first == got.concepts.end() ? "" : c.first->second)
          == (c.second == expected.concepts.end() ? "" : c.second->second));
  for (const auto list : {&picture::out, &picture::in}) {
    const auto& g = got.*list;
    const auto& x = expected.*list;
    const auto e = std::mismatch(g.begin(), g.end(), x.begin(), x.end());
    REQUIRE((e.first == g.end() ? "" : text_of(*e.first))
            == (e.second == x.end() ? "" : text_of(*e.second)));
  }
  REQUIRE(got.out.size() == got.in.size());
}

/// A store, and a memory without one that does the same.
class twins {
public:
  /// `packed`: whether the store comes up with its associations packed.
  explicit twins(bool packed = false) : plain_(options({})) {
    store.options = options(*store.options.store);
    store.options.pack_associations = packed;
    store.options.store->log = {std::uint64_t{4} << 20, 1};
    store.options.clock = [this] { return plain_.now; };
    store.open();
  }

  template <class Op>
  void write(const Op& o) {
    ++plain_.now;
    plain_.write(o);
    store.write(o);
    if (++waiting_ == 5'000)
      reconcile();
  }
  void associate(std::string_view a, std::string_view b, kind_id kind = kinds::semantic,
                 float weight = 1.0F) {
    write(op::learn_association{a, b, kind, 0.5F, weight});
  }
  void reconcile() {
    plain_.reconcile();
    store.reconcile();
    (void) store.commit();
    waiting_ = 0;
  }
  void flush() {
    store.memory->ask_for_flush();
    reconcile();
    while (store.memory->flush_due()) {
      const auto done = store.memory->flush();
      if (!done)
        FAIL(to_string(done.error()));
    }
  }
  void reopen() {
    store.cut_power();
    store.open();
  }
  [[nodiscard]] std::uint64_t plain_adjacency() const {
    return plain_.memory->stats().memory.adjacency;
  }
  [[nodiscard]] picture expected() const { return everything(*plain_.memory->load()); }
  void check() const { check_same(everything(*store.memory->load()), expected()); }

  store_fixture store;

private:
  engine_options options(std::optional<store_options> s) {
    engine_options o;
    o.arena_bytes = std::size_t{1} << 30;
    o.log_capacity = 10'000;
    o.vector_dimension = dimension;
    o.overflow = overflow_policy::reject;
    o.store = std::move(s);
    return o;
  }

  engine_fixture plain_;
  std::size_t waiting_ = 0;
};

std::string c(std::uint32_t i) { return "c" + std::to_string(i); }

/// Concepts of all sorts.
void learn_concepts(twins& t) {
  const float v[dimension] = {1.0F, -0.5F};
  for (std::uint32_t i = 0; i != concepts; ++i) {
    const std::string name = c(i);
    const std::string content(i % 7 * 11, static_cast<char>('a' + i % 26));
    const concept_ref by_name(name);
    t.write(op::learn_concept{i % 3 == 0 ? concept_ref(by_name.id) : by_name, content,
                              i % 5 == 0 ? std::span<const float>(v) : std::span<const float>(),
                              static_cast<float>(i % 9), 0.25F});
    const attribute_update colour{"colour", "red"};
    if (i % 50 == 0)
      t.write(op::set_attributes{name, {&colour, 1}});
  }
}

/// Hubs at and around every border of the lists' trees.
constexpr std::array<std::uint32_t, 6> degrees{1, 255, 256, 257, 4'097, 65'537};
std::string hub(std::size_t n, bool out) { return (out ? "out" : "in") + std::to_string(n); }

void learn_hubs(twins& t) {
  for (std::size_t n = 0; n != degrees.size(); ++n)
    for (const bool out : {true, false}) {
      const std::string h = hub(n, out);
      t.write(op::learn_concept{h, "a hub"});
      for (std::uint32_t k = 0; k != degrees[n]; ++k) {
        const std::string other = c(k % hub_targets);
        const auto kind = static_cast<kind_id>(k / hub_targets);
        t.associate(out ? h : other, out ? other : h, kind, static_cast<float>(k));
      }
    }
}

void learn_oddities(twins& t) {
  for (std::uint32_t i = 0; i != 300; ++i) {
    const std::string p = "placeholder" + std::to_string(i % 90);
    t.associate(c(i), p);
    t.associate(p, c(2 * i), kinds::causal);
    if (i % 10 == 0)
      t.associate(p, p);
    t.write(op::learn_association{c(i), cid(5'000'000 + i), kinds::temporal}); // has no name
    for (kind_id k = 0; k != 4; ++k)
      t.associate(c(i), c(i), k); // itself, four times
  }
}

/// What a later segment says otherwise than an older one.
void change(twins& t, std::uint32_t from) {
  for (std::uint32_t i = from; i < concepts; i += 97)
    t.write(op::record_access{c(i)}); // its content and list stay in older segments
  for (std::uint32_t i = from + 1; i < concepts; i += 101)
    t.write(op::learn_concept{c(i), "new content of " + c(i)});
  for (std::uint32_t i = from + 2; i < concepts; i += 211) {
    t.write(op::forget_concept{c(i)}); // out of the hubs' lists
    if (i % 2 == 0)
      t.write(op::learn_concept{c(i), "learned anew"});
    else if (i % 3 == 0)
      t.associate(c(i), c(i + 1)); // a placeholder from now on
  }
  for (std::uint32_t i = from; i < 90; i += 7)
    t.write(op::learn_concept{"placeholder" + std::to_string(i), "somebody"});
  t.write(op::forget_association{c(from + 5), c(from + 5), kinds::causal});
}

void learn_all(twins& t) {
  learn_concepts(t);
  t.flush();
  learn_hubs(t);
  t.flush();
  learn_oddities(t);
  change(t, 0);
  t.flush();
  change(t, 30);
  t.flush();
}

/// Appends to, replaces in and removes from the lists of hubs, some of each in one snapshot.
void go_on(twins& t) {
  for (std::size_t n = 0; n != degrees.size(); ++n)
    for (const bool out : {true, false}) {
      const std::string h = hub(n, out);
      const auto ends = [&](const std::string& other) {
        return out ? std::pair<std::string_view, std::string_view>(h, other)
                   : std::pair<std::string_view, std::string_view>(other, h);
      };
      for (const std::uint32_t k : {10U, degrees[n] + 300, 3U, degrees[n] / 2}) {
        const std::string other = c(k % hub_targets);
        const auto [a, b] = ends(other);
        t.associate(a, b, static_cast<kind_id>(k / hub_targets % 5), 7'000.0F);
      }
      t.reconcile();
      for (const std::uint32_t k : {3U, 4U, 200U}) { // some are there, in some lists
        const std::string other = c(k);
        const auto [a, b] = ends(other);
        t.write(op::record_use{a, b});
      }
      for (const std::uint32_t k : {10U, 0U}) {
        const std::string other = c(k);
        const auto [a, b] = ends(other);
        t.write(op::forget_association{a, b});
      }
      t.reconcile();
    }
  t.write(op::forget_concept{hub(5, true)}); // a tree of 65,537
  t.write(op::forget_concept{c(5)});         // in the lists of many hubs
  t.write(op::learn_concept{c(5), "again"});
  t.associate(c(5), hub(5, false));
  const attribute_update size{"size", "large"};
  t.write(op::set_attributes{c(50), {&size, 1}});
  t.reconcile();
}

struct section_place {
  std::string path;
  std::string_view name;
  std::uint64_t begin;
  std::uint64_t bytes;
  bool opened_without; // opening needs nothing of it, or not of all: newer lists replace it
};

/// Every section of every segment, headers included.
std::vector<section_place> sections(const env& e) {
  static constexpr std::array<std::string_view, segment_sections> names{
    "concepts", "associations", "vectors", "content", "extras", "kinds", "bloom", "checksums"};
  std::vector<section_place> all;
  for (const std::string& name : need(e.list("/s"))) {
    if (!name.ends_with(".cmseg"))
      continue;
    const auto segment = segment_reader::open(e, "/s/" + name);
    const segment_header& h = need(segment).header();
    all.push_back({"/s/" + name, "header", 0, sizeof h, false});
    for (std::size_t i = 0; i != segment_sections; ++i)
      if (h.sections[i].bytes != 0)
        all.push_back({"/s/" + name, names[i], h.sections[i].offset, h.sections[i].bytes,
                       names[i] == "kinds" || names[i] == "bloom" || names[i] == "associations"});
  }
  return all;
}

} // namespace

TEST_CASE("D2: a large store opens as what was learned, and learning goes on on top of it") {
  const bool packed = GENERATE(false, true);
  twins t(packed);
  learn_all(t);
  const picture before = t.expected();
  t.reopen();
  const recovery_report& found = t.store.memory->recovery();
  CHECK(found.segments == 4);
  CHECK(found.records == 0);
  CHECK((t.store.memory->stats().memory.adjacency < t.plain_adjacency() / 2) == packed);
  const auto old = t.store.memory->share();
  CHECK(old->concept_count() + old->edge_count() > 2 * 65'536); // far beyond what one thread opens
  check_same(everything(*old), before);
  go_on(t);
  t.check();
  check_same(everything(*old), before); // R2
  t.flush();
  t.reopen();
  t.check();
}

TEST_CASE("an opened store takes memory for what it holds, and not the same again to go on") {
  twins t;
  learn_concepts(t);
  learn_hubs(t);
  t.flush();
  t.reopen();
  const memory_use opened = t.store.memory->stats().memory;
  for (int i = 0; i != 20; ++i) {
    t.write(op::learn_concept{"one more " + std::to_string(i)});
    t.reconcile();
  }
  const memory_use later = t.store.memory->stats().memory;
  CHECK(later.total < opened.total + opened.total / 10);
  CHECK(later.reserved_free < opened.reserved_free + (std::uint64_t{1} << 20));
}

TEST_CASE("D3: a bit that is wrong anywhere in a large store is an error with file and offset") {
  twins t;
  learn_all(t);
  const picture expected = t.expected();
  t.store.cut_power();
  fault_env& disk = *t.store.disk;
  splitmix random(1);
  std::size_t refused = 0;
  for (const section_place& s : sections(env(t.store.disk))) {
    // The hubs' segment always; each takes an opening, and under a sanitizer they take long.
    if (!s.path.ends_with("-2.cmseg") && random.below(100) >= sweep(100))
      continue;
    const std::vector<std::byte> good = disk.content(s.path);
    for (std::size_t round = 0; round != sweep(2); ++round) {
      const std::uint64_t at = s.begin + random.below(s.bytes);
      INFO(s.path << ", " << s.name << ", offset " << at);
      std::vector<std::byte> bad = good;
      bad[static_cast<std::size_t>(at)] ^= static_cast<std::byte>(1U << random.below(8));
      disk.set_content(s.path, bad);
      const failure f = t.store.try_open();
      if (f.code == errc::ok) {
        REQUIRE(s.opened_without);
        if (round == 0)
          check_same(everything(*t.store.memory->load()), expected);
      } else {
        ++refused;
        REQUIRE(f.code == errc::corrupt);
        const std::string path = s.path + " is corrupt at offset ";
        REQUIRE_THAT(f.detail, ContainsSubstring(path));
        const std::uint64_t said = std::stoull(f.detail.substr(f.detail.find(path) + path.size()));
        REQUIRE(said <= at); // the piece that it lies in, or what vouches for it
        REQUIRE(at - said < segment_block_bytes);
      }
      t.store.memory.reset();
      const auto segment = segment_reader::open(env(t.store.disk), s.path);
      REQUIRE((!segment || !segment->verify()));
    }
    disk.set_content(s.path, good);
  }
  CHECK(refused > sweep(20));
  t.store.open();
  check_same(everything(*t.store.memory->load()), expected);
}
