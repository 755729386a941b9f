// Which lists of a graph are packed (adjacency_packing.cpp), and when.

#include "storage/graph_builder.hpp"

#include <algorithm>

namespace cmem {

graph_builder::packed_some graph_builder::pack_settled(std::uint32_t first, std::uint64_t looked_at,
                                                       std::uint64_t settled, std::uint32_t work) {
  constexpr std::uint32_t beside = adjacency_builder::array::view::leaf_size;
  static_assert(graph_snapshot::page_nodes == 1);
  if (packing_ == nullptr)
    packing_ = std::make_unique<packing>();
  packed_some done{first, 0};
  std::uint32_t worked = 0;
  const auto pack_one = [&](adjacency_builder& of, std::uint32_t i) {
    if (of.degree(i) == 0 || of.degree(i) > pack_degree_max)
      return;
    worked += of.degree(i);
    done.lists += of.pack(i, *packing_, version_) ? 1U : 0U;
  };
  // All lists that share an array's leaf at once: packing one touches it.
  for (; done.next < index_count_ && worked < work; done.next += beside - done.next % beside) {
    const std::uint32_t end = std::min(index_count_, done.next / beside * beside + beside);
    ++worked;
    for (adjacency_builder* of : {&out_, &in_})
      if (const std::uint64_t v = of->touched_in(done.next); v > looked_at && v <= settled)
        for (std::uint32_t i = done.next; i != end; ++i)
          pack_one(*of, i);
  }
  done.next = std::min(done.next, index_count_);
  if (done.lists != 0)
    prepare();
  return done;
}

} // namespace cmem
