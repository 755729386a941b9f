// The whole memory: learn, await, ask.
#include "actors/concurrent_memory.hpp"

#include <iostream>

int main() {
  cmem::concurrent_memory memory{cmem::config{}};
  const auto dog = memory.learn_concept("dog", "a domesticated carnivore");
  const auto carnivore = memory.learn_concept("carnivore", "it eats meat");
  const auto is_a = memory.learn_association("dog", "carnivore", cmem::kinds::hierarchical, 0.9F);
  if (!dog || !carnivore || !is_a)
    return 1;

  const auto settled = memory.await_visible(*is_a);
  if (!settled || settled->what != cmem::fate::applied)
    return 1;

  const auto learned = memory.query_concept("dog");
  const auto path = memory.find_path("dog", "carnivore");
  if (!learned || !path || !*path)
    return 1;
  std::cout << "dog: " << learned->content << "; a carnivore with confidence "
            << (*path)->confidence << "\n";
  return memory.close().left == 0 ? 0 : 1;
}
