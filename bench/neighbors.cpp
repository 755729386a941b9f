// All associations of random concepts, beside static arrays.

#include "storage/neighbors.hpp"

#include "bench/benches.hpp"
#include "bench/csr_graph.hpp"
#include "bench/paced_writer.hpp"
#include "bench/stored_graph.hpp"
#include "bench/traversed_graphs.hpp"

namespace cmem::bench {
namespace {

constexpr float confident = 0.5F;

/// Sums up numbers of concepts, so that each is looked at. Not inlined: both sides run the same
/// instructions on what they find, and differ in how they find it.
[[gnu::noinline]] std::uint64_t sum(std::span<const std::uint32_t> targets) noexcept {
  std::uint64_t all = 0;
  for (const std::uint32_t t : targets)
    all += t;
  return all;
}
[[gnu::noinline]] std::uint64_t sum_confident(std::span<const std::uint32_t> targets,
                                              const float* confidence) noexcept {
  std::uint64_t all = 0;
  for (std::size_t j = 0; j < targets.size(); ++j)
    all += targets[j] & (confidence[j] >= confident ? ~0U : 0U);
  return all;
}
std::uint64_t sum(const adjacency_list& list) {
  std::uint64_t all = 0;
  list.any_targets([&](std::span<const std::uint32_t> targets) {
    all += sum(targets);
    return false;
  });
  return all;
}
std::uint64_t sum_confident(const adjacency_list& list) {
  std::uint64_t all = 0;
  list.for_each_chunk(
    [&](const adjacency_chunk& c) { all += sum_confident(c.targets, c.confidence); });
  return all;
}

/// What visit_lists() is, on static rows: calls visit(list) for each concept, and fetches first
/// where the lists lie, then their first targets, and with `Confidences` those.
template <bool Confidences, class Visit>
void visit_rows(const csr_graph& g, std::span<const std::uint32_t> indices, Visit&& visit) {
  constexpr std::size_t ahead = 64;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    if (i + 2 * ahead < indices.size())
      g.prefetch_out(indices[i + 2 * ahead]);
    if (i + ahead < indices.size()) {
      const csr_list next = g.out(indices[i + ahead]);
      next.prefetch();
      if constexpr (Confidences)
        next.prefetch_confidences();
    }
    visit(g.out(indices[i]));
  }
}

/// Nanoseconds a concept, of sum_up(). It must be `expected` each time; 0: not known yet.
template <class Sum>
window timed(std::size_t concepts, std::uint64_t& expected, Sum sum_up) {
  return [concepts, &expected, sum_up] {
    stopwatch watch;
    const std::uint64_t all = sum_up();
    const double ns = watch.seconds() * 1e9 / static_cast<double>(concepts);
    if (expected == 0)
      expected = all;
    if (all != expected)
      throw std::logic_error("the memory and the arrays disagree about neighbors");
    return ns;
  };
}

} // namespace

outcome neighbors(const options& options) {
  outcome o;
  const core_pin others(0); // the memory's threads inherit it
  const auto memory = or_throw(concurrent_memory::open(graph_settings("")));
  const traversed_graph g = rmat_graph(options);
  g.learn(*memory);
  const auto s = memory->share();
  const csr_graph arrays(*s);
  const core_pin reader(1);
  std::vector<std::uint32_t> asked(options.scaled(1'000'000));
  tools::random_numbers random(51);
  for (std::uint32_t& i : asked)
    i = static_cast<std::uint32_t>(random.below(s->index_count()));

  std::uint64_t whole = 0;
  std::uint64_t some = 0;
  const window array_all = timed(asked.size(), whole, [&] {
    std::uint64_t all = 0;
    for (const std::uint32_t i : asked)
      all += sum(arrays.out(i).targets());
    return all;
  });
  const window array_confident = timed(asked.size(), some, [&] {
    std::uint64_t all = 0;
    for (const std::uint32_t i : asked)
      all += sum_confident(arrays.out(i).targets(), arrays.out(i).confidences().data());
    return all;
  });
  const window arrays_all = timed(asked.size(), whole, [&] {
    std::uint64_t all = 0;
    visit_rows<false>(arrays, asked, [&](const csr_list& list) { all += sum(list.targets()); });
    return all;
  });
  const window arrays_confident = timed(asked.size(), some, [&] {
    std::uint64_t all = 0;
    visit_rows<true>(arrays, asked, [&](const csr_list& list) {
      all += sum_confident(list.targets(), list.confidences().data());
    });
    return all;
  });
  const window one_all = timed(asked.size(), whole, [&] {
    std::uint64_t all = 0;
    for (const std::uint32_t i : asked)
      all += sum(s->out(i));
    return all;
  });
  const window one_confident = timed(asked.size(), some, [&] {
    std::uint64_t all = 0;
    for (const std::uint32_t i : asked)
      all += sum_confident(s->out(i));
    return all;
  });
  const window many_all = timed(asked.size(), whole, [&] {
    std::uint64_t all = 0;
    visit_lists<list_part::targets>(
      *s, asked, direction::outgoing,
      [&](std::uint32_t, const adjacency_list& list) { all += sum(list); });
    return all;
  });
  const window many_confident = timed(asked.size(), some, [&] {
    std::uint64_t all = 0;
    visit_lists<list_part::confidences>(
      *s, asked, direction::outgoing,
      [&](std::uint32_t, const adjacency_list& list) { all += sum_confident(list); });
    return all;
  });
  const auto add = [&](const std::string& name, const window& subject, const window& baseline,
                       const std::string& baseline_name, std::optional<target> bar) {
    (void) subject();
    (void) baseline();
    const comparison ns = compare(subject, baseline, o);
    o.rows.push_back(
      {name, ns.subject, "ns a concept", baseline_name, ns.baseline, std::move(bar)});
  };
  add("one at a time", one_all, array_all, "static array", ratio_at_most(1.75));
  add("batched", many_all, array_all, "static array", ratio_at_most(1.3));
  add("batched, both", many_all, arrays_all, "static array, batched", std::nullopt);
  add("one at a time, confidence >= 0.5", one_confident, array_confident,
      "static arrays, one of confidences", std::nullopt);
  add("batched, confidence >= 0.5", many_confident, array_confident,
      "static arrays, one of confidences", ratio_at_most(1.3));
  add("batched, both, confidence >= 0.5", many_confident, arrays_confident,
      "static arrays, one of confidences, batched", std::nullopt);

  // What an answer costs that is sorted, and resolved by nobody.
  std::vector<neighbor> found;
  std::uint64_t seen = 0;
  const double ns = median_of(
    [&] {
      stopwatch watch;
      for (std::size_t i = 0; i < asked.size() / 10; ++i) {
        cmem::neighbors(*s, asked[i], direction::outgoing, {.limit = 10}, found);
        seen += found.size();
      }
      return watch.seconds() * 1e10 / static_cast<double>(asked.size());
    },
    o);
  o.rows.push_back({"neighbors(), the best 10, in order", ns, "ns a concept"});
  o.notes = {
    g.name + " as learned, 1M random concepts by index, all their targets summed up",
    "the baseline is compressed sparse rows of the same snapshot, in huge pages as the "
    "memory is: a plain loop over them, or, where both are batched, one that fetches ahead too",
    "answers seen: " + std::to_string(seen)};
  return o;
}

} // namespace cmem::bench
