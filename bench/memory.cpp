#include "bench/benches.hpp"
#include "bench/workbench.hpp"

namespace cmem::bench {

outcome memory(const options& options) {
  outcome o;
  const auto n = static_cast<std::uint32_t>(options.scaled(1'000'000));
  const auto edges = random_edges(n, std::size_t{n} * 8, 5);
  for (const bool times : {true, false}) {
    engine_options settings;
    settings.association_times = times;
    const auto memory = make_engine(settings);
    const std::uint64_t before =
      memory->stats().memory.total - memory->stats().memory.reserved_free;
    learn_concepts(*memory, n, 0);
    (void) memory->reconcile();
    const auto in_use = [&] {
      const memory_use u = memory->stats().memory;
      return u.total - u.reserved_free;
    };
    const std::uint64_t concepts = in_use();
    if (times)
      o.rows.push_back({"a concept without content", static_cast<double>(concepts - before) / n,
                        "bytes", "", 0, at_most(128)});
    for (std::size_t i = 0; i < edges.size(); ++i) {
      (void) or_throw(memory->write(op::learn_association{
        .source = id_of(edges[i].source), .target = id_of(edges[i].target), .confidence = 0.5F}));
      if (i % 10'000 == 9'999 || i + 1 == edges.size())
        (void) memory->reconcile();
    }
    (void) memory->reconcile();
    const auto count = static_cast<double>(memory->load()->edge_count());
    o.rows.push_back({times ? "an association with times" : "an association without times",
                      static_cast<double>(in_use() - concepts) / count, "bytes", "", 0,
                      at_most(times ? 64 : 48)});
    o.rows.push_back(
      {times ? "free lists beside it, with times" : "free lists beside it, without times",
       static_cast<double>(memory->stats().memory.reserved_free) / count, "bytes"});
  }
  o.notes = {"1M concepts x 8 random associations, learned one by one; both directions, kind, "
             "confidence, weight",
             "blocks in use, rounding and the builder's own tables included; what growth left on "
             "free lists is shown apart"};
  return o;
}

} // namespace cmem::bench
