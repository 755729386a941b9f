#pragma once
// A memory without actors, with a clock of its own, and verbs that make tests short.

#include "storage/engine.hpp"
#include "tests/catch.hpp"

#include <memory>
#include <string>
#include <utility>

namespace cmem::test {

/// "applied", "dropped", "failed not_found", …
inline std::string to_text(const settlement& s) {
  switch (s.what) {
    case fate::pending: return "pending";
    case fate::applied: return s.reason == errc::ok ? "applied" : "wrong reason";
    case fate::dropped: return s.reason == errc::dropped ? "dropped" : "wrong reason";
    case fate::failed: return "failed " + std::string(to_string(s.reason));
    case fate::unknown: return s.reason == errc::unknown ? "unknown" : "wrong reason";
  }
  return "no fate";
}

class engine_fixture {
public:
  /// Options as given, but for a clock that stands still, and a small arena and log unless set.
  explicit engine_fixture(engine_options o = {}) {
    if (o.arena_bytes == arena_bytes_max)
      o.arena_bytes = std::size_t{256} << 20;
    if (o.log_capacity == 100'000)
      o.log_capacity = 1'000;
    if (!o.clock)
      o.clock = [this] { return now; };
    auto made = engine::create(std::move(o));
    REQUIRE(made.has_value());
    memory = std::move(made).value();
  }

  template <class Op>
  ticket write(const Op& o) {
    const auto t = memory->write(o);
    REQUIRE(t.has_value());
    return *t;
  }
  template <class Op>
  errc refusal(const Op& o) {
    const auto t = memory->write(o);
    return t ? errc::ok : t.error().code;
  }
  /// Reconciles until nothing is left.
  void reconcile() {
    while (memory->reconcile().entries != 0) {}
  }
  /// What became of it, as an await would learn it.
  std::string fate_of(const ticket& t) {
    auto text = std::make_shared<std::string>("never told");
    memory->on_settled(t, [text](settlement s) { *text = to_text(s); });
    if (*text == "never told")
      (void) memory->reconcile();
    REQUIRE(*text != "never told");
    return *text;
  }
  template <class Op>
  std::string fate_after(const Op& o) {
    return fate_of(write(o));
  }
  [[nodiscard]] bool has(const concept_id& id) const {
    return memory->load()->find(id).has_value();
  }
  [[nodiscard]] std::string content(const concept_id& id) const {
    const auto s = memory->load();
    const auto c = s->find(id);
    return c ? std::string(c->content()) : "absent";
  }

  timestamp_us now = 1'000;
  std::unique_ptr<engine> memory;
};

} // namespace cmem::test
