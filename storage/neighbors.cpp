#include "storage/neighbors.hpp"

#include <algorithm>
#include <cassert>

namespace cmem {

namespace {

// Total: no two associations of a concept in one direction share other end and kind.
struct better {
  const graph_snapshot& s;

  bool operator()(const neighbor& a, const neighbor& b) const noexcept {
    if (a.confidence != b.confidence)
      return a.confidence > b.confidence;
    if (a.index != b.index)
      return s.node(a.index).id < s.node(b.index).id;
    return a.kind != b.kind ? a.kind < b.kind : a.along < b.along;
  }
};

// Keeps the best `limit` in a heap whose front is the worst of them.
class selection {
public:
  selection(const graph_snapshot& s, std::size_t limit, float confidence_min,
            std::vector<neighbor>& kept) noexcept
    : better_{s}, limit_(limit), bar_(confidence_min), kept_(kept) {}

  // Whether an association of this confidence may still be wanted: no other memory is read for
  // those that are not.
  [[nodiscard]] bool wants(float confidence) const noexcept { return confidence >= bar_; }

  void offer(const neighbor& n) {
    if (kept_.size() < limit_) {
      kept_.push_back(n);
      if (kept_.size() < limit_)
        return;
      std::make_heap(kept_.begin(), kept_.end(), better_);
    } else if (better_(n, kept_.front())) {
      std::pop_heap(kept_.begin(), kept_.end(), better_);
      kept_.back() = n;
      std::push_heap(kept_.begin(), kept_.end(), better_);
    }
    bar_ = kept_.front().confidence;
  }

  void sort() { std::sort(kept_.begin(), kept_.end(), better_); }

private:
  better better_;
  std::size_t limit_;
  float bar_;
  std::vector<neighbor>& kept_;
};

} // namespace

void neighbors(const graph_snapshot& s, std::uint32_t index, direction d, const neighbor_filter& f,
               std::vector<neighbor>& out) {
  assert(index < s.index_count() && s.is_learned(index));
  out.clear();
  if (f.limit == 0)
    return;
  const bool any_kind = f.kinds.empty();
  const bool any_strength = f.strength_min <= 0.0F;
  const bool look_at_nodes = !any_strength || s.placeholder_count() > 0;
  selection best{s, f.limit, f.confidence_min, out};
  const auto select = [&](const adjacency_list& list, direction along) {
    list.for_each_chunk([&](const adjacency_chunk& c) {
      for (std::size_t j = 0; j < c.targets.size(); ++j) {
        if (!best.wants(c.confidence[j]) || !(any_kind || f.kinds.contains(c.kind[j])))
          continue;
        const std::uint32_t other = c.targets[j];
        if (look_at_nodes
            && !(s.is_learned(other) && (any_strength || s.at(other).strength() >= f.strength_min)))
          continue;
        if (other == index && d == direction::both && along == direction::incoming)
          continue; // it was among the outgoing ones
        best.offer({other, c.kind[j], c.confidence[j], c.weight[j], along});
      }
    });
  };
  if (d != direction::incoming)
    select(s.out(index), direction::outgoing);
  if (d != direction::outgoing)
    select(s.in(index), direction::incoming);
  best.sort();
}

result<std::vector<neighbor>> neighbors(const graph_snapshot& s, const concept_id& id, direction d,
                                        const neighbor_filter& f) {
  const auto index = s.index_of(id);
  if (!index)
    return failure{errc::not_found, "concept " + id.hex() + " is not learned"};
  std::vector<neighbor> out;
  neighbors(s, *index, d, f, out);
  return out;
}

} // namespace cmem
