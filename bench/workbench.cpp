#include "bench/workbench.hpp"

#include <algorithm>

namespace cmem::bench {

std::vector<double> take_turns(const std::vector<window>& all) {
  std::vector<std::vector<double>> values(all.size());
  for (int round = 0; round <= 5; ++round)
    for (std::size_t w = 0; w < all.size(); ++w)
      if (const double value = all[w](); round != 0)
        values[w].push_back(value);
  std::vector<double> medians;
  for (auto& v : values)
    medians.push_back(median(std::move(v)));
  return medians;
}

std::vector<edge_pair> random_edges(std::uint32_t concepts, std::size_t n, std::uint64_t seed) {
  tools::random_numbers random(seed);
  std::vector<edge_pair> edges(n);
  for (edge_pair& e : edges) {
    e.source = static_cast<std::uint32_t>(random.below(concepts));
    e.target = static_cast<std::uint32_t>(random.below(concepts));
  }
  return edges;
}

std::vector<edge_pair> rmat_edges(unsigned scale, std::size_t n, std::uint64_t seed) {
  tools::random_numbers random(seed);
  std::vector<edge_pair> edges(n);
  for (edge_pair& e : edges) {
    e = {};
    for (unsigned bit = 0; bit < scale; ++bit) {
      const float r = random.unit();
      const bool down = r >= 0.76F; // 0.57 + 0.19
      const bool right = down ? r >= 0.95F : r >= 0.57F;
      e.source = e.source << 1 | (down ? 1U : 0U);
      e.target = e.target << 1 | (right ? 1U : 0U);
    }
  }
  // Vertex numbers are permuted, as Graph500 asks, so that neighbors in number are not alike in
  // degree.
  const std::uint32_t mask = (1U << scale) - 1;
  const auto permute = [mask](std::uint32_t v) { return (v * 0x9E37'79B1U + 0x7F4A'7C15U) & mask; };
  for (edge_pair& e : edges)
    e = {permute(e.source), permute(e.target)};
  return edges;
}

unsigned rmat_scale(const options& o, unsigned full) {
  unsigned scale = full;
  while (scale > 8 && (1U << scale) > (1U << full) * o.scale)
    --scale;
  return scale;
}

std::string rmat_name(unsigned scale) {
  const std::size_t edges = std::size_t{16} << scale;
  const bool millions = edges >= 1U << 20;
  return "RMAT scale " + std::to_string(scale) + ", "
         + std::to_string(edges >> (millions ? 20 : 10)) + (millions ? "M" : "K");
}

std::unique_ptr<engine> make_engine(engine_options o) {
  o.log_capacity = std::max<std::size_t>(o.log_capacity, 200'000);
  o.overflow = overflow_policy::reject;
  return or_throw(engine::create(std::move(o)));
}

void learn_concepts(engine& e, std::uint64_t n, std::size_t content_bytes) {
  const std::string content(content_bytes, 'c');
  for (std::uint64_t i = 0; i < n; ++i) {
    (void) or_throw(e.write(op::learn_concept{.id = id_of(i), .content = content}));
    if (i % 10'000 == 9'999 || i + 1 == n)
      (void) e.reconcile();
  }
}

builder_rig::builder_rig()
  : log_(payloads_, {.capacity = 200'000, .overflow = overflow_policy::reject}) {}

void builder_rig::drain(std::size_t entries) {
  log_.drain_batch(entries, batch_);
  payloads_.provision();
}

void builder_rig::publish() {
  builder_.merge(batch_.entries, [](const write_entry&, errc why) {
    throw std::logic_error("a benchmark's entry failed: " + std::string(to_string(why)));
  });
  sequence_ += batch_.entry_count;
  (void) builder_.publish(sequence_, 0, settled_.publish());
  std::vector<bool> in_use;
  for (const graph_snapshot* s : builder_.live())
    in_use.push_back(s == held_);
  builder_.reclaim(in_use);
}

void builder_rig::release() {
  log_.release(batch_);
  builder_.provision();
}

} // namespace cmem::bench
