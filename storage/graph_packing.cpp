// Which lists of a graph are packed (adjacency_packing.cpp), and when.

#include "storage/graph_builder.hpp"

namespace cmem {

graph_builder::packed_some graph_builder::pack_settled(std::uint64_t first, std::uint64_t looked_at,
                                                       std::uint64_t settled, std::uint32_t work) {
  // Packing a list touches the array's leaf that it shares with others: what this call has touched,
  // or the one before that stopped within the leaf, is as it was to those that are left of it.
  constexpr std::uint32_t beside = adjacency_builder::array::view::leaf_size;
  const std::uint64_t stopped_in = first % beside != 0 ? packed_in_ : version_;
  const auto looks_at = [&](std::uint64_t v) {
    return (v > looked_at && v <= settled) || v == version_ || v == stopped_in;
  };
  if (packing_ == nullptr)
    packing_ = std::make_unique<packing>();
  packed_some done{first, 0};
  // Of each 16 concepts the outgoing lists, then the incoming ones.
  const std::uint64_t end = (std::uint64_t{index_count_} + beside - 1) / beside * (2 * beside);
  std::uint32_t worked = 0;
  while (done.next < end && worked < work) {
    adjacency_builder& lists = done.next / beside % 2 == 0 ? out_ : in_;
    const auto i =
      static_cast<std::uint32_t>(done.next / (2 * beside) * beside + done.next % beside);
    if (done.next % beside == 0)
      ++worked;
    if (i >= index_count_ || !looks_at(lists.touched_in(i))) {
      done.next += beside - done.next % beside;
      continue;
    }
    ++done.next;
    if (const std::uint32_t n = lists.degree(i); n != 0 && n <= pack_degree_max) {
      worked += n;
      done.lists += lists.pack(i, *packing_, version_) ? 1U : 0U;
    }
  }
  if (done.next >= end)
    done.next = 0;
  packed_in_ = version_;
  if (done.lists != 0)
    prepare();
  return done;
}

} // namespace cmem
