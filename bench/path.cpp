#include "bench/benches.hpp"
#include "bench/path_rig.hpp"
#include "storage/find_path.hpp"
#include "storage/hop_search.hpp"
#include "storage/limits.hpp"

#include <algorithm>

namespace cmem::bench {
namespace {

// What one does without a second side: from the source, level by level, to the target.
class one_sided_search {
public:
  explicit one_sided_search(const graph_snapshot& s) : s_(s), hops_(s.index_count()) {
    order_.reserve(s.index_count());
  }

  // Hops, or 0: there is no path.
  std::size_t operator()(std::uint32_t source, std::uint32_t target) {
    for (const std::uint32_t index : order_)
      hops_[index] = 0;
    order_.assign(1, source);
    hops_[source] = 1;
    for (std::size_t i = 0; i < order_.size() && hops_[target] == 0; ++i) {
      const std::uint32_t next = hops_[order_[i]] + 1;
      s_.out(order_[i]).for_each_target([&](std::uint32_t t) {
        if (hops_[t] == 0) {
          hops_[t] = next;
          order_.push_back(t);
        }
      });
    }
    return hops_[target] == 0 ? 0 : hops_[target] - 1;
  }

private:
  const graph_snapshot& s_;
  huge_vector<std::uint32_t> hops_; // and 1; 0: not reached
  huge_vector<std::uint32_t> order_;
};

void measure(const std::string& name, const path_rig& rig, double one_sided_bar, double scale,
             outcome& o) {
  const graph_snapshot& s = rig.snapshot();
  const csr_walk rows = rig.rows();
  const auto pairs = rig.pairs(std::max<std::size_t>(20, static_cast<std::size_t>(2000 * scale)));
  const std::vector<edge_pair> few(pairs.begin(),
                                   pairs.begin() + static_cast<std::ptrdiff_t>(pairs.size() / 20));
  path_scratch scratch;
  path_scratch rows_scratch;
  std::size_t hops = 0; // of all that was found
  std::size_t rows_hops = 0;
  const auto ours = [&](const std::vector<edge_pair>& asked) {
    return mean_time(asked, [&](const edge_pair& p) {
      if (const auto found = find_path(s, p.source, p.target, path_depth_max, scratch))
        hops += found->hops();
    });
  };
  const auto on_rows = [&] {
    return mean_time(pairs, [&](const edge_pair& p) {
      search_budget budget{{}};
      if (const auto found =
            hop_search<csr_walk>(rows, rows_scratch.get(), budget, {}, p.source, p.target)
              .run(path_depth_max))
        rows_hops += found->hops();
    });
  };
  (void) ours(pairs);
  (void) on_rows();
  if (hops != rows_hops || hops == 0)
    throw std::logic_error("the rows have other paths than the snapshot");
  const comparison beside = compare([&] { return ours(pairs); }, on_rows, o);
  o.rows.push_back({name, beside.subject, "us", "the same search on static rows", beside.baseline,
                    ratio_at_most(1.5)});

  one_sided_search from_one_side(s);
  std::size_t plain_hops = 0;
  const auto plain = [&] {
    return mean_time(few,
                     [&](const edge_pair& p) { plain_hops += from_one_side(p.source, p.target); });
  };
  hops = 0;
  (void) ours(few);
  (void) plain();
  const std::size_t hops_of_few = hops;
  if (hops != plain_hops)
    throw std::logic_error("the two searches found paths of different lengths");
  const comparison sides = compare(
    plain, [&] { return ours(few); }, o);
  o.rows.push_back({name + ", from one side only", sides.subject, "us", "find_path", sides.baseline,
                    ratio_at_least(one_sided_bar)});

  if (const auto peer = rig.peer()) {
    std::size_t theirs = 0;
    const auto peers = [&] {
      return mean_time(
        few, [&](const edge_pair& p) { theirs += peer->fewest_hops(p.source, p.target).hops; });
    };
    (void) peers();
    if (theirs != hops_of_few)
      throw std::logic_error(peer->name() + " found paths of other lengths");
    const comparison beside_peer = compare(
      peers, [&] { return ours(few); }, o);
    o.rows.push_back(
      {name + ", " + peer->name(), beside_peer.subject, "us", "find_path", beside_peer.baseline});
  }
}

} // namespace

outcome path(const options& options) {
  outcome o;
  const unsigned scale = rmat_scale(options);
  measure(rmat_name(scale), path_rig::rmat(scale), 100, options.scale, o);
  measure("WordNet", path_rig::wordnet(false), 30, options.scale, o);
  o.notes = {"mean over random pairs that have a path, the path of fewest hops and least ids; "
             "igraph's get_shortest_path goes from one side and returns any of fewest hops",
             huge_pages_note};
  return o;
}

} // namespace cmem::bench
