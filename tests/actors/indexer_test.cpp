// A memory that is indexed, stepped by CAF's deterministic scheduler.

#include "tests/actors/stepped.hpp"

using namespace cmem;
using namespace cmem::test;
using namespace std::chrono_literals;

namespace {

config indexed() {
  config c;
  c.index_text = true;
  return c;
}

/// How many changes the index of the newest snapshot does not know; none: it has no index.
std::optional<std::uint64_t> unknown(const concurrent_memory& m) {
  const auto s = m.snapshot();
  if (s->index() == nullptr)
    return std::nullopt;
  return s->trail().end() - s->index()->covers;
}

} // namespace

TEST_CASE("what is learned is indexed some ticks later") {
  stepped_system s;
  const auto memory = s.open(indexed());
  CHECK(memory->actors().indexer);
  for (int round = 0; round != 3; ++round) {
    (void) good(memory->learn_concept("c" + std::to_string(round)));
    s.advance(50ms);
    CHECK(unknown(*memory) == 0);
  }
  const auto before = memory->stats().reconciler.reconciliations;
  s.advance(1s);
  CHECK(memory->stats().reconciler.reconciliations == before); // it rests
}

TEST_CASE("W9: an indexer that dies leaves what is due to the next one") {
  stepped_system s;
  const auto memory = s.open(indexed());
  s.advance(50ms);
  const auto handles = memory->actors();
  cafx::tell_to_exit(handles.indexer);
  (void) good(memory->learn_concept("c"));
  s.advance(50ms);
  CHECK(memory->actors().indexer != handles.indexer);
  CHECK(unknown(*memory) == 0);
}

TEST_CASE("a memory without vectors and text has no indexer") {
  stepped_system s;
  const auto memory = s.open();
  (void) good(memory->learn_concept("c"));
  s.advance(50ms);
  CHECK_FALSE(memory->actors().indexer);
  CHECK(unknown(*memory) == std::nullopt);
}
