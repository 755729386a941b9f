// Learning, merging, indexing and searching at once, each on threads of its own.

#include "storage/search.hpp"
#include "storage/vector_graph.hpp"
#include "tests/storage/builder_fixture.hpp"
#include "tests/storage/store_fixture.hpp"

#include <array>
#include <atomic>
#include <thread>

using namespace cmem;
using namespace cmem::test;

namespace {

constexpr std::uint64_t concepts = 600;

std::array<float, 3> vector_of(std::uint64_t n) {
  return {1.0F, static_cast<float>(n % 25), static_cast<float>(n / 25 % 25)};
}

} // namespace

TEST_CASE("R5: searches find what their snapshot has while indexes and files are made of others") {
  store_fixture f;
  f.options.vector_dimension = 3;
  f.options.graph_vectors_min = 200;
  f.options.index_text = true;
  f.options.log_capacity = 2'000;
  f.open();
  for (std::uint64_t n = 0; n != concepts; ++n)
    f.write(op::learn_concept{.id = cid(n), .content = "old", .vector = vector_of(n)});
  f.reconcile();

  const auto has_graph = [&] {
    const auto s = f.memory->load();
    return s->index() != nullptr && s->index()->vectors->graph != nullptr;
  };
  while (!has_graph()) {
    REQUIRE(f.memory->index_some());
    f.reconcile();
  }

  std::atomic<bool> over{false};
  std::atomic<int> wrong{0};
  std::thread merges([&] {
    while (!over.load(std::memory_order_relaxed))
      (void) f.memory->reconcile();
  });
  std::thread indexes([&] {
    while (!over.load(std::memory_order_relaxed))
      if (!f.memory->index_some())
        ++wrong;
  });
  const auto search_on = [&] {
    search_scratch scratch;
    for (std::uint64_t n = 0; !over.load(std::memory_order_relaxed); ++n) {
      const snapshot_handle s = f.memory->share();
      const auto v = vector_of(7 * n);
      const auto found = nearest(*s, {.vector = v, .k = 10, .effort = 50}).value().found;
      if (found.size() != 10)
        ++wrong;
      for (const similar_concept& c : found)
        if (!s->is_learned(c.index))
          ++wrong;
      search_query q;
      q.text = "old new";
      q.k = q.depth = concepts;
      if (search(*s, q, scratch).value().size() != s->concept_count())
        ++wrong;
    }
  };
  std::thread first(search_on);
  std::thread second(search_on);
  for (std::uint64_t n = 0; n < sweep(3'000); ++n) {
    const concept_id id = cid(n * 31 % concepts);
    const auto written = n % 5 == 0 ? f.memory->write(op::forget_concept{id})
                                    : f.memory->write(op::learn_concept{
                                      .id = id, .content = "new", .vector = vector_of(n + 1)});
    if (!written) { // the log is full
      std::this_thread::yield();
      --n;
    }
    if (n % 1'000 == 999)
      (void) f.memory->commit();
  }
  over.store(true, std::memory_order_relaxed);
  for (std::thread* t : {&merges, &indexes, &first, &second})
    t->join();
  CHECK(wrong == 0);
  CHECK(has_graph());
  CHECK(f.close().code == errc::ok);
}
