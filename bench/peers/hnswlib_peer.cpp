#include "bench/vector_peer.hpp"

#include <hnswlib/hnswlib.h>

namespace cmem::bench {

namespace {

constexpr std::size_t neighbors = 16;
constexpr std::size_t breadth = 200;

class hnswlib_peer final : public vector_peer {
public:
  hnswlib_peer(std::size_t dimension, std::size_t vectors_max)
    : space_(dimension), index_(&space_, vectors_max, neighbors, breadth) {}

  [[nodiscard]] std::string name() const override {
    return "hnswlib, M " + std::to_string(neighbors) + ", ef_construction "
           + std::to_string(breadth);
  }
  void add(const float* vector) override { index_.addPoint(vector, next_++); }
  std::size_t nearest(const float* query, std::size_t k, std::size_t effort,
                      std::uint32_t* out) override {
    index_.setEf(effort);
    auto found = index_.searchKnn(query, k);
    const std::size_t count = found.size();
    for (; !found.empty(); found.pop())
      *out++ = static_cast<std::uint32_t>(found.top().second);
    return count;
  }

private:
  hnswlib::InnerProductSpace space_;
  hnswlib::HierarchicalNSW<float> index_;
  std::size_t next_ = 0;
};

} // namespace

} // namespace cmem::bench

extern "C" cmem::bench::vector_peer* cmem_bench_make_vector_peer(std::size_t dimension,
                                                                 std::size_t vectors_max) {
  return new cmem::bench::hnswlib_peer(dimension, vectors_max);
}
