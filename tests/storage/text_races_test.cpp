// Readers of older generations while the indexer makes new ones of the same parts.

#include "tests/storage/text_fixture.hpp"

#include <atomic>
#include <mutex>
#include <thread>

using namespace cmem;
using namespace cmem::test;

TEST_CASE("Readers keep their generation while parts are merged and die") {
  text_memory m(500, 400);
  const std::vector<std::string> words = {"the", "of", "cat", "dog", "ox", "emu"};
  std::mt19937 random(31);
  const auto learn = [&] {
    std::string text;
    for (std::size_t n = random() % 8; n > 0; --n)
      text += words[random() % words.size()] + " ";
    m.learn("n" + std::to_string(random() % 300), text);
  };
  for (int i = 0; i < 500; ++i)
    learn();
  m.publish();
  m.update();

  std::mutex guard;
  text_view shown = m.view();
  std::atomic<bool> done{false};
  std::atomic<std::size_t> wrong{0};
  const auto read = [&](std::size_t i) {
    text_scratch scratch;
    do {
      text_view v;
      {
        const std::lock_guard lock(guard);
        v = shown;
      }
      const std::string text = words[i++ % words.size()] + " cat";
      const text_query q{.text = text, .all_words = i % 2 == 0};
      const auto indexed = search_text(*v.snapshot, v.index.get(), v.changed, q, scratch);
      const auto plain = search_text(*v.snapshot, nullptr, {}, q, scratch);
      if (*indexed != *plain
          || find_names(*v.snapshot, v.index.get(), v.changed, "n1", 20)
               != find_names(*v.snapshot, nullptr, {}, "n1", 20))
        ++wrong;
    } while (!done.load(std::memory_order_relaxed)); // joined before anything else is looked at
  };
  std::thread first(read, 0);
  std::thread second(read, 3);
  for (std::size_t round = 0; round < sweep(200); ++round) {
    for (int i = 0; i < 10; ++i)
      learn();
    m.forget("n" + std::to_string(random() % 300));
    m.publish();
    if (round % 3 != 0)
      m.update();
    text_view next = m.view();
    const std::lock_guard lock(guard);
    std::swap(shown, next);
  }
  done.store(true, std::memory_order_relaxed);
  first.join();
  second.join();
  CHECK(wrong == 0);
}
