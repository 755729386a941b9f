#include "bench/benches.hpp"
#include "bench/workbench.hpp"

#include <string>

namespace cmem::bench {

outcome held(const options& options) {
  outcome o;
  const std::uint64_t n = options.scaled(1'000'000);
  constexpr std::uint64_t rewritten = 1'000;
  const auto memory = make_engine();
  learn_concepts(*memory, n, 100);
  const std::string content(100, 'd');
  tools::random_numbers random(9);
  const auto rewrite = [&](std::uint64_t times) {
    for (std::uint64_t i = 0; i < times; ++i) {
      (void) or_throw(
        memory->write(op::learn_concept{.id = id_of(random.below(rewritten)), .content = content}));
      if (i % 10'000 == 9'999)
        (void) memory->reconcile();
    }
    (void) memory->reconcile();
  };
  rewrite(100'000); // free lists and buffers have found their sizes
  const auto used = [&] {
    const memory_use u = memory->stats().memory;
    return static_cast<double>(u.total - u.reserved_free) / (1 << 20);
  };
  const auto taken = [&] { return static_cast<double>(memory->stats().memory.total) / (1 << 20); };
  const snapshot_handle old = memory->share();
  const std::uint64_t sequence = old->sequence();
  const double used_before = used();
  const double taken_before = taken();
  rewrite(options.scaled(1'000'000));
  o.rows.push_back({"growth of memory in use", used() - used_before, "MiB", "", 0, at_most(2)});
  o.rows.push_back({"growth of memory taken, free lists included", taken() - taken_before, "MiB",
                    "", 0, at_most(2)});
  if (old->sequence() != sequence || old->find(id_of(0))->content() != content)
    throw std::logic_error("the held snapshot changed");
  o.notes = {"1M concepts; one old snapshot held while 1,000 of them are rewritten 1,000,000 "
             "times, 100 bytes of content each"};
  return o;
}

} // namespace cmem::bench
