#include "bench/path_rig.hpp"

#include "bench/peer_module.hpp"
#include "storage/find_path.hpp"
#include "tools/wordnet.hpp"

#include <utility>

namespace cmem::bench {

namespace {

engine_options without_times() {
  engine_options o;
  o.association_times = false;
  return o;
}

// Writes to an engine that takes some hundred thousand entries before it has to merge them.
class patient_writer {
public:
  explicit patient_writer(engine& e) noexcept : e_(e) {}

  template <class Op>
  void operator()(const Op& o) {
    (void) or_throw(e_.write(o));
    if (++pending_ == 100'000)
      merge();
  }
  void merge() {
    while (e_.reconcile().more_pending) {}
    pending_ = 0;
  }

private:
  engine& e_;
  std::size_t pending_ = 0;
};

} // namespace

path_step csr_walk::step(std::uint32_t from, std::uint32_t to) const {
  const bool outgoing = g_.out(from).size() <= g_.in(to).size();
  const csr_list all = outgoing ? g_.out(from) : g_.in(to);
  const std::uint32_t wanted = outgoing ? to : from;
  path_step best{to, 0, -1.0F};
  for (std::size_t j = 0; j < all.size(); ++j)
    if (all.targets()[j] == wanted) {
      const path_step step{to, all.kinds()[j], all.confidences()[j]};
      if (shown_before(step, best))
        best = step;
    }
  return best;
}

path_rig path_rig::rmat(unsigned scale) {
  path_rig r;
  r.memory_ = make_engine(without_times());
  patient_writer write(*r.memory_);
  for (std::uint32_t i = 0; i < 1U << scale; ++i)
    write(op::learn_concept{.id = id_of(i)});
  tools::random_numbers random(4);
  for (const edge_pair& e : rmat_edges(scale, std::size_t{16} << scale, 12))
    write(op::learn_association{
      .source = id_of(e.source), .target = id_of(e.target), .confidence = 1.0F - random.unit()});
  write.merge();
  r.finish();
  return r;
}

path_rig path_rig::wordnet(bool weighted) {
  path_rig r;
  r.memory_ = make_engine(without_times());
  const auto source = or_throw(tools::read_wordnet());
  std::vector<kind_id> kinds;
  for (const tools::wordnet_kind& kind : tools::wordnet_kinds)
    kinds.push_back(or_throw(r.memory_->kinds().add(kind.name)));
  patient_writer write(*r.memory_);
  for (const tools::synset& s : source.synsets)
    write(op::learn_concept{.id = s.name, .content = s.gloss});
  tools::random_numbers random(4);
  for (const tools::synset_pointer& p : source.pointers)
    write(op::learn_association{.source = source.synsets[p.source].name,
                                .target = source.synsets[p.target].name,
                                .kind = kinds[p.kind],
                                .confidence =
                                  weighted && random.below(10) == 0 ? 1.0F - random.unit() : 1.0F});
  write.merge();
  r.finish();
  return r;
}

void path_rig::finish() {
  snapshot_ = memory_->share();
  rows_ = std::make_unique<csr_graph>(*snapshot_);
  ids_.reserve(snapshot_->index_count());
  for (std::uint32_t i = 0; i < snapshot_->index_count(); ++i)
    ids_.push_back(snapshot_->node(i).id);
}

std::vector<edge_pair> path_rig::pairs(std::size_t n) const {
  tools::random_numbers random(9);
  path_scratch scratch;
  std::vector<edge_pair> all;
  while (all.size() < n) {
    const edge_pair p{static_cast<std::uint32_t>(random.below(ids_.size())),
                      static_cast<std::uint32_t>(random.below(ids_.size()))};
    if (p.source != p.target && find_path(*snapshot_, p.source, p.target, path_depth_max, scratch))
      all.push_back(p);
  }
  return all;
}

std::unique_ptr<path_peer> path_rig::peer() const {
  const auto make = reinterpret_cast<decltype(&cmem_bench_make_path_peer)>(
    peer_symbol("igraph", "cmem_bench_make_path_peer"));
  if (make == nullptr)
    return nullptr;
  std::vector<peer_link> links;
  for (std::uint32_t i = 0; i < rows_->index_count(); ++i)
    rows_->out(i).for_each_chunk([&](const csr_chunk& c) {
      for (std::size_t j = 0; j < c.targets.size(); ++j)
        links.push_back({i, c.targets[j], c.confidence[j]});
    });
  return std::unique_ptr<path_peer>(make(rows_->index_count(), links.data(), links.size()));
}

} // namespace cmem::bench
