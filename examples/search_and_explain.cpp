// Finds by vector what a question is about, then explains by paths how that comes about.

#include "actors/concurrent_memory.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

using namespace cmem;

namespace {

// As a model of language would give them, but of four numbers: weather, road, health, music.
using vector = std::array<float, 4>;

result<settlement> teach(concurrent_memory& memory) {
  const vector rain{0.9F, 0.1F, 0.0F, 0.0F};
  const vector wet_street{0.4F, 0.8F, 0.0F, 0.0F};
  const vector slow_traffic{0.1F, 0.9F, 0.1F, 0.0F};
  const vector cold{0.3F, 0.0F, 0.9F, 0.0F};
  const vector drum_roll{0.0F, 0.0F, 0.0F, 1.0F};
  const write_op lesson[] = {
    op::learn_concept{"rain", "water falling from clouds", rain},
    op::learn_concept{"wet street", "slippery", wet_street},
    op::learn_concept{"slow traffic", "cars keep their distance", slow_traffic},
    op::learn_concept{"cold", "an illness with a running nose", cold},
    op::learn_concept{"drum roll", "rapid beats, like rain on a roof", drum_roll},
    op::learn_association{"rain", "wet street", kinds::causal, 0.9F},
    op::learn_association{"wet street", "slow traffic", kinds::causal, 0.8F},
    op::learn_association{"rain", "cold", kinds::causal, 0.3F},
  };
  const auto ticket = memory.learn_batch(lesson);
  if (!ticket)
    return ticket.error();
  return memory.await_visible(*ticket);
}

void explain(const concurrent_memory& memory, const found_concept& found) {
  const auto path = memory.find_path("rain", found.id);
  if (!path || !*path) {
    std::printf("  nothing that is known leads there from rain\n");
    return;
  }
  std::printf("  rain");
  for (const auto& hop : (*path)->hops)
    std::printf(" -> %s", memory.query_concept(hop.id)->name.c_str());
  std::printf(", confidence %.2f\n", (*path)->confidence);
}

} // namespace

int main() {
  config settings;
  settings.vector_dimension = 4;
  concurrent_memory memory(settings);
  if (const auto taught = teach(memory); !taught) {
    std::fprintf(stderr, "nothing was learned: %s\n", to_string(taught.error()).c_str());
    return EXIT_FAILURE;
  }

  // "Why am I late?", by the same model.
  const auto hits = memory.search({.vector = {0.0F, 1.0F, 0.2F, 0.0F}, .k = 2});
  if (!hits || hits->empty())
    return EXIT_FAILURE;
  for (const found_concept& found : *hits) {
    std::printf("%s, similarity %.2f\n", found.name.c_str(), found.by_vector.score);
    explain(memory, found);
  }
  return EXIT_SUCCESS;
}
