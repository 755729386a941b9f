// The storage layer alone, without CAF: learn, reconcile by hand, read.
#include "storage/engine.hpp"
#include "storage/queries.hpp"
#include "storage/vector_codebook.hpp" // what it is trained with has to be linked too

#include <iostream>
#include <vector>

int main() {
  auto made = cmem::engine::create({});
  if (!made) {
    std::cerr << made.error().detail << "\n";
    return 1;
  }
  cmem::engine& engine = **made;
  const bool written =
    engine.write(cmem::op::learn_concept{.id = "dog", .content = "a domesticated carnivore"})
    && engine.write(cmem::op::learn_concept{.id = "carnivore", .content = "it eats meat"})
    && engine.write(cmem::op::learn_association{
      .source = "dog", .target = "carnivore", .kind = cmem::kinds::hierarchical});
  engine.reconcile();

  const auto snapshot = engine.share();
  const auto dog = snapshot->find(cmem::concept_id::from_name("dog"));
  const auto near = cmem::neighbors(*snapshot, cmem::concept_id::from_name("dog"));
  if (!written || !dog || !near || near->size() != 1)
    return 1;
  std::cout << "dog: " << dog->content() << ", a " << snapshot->at(near->front().index).name()
            << "\n";

  std::vector<float> rows;
  for (int i = 0; i < 600; ++i)
    rows.push_back(static_cast<float>(i * i % 89));
  return cmem::vector_codebook::train(rows, 2) ? 0 : 1;
}
