#include "bench/benches.hpp"
#include "bench/path_rig.hpp"
#include "storage/confident_search.hpp"
#include "storage/limits.hpp"
#include "storage/path_query.hpp"

#include <algorithm>
#include <cmath>

namespace cmem::bench {
namespace {

void measure(const std::string& name, const path_rig& rig, double scale, outcome& o) {
  const graph_snapshot& s = rig.snapshot();
  const csr_walk rows = rig.rows();
  const auto pairs = rig.pairs(std::max<std::size_t>(20, static_cast<std::size_t>(500 * scale)));
  const std::vector<edge_pair> few(pairs.begin(),
                                   pairs.begin() + static_cast<std::ptrdiff_t>(pairs.size() / 20));
  path_scratch scratch;
  path_scratch rows_scratch;
  double sum = 0; // of the logarithms of all that was found
  double rows_sum = 0;
  const auto ours = [&](const std::vector<edge_pair>& asked) {
    return mean_time(asked, [&](const edge_pair& p) {
      const auto a =
        find_paths(s, p.source, p.target, {.order = path_order::most_confident}, scratch);
      if (!a.found.empty())
        sum += std::log2(a.found[0].confidence);
    });
  };
  const auto on_rows = [&] {
    return mean_time(pairs, [&](const edge_pair& p) {
      search_budget budget{{}};
      const auto r =
        confident_search<csr_walk, false>(rows, rows_scratch.get(), budget, {}, p.source, p.target)
          .run(path_depth_max);
      if (r.found)
        rows_sum += std::log2(r.found->confidence);
    });
  };
  (void) ours(pairs);
  (void) on_rows();
  if (sum != rows_sum || sum == 0)
    throw std::logic_error("the rows have other paths than the snapshot");
  const comparison beside = compare([&] { return ours(pairs); }, on_rows, o);
  o.rows.push_back({name, beside.subject, "us", "the same search on static rows", beside.baseline,
                    ratio_at_most(1.5)});

  const auto peer = rig.peer();
  if (peer == nullptr)
    return;
  double theirs = 0;
  sum = 0;
  (void) ours(few);
  for (const edge_pair& p : few)
    if (const peer_path found = peer->most_confident(p.source, p.target); found.found)
      theirs += std::log2(found.confidence);
  if (std::abs(theirs - sum) > 1e-6 * std::abs(sum))
    throw std::logic_error(peer->name() + " found paths of other confidences");
  const comparison beside_peer = compare(
    [&] {
      return mean_time(
        few, [&](const edge_pair& p) { (void) peer->most_confident(p.source, p.target); });
    },
    [&] { return ours(few); }, o, 3);
  o.rows.push_back({name + ", " + peer->name(), beside_peer.subject, "us", "most confident path",
                    beside_peer.baseline});
}

} // namespace

outcome weighted(const options& options) {
  outcome o;
  const unsigned scale = rmat_scale(options);
  measure(rmat_name(scale), path_rig::rmat(scale), options.scale, o);
  measure("WordNet", path_rig::wordnet(true), options.scale, o);
  o.notes = {
    "mean over random pairs that have a path, the most confident path; igraph's "
    "get_shortest_path_dijkstra on logarithms that it was given beforehand; of it and what "
    "it is compared with, medians of 3",
    huge_pages_note};
  return o;
}

} // namespace cmem::bench
