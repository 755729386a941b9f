// Strengths that fade, concepts that expire, and what forgets them.

#include "storage/cold_reader.hpp"
#include "storage/prune.hpp"
#include "tests/storage/store_fixture.hpp"

#include <cmath>
#include <thread>
#include <vector>

using namespace cmem;
using namespace cmem::test;

namespace {

constexpr timestamp_us second = 1'000'000;

struct scene : store_fixture {
  explicit scene(bool stored = true, timestamp_us half_life = 0) {
    if (!stored)
      options.store.reset();
    if (half_life != 0)
      options.strength_half_life = half_life;
    options.log_capacity = 2'000;
    now = 1'000 * second;
    open();
  }

  [[nodiscard]] float strength(std::string_view name) const {
    const auto held = memory->load();
    const auto c = held->find(concept_id::from_name(name));
    return c ? c->strength() : -1.0F;
  }
  void mark(std::string_view name, std::string_view key, std::optional<std::string_view> value) {
    const attribute_update update{key, value};
    write(op::set_attributes{name, {&update, 1}});
  }
  void expire_at(std::string_view name, timestamp_us time) {
    mark(name, expires_at_key, format_time(time));
  }
  void flush() {
    memory->ask_for_flush();
    reconcile();
    while (true) {
      const auto done = memory->flush();
      REQUIRE(done);
      if (!*done)
        break;
    }
  }
  /// A whole pass, and what it asks for.
  void pass() {
    now += 10 * second;
    for (int steps = 0; steps != 10; ++steps)
      (void) memory->reconcile();
    reconcile();
  }
  [[nodiscard]] std::uint64_t count() const { return memory->load()->concept_count(); }
};

/// Prunes while another thread reconciles.
prune_report pruned(scene& s, const prune_options& options) {
  std::atomic<bool> over{false};
  std::thread reconciler([&] {
    while (!over)
      (void) s.memory->reconcile();
  });
  const auto r = prune(*s.memory, options, std::chrono::minutes(1));
  over = true;
  reconciler.join();
  REQUIRE(r);
  return *r;
}

} // namespace

TEST_CASE("a strength fades from when its concept was touched last") {
  scene s(false, 100 * second);
  for (const char* name : {"still", "stronger", "seen", "learned", "weakened"})
    s.write(op::learn_concept{name, "x", {}, 8.0F});
  s.reconcile();
  CHECK(s.strength("still") == 8.0F);
  s.now += 100 * second;
  s.write(op::strengthen{"stronger", 1.0F});
  s.write(op::record_access{"seen"});
  s.write(op::learn_concept{"learned", "x", {}, 8.0F});
  s.write(op::strengthen{"weakened", -5.0F});
  s.reconcile();
  CHECK(s.strength("still") == 4.0F);
  CHECK(s.strength("stronger") == 5.0F);
  CHECK(s.strength("seen") == 4.0F); // being looked at makes nothing stronger
  CHECK(s.strength("learned") == 8.0F);
  CHECK(s.strength("weakened") == 0.0F);
  s.now += 200 * second;
  s.learn("other");
  s.reconcile();
  CHECK(s.strength("still") == 1.0F);
  CHECK(s.strength("stronger") == 1.25F);
  CHECK(s.strength("seen") == 1.0F);
  CHECK(s.strength("learned") == 2.0F);
  const auto held = s.memory->load();
  CHECK(held->find(concept_id::from_name("still"))->copy().strength == 1.0F);
  CHECK(held->find(concept_id::from_name("still"))->stored_strength() == 8.0F);
}

TEST_CASE("an old snapshot answers as it did, and an idle memory renews its own") {
  scene s(false, 2'000 * second);
  s.write(op::learn_concept{"a", "x", {}, 8.0F});
  s.reconcile();
  const auto old = s.memory->share();
  const auto version = old->version();
  s.now += second;
  (void) s.memory->reconcile();
  CHECK(s.memory->load()->version() == version); // a thousandth is not worth it
  s.now += 1'999 * second;
  CHECK(s.memory->reconcile().published);
  CHECK(s.strength("a") == 4.0F);
  CHECK(s.memory->load()->sequence() == old->sequence());
  CHECK(old->find(concept_id::from_name("a"))->strength() == 8.0F);
}

TEST_CASE("without a half-life nothing fades, and strengthening is no access") {
  scene s(false);
  s.write(op::learn_concept{"a", "x", {}, 8.0F});
  s.reconcile();
  const auto learned = s.now;
  s.now += 1'000'000 * second;
  CHECK_FALSE(s.memory->reconcile().published);
  s.write(op::strengthen{"a", 1.0F});
  s.reconcile();
  CHECK(s.strength("a") == 9.0F);
  CHECK(s.memory->load()->find(concept_id::from_name("a"))->last_accessed() == learned);
}

TEST_CASE("a store keeps its half-life, and what its log says is merged with the one of its time") {
  scene s(true, 100 * second);
  s.write(op::learn_concept{"a", "x", {}, 8.0F});
  s.reconcile();
  s.flush();
  s.now += 100 * second;
  s.write(op::strengthen{"a", 0.0F}); // in the log alone: 4 as of now
  s.reconcile();
  s.commit();
  SECTION("as it has it") {
    s.options.strength_half_life.reset();
    s.die();
    s.open();
    CHECK(s.strength("a") == 4.0F);
  }
  SECTION("another one from now on, whichever way it ends") {
    for (const bool dies : {true, false}) {
      s.options.strength_half_life = 50 * second;
      if (dies)
        s.die();
      else
        REQUIRE(s.close().code == errc::ok);
      s.open();
      CHECK(s.strength("a") == 4.0F);
      const auto held = s.memory->load();
      CHECK(held->find(concept_id::from_name("a"))->stored_strength() == 4.0F);
    }
    s.now += 50 * second;
    s.learn("b");
    s.reconcile();
    CHECK(s.strength("a") == 2.0F);
  }
  SECTION("none from now on") {
    s.options.strength_half_life = 0;
    s.die();
    s.open();
    s.now += 1'000 * second;
    s.learn("b");
    s.reconcile();
    CHECK(s.strength("a") == 4.0F);
  }
  SECTION("read alone, and cold") {
    REQUIRE(s.close().code == errc::ok);
    s.options.store->read_only = true;
    s.options.strength_half_life = 1;
    s.open();
    CHECK(s.strength("a") == 4.0F);
    const auto cold = cold_reader::open(s.options.store->files, "/s");
    REQUIRE(cold);
    const auto a = cold->get(concept_id::from_name("a"));
    REQUIRE(a);
    CHECK((*a)->strength == 4.0F);
  }
}

TEST_CASE("a half-life that is changed while calls fail is the old one or the new one") {
  std::size_t failures = 0;
  for (std::uint64_t n = 0, missed = 0; missed != 3; ++n) {
    INFO("call " << n);
    scene s(true, 100 * second);
    s.write(op::learn_concept{"a", "x", {}, 8.0F});
    s.reconcile();
    s.now += 100 * second;
    s.write(op::strengthen{"a", 0.0F});
    s.reconcile();
    s.commit();
    s.die();
    s.options.strength_half_life = 50 * second;
    s.disk->inject(fault::power_off, n);
    const failure f = s.try_open();
    const bool hit = s.disk->hit();
    missed = hit ? 0 : missed + 1;
    failures += f.code != errc::ok;
    s.cut_power(n);
    s.disk->heal();
    s.options.strength_half_life.reset();
    s.open();
    CHECK(s.memory->load()->find(concept_id::from_name("a"))->stored_strength() == 4.0F);
    const auto half_life = s.memory->load()->decay().half_life;
    CHECK((half_life == 100 * second || half_life == 50 * second));
    if (!hit)
      CHECK(half_life == 50 * second);
  }
  CHECK(failures > 10);
}

TEST_CASE("what expires is forgotten by itself, unless it is pinned or put off") {
  scene s;
  s.options.forget = retention_rules{};
  s.die();
  s.open();
  for (const char* name : {"goes", "stays", "pinned", "put off", "no more"})
    s.learn(name, "x");
  s.write(op::learn_association{"stays", "goes"});
  for (const char* name : {"goes", "pinned", "put off", "no more"})
    s.expire_at(name, s.now + 100 * second);
  s.mark("pinned", pinned_key, "true");
  s.expire_at("put off", s.now + 100'000 * second);
  s.mark("no more", expires_at_key, std::nullopt);
  s.reconcile();
  s.pass();
  CHECK(s.count() == 5);
  s.now += 100 * second;
  s.pass();
  CHECK(s.count() == 4);
  CHECK(s.content("goes") == "absent");
  CHECK(s.memory->load()->edge_count() == 0);
  CHECK(s.memory->stats().forgets == 1);
  SECTION("and stays forgotten when the log is read again") {
    s.commit();
    s.die();
    s.open();
    CHECK(s.content("goes") == "absent");
    CHECK(s.count() == 4);
  }
  SECTION("also what was loaded from segments") {
    s.flush();
    s.now += 100'000 * second;
    s.die();
    s.open();
    CHECK(s.count() == 4);
    s.pass();
    CHECK(s.content("put off") == "absent");
    CHECK(s.count() == 3);
    s.mark("pinned", pinned_key, std::nullopt);
    s.reconcile();
    s.pass();
    CHECK(s.content("pinned") == "absent");
    CHECK(s.count() == 2);
  }
}

TEST_CASE("nothing is forgotten where nobody asked for it") {
  scene s(true, 10 * second);
  s.learn("a", "x");
  s.expire_at("a", s.now + second);
  s.reconcile();
  s.now += 1'000 * second;
  s.pass();
  CHECK(s.content("a") == "x");
  CHECK(s.memory->stats().forgets == 0);
}

TEST_CASE("what has faded or is not used is forgotten by itself, pass by pass") {
  scene s(false, 100 * second);
  s.options.forget = retention_rules{false, 1.0F, 10'000 * second};
  s.open();
  constexpr int many = 10'000; // more than one step looks at
  for (int i = 0; i != many; ++i) {
    s.write(op::learn_concept{"c" + std::to_string(i), "x", {}, i % 2 == 0 ? 2.0F : 3e38F});
    if (i % 1'000 == 999)
      s.reconcile();
  }
  s.pass();
  CHECK(s.count() == many);
  s.now += 110 * second;
  while (s.count() > many / 2) // no more at once than half of the log has room for
    s.pass();
  CHECK(s.count() == many / 2);
  CHECK(s.strength("c1") > 1.0F);
  s.now += 2'000 * second;
  s.write(op::record_access{"c1"});
  s.reconcile();
  s.now += 8'500 * second;
  while (s.count() > 1)
    s.pass();
  CHECK(s.content("c1") == "x");
  s.now += 10'000 * second;
  s.pass();
  CHECK(s.count() == 0);
}

TEST_CASE("what is touched before it is forgotten stays") {
  scene s(false, 100 * second);
  s.write(op::learn_concept{"a", "x", {}, 8.0F});
  s.reconcile();
  s.now += 1'000 * second;
  const retention_rules rules{true, 1.0F, 0};
  s.write(op::strengthen{"a", 2.0F});
  const auto t = s.write(op::forget_if_due{"a", rules});
  s.reconcile();
  CHECK(s.memory->load()->outcome(t).reason == errc::not_found);
  CHECK(s.content("a") == "x");
  s.now += 1'000 * second;
  const auto again = s.write(op::forget_if_due{"a", rules});
  const auto unknown = s.write(op::forget_if_due{"b", rules});
  s.reconcile();
  CHECK(s.memory->load()->covers(again));
  CHECK(s.memory->load()->outcome(unknown).reason == errc::not_found);
  CHECK(s.content("a") == "absent");
}

TEST_CASE("pruning says what goes and why, and a dry run forgets nothing") {
  scene s(true, 100 * second);
  for (const char* name : {"expired", "faded", "unused", "pinned", "fine"})
    s.write(op::learn_concept{name, "four", {}, 1e9F});
  s.write(op::learn_concept{"faded", "four", {}, 1.0F});
  s.expire_at("expired", s.now + second);
  s.expire_at("pinned", s.now + second);
  s.mark("pinned", pinned_key, "true");
  s.reconcile();
  s.now += 200 * second;
  for (const char* name : {"expired", "pinned", "fine"})
    s.write(op::record_access{name});
  s.reconcile();
  s.now += second;
  std::vector<std::string> told;
  prune_options o;
  o.rules = {true, 0.5F, 100 * second};
  o.dry_run = true;
  o.on_due = [&](const concept_view& c, retention_reason why) {
    told.push_back(std::string(c.name()) + ' ' + std::string(to_string(why)));
  };
  for (const bool dry : {true, false}) {
    o.dry_run = dry;
    told.clear();
    const prune_report r = pruned(s, o);
    std::sort(told.begin(), told.end());
    CHECK(told == std::vector<std::string>{"expired expired", "faded faded", "unused unused"});
    CHECK(r.examined == 5);
    CHECK(r.expired == 1);
    CHECK(r.faded == 1);
    CHECK(r.unused == 1);
    CHECK(r.pinned == 1);
    CHECK(r.payload_bytes == 12);
    CHECK(r.forgotten == (dry ? 0 : 3));
    CHECK(s.count() == (dry ? 5 : 2));
  }
  o.rules.strength_min = -1.0F;
  CHECK(prune(*s.memory, o, std::chrono::seconds(1)).error().code == errc::invalid_argument);
}

TEST_CASE("settings that cannot be are refused") {
  engine_options o;
  o.strength_half_life = -1;
  CHECK(engine::create(o).error().detail == "strength_half_life is -1 us: must be at least 0");
  o.strength_half_life.reset();
  o.forget = retention_rules{true, std::nanf(""), 0};
  CHECK(engine::create(o).error().code == errc::invalid_argument);
  o.forget = retention_rules{true, 0, -1};
  CHECK(engine::create(o).error().detail == "unused_max is -1 us: must be at least 0");
  scene s(false);
  s.learn("a");
  for (const auto& [key, value] :
       {std::pair(expires_at_key, "tomorrow"), std::pair(pinned_key, "1")}) {
    const attribute_update bad{key, value};
    CHECK(s.memory->write(op::set_attributes{"a", {&bad, 1}}).error().code
          == errc::invalid_argument);
  }
}
