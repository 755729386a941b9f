#pragma once
// Benchmarks: a registry, windows of baseline and subject that take turns, and one format of
// results.

#include "tools/cli.hpp"

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace cmem::bench {

/// What a row must reach.
struct target {
  enum class of : std::uint8_t { value, ratio };
  enum class side : std::uint8_t { at_most, at_least };
  of what = of::value;
  side bound = side::at_most;
  double limit = 0;
};

/// One measured figure, in the unit of both values.
struct row {
  std::string name;
  double value = 0;
  std::string unit;
  std::string baseline = {}; ///< what it is compared with; empty: nothing
  double baseline_value = 0;
  std::optional<target> bar = std::nullopt;

  /// value / baseline_value; nullopt without a baseline (or one of 0).
  [[nodiscard]] std::optional<double> ratio() const noexcept;
  /// Whether the bar is met; nullopt without one. A ratio that can't be formed misses its bar.
  [[nodiscard]] std::optional<bool> meets() const noexcept;
  /// "<= 5 x baseline", ">= 1500000 associations/s"; empty without a bar.
  [[nodiscard]] std::string target_text() const;
};

[[nodiscard]] inline target at_most(double limit) {
  return {target::of::value, target::side::at_most, limit};
}
[[nodiscard]] inline target at_least(double limit) {
  return {target::of::value, target::side::at_least, limit};
}
[[nodiscard]] inline target ratio_at_most(double limit) {
  return {target::of::ratio, target::side::at_most, limit};
}
[[nodiscard]] inline target ratio_at_least(double limit) {
  return {target::of::ratio, target::side::at_least, limit};
}

struct options {
  double scale = 1;           ///< of sizes and times
  std::string directory = {}; ///< where stores are made; empty: the system's for temporary files
  double seconds = 0;         ///< that `soak` takes for each of its memories; 0: ten minutes
  std::string vectors =
    {}; ///< a file of little-endian floats, rows without gaps; empty: random ones
  std::uint32_t dimension = 100; ///< of them
  /// Is told now and then how far a long one is.
  std::function<void(const std::string&)> on_progress = [](const std::string&) {};

  /// `n * scale`, at least 1.
  [[nodiscard]] std::uint64_t scaled(std::uint64_t n) const noexcept;
};

struct outcome {
  std::vector<row> rows;
  std::uint64_t repeats = 0;   ///< windows that were repeated because of a preemption
  std::uint64_t disturbed = 0; ///< windows that were kept all the same: no calm one was to be had
  std::vector<std::string> notes; ///< what a reader must know, e.g. what the baseline is
};

/// Notices when the kernel took the core away: involuntary context switches of the calling thread,
/// and time that the hypervisor stole from any core. Threads: start() and disturbed() on one
/// thread.
class preemption_watch {
public:
  void start();
  [[nodiscard]] bool disturbed() const;

private:
  std::uint64_t switches_ = 0;
  std::uint64_t stolen_ = 0;
};

/// Measures once: what it returns is the figure, e.g. nanoseconds an operation.
using window = std::function<double()>;

/// Runs a window until it was not disturbed, 20 times or for 2 s at most; counts that in `o`.
double calm(const window& w, outcome& o);

struct comparison {
  double subject = 0;
  double baseline = 0;
};
/// Lets baseline and subject take turns, `rounds` times each, and returns their medians.
comparison compare(const window& subject, const window& baseline, outcome& o, int rounds = 5);
/// Median of `rounds` calm windows.
double median_of(const window& w, outcome& o, int rounds = 5);

/// Precondition: not empty. Of an even number the lower of the two in the middle.
[[nodiscard]] double median(std::vector<double> values);

/// Names of all benchmarks, in the order in which they run.
[[nodiscard]] std::vector<std::string> names();
/// Runs one. `json` becomes {"bench": NAME, "rows": [{"name", "value", "unit", "baseline",
/// "baseline_value", "ratio", "target", "meets"}], "repeats", "disturbed", "notes"}; what does not
/// apply is null. Returns an exit code of tools/cli.hpp; usage when there is no such benchmark.
int run(const std::string& name, const options& o, nlohmann::json& json, std::ostream& errors);

[[nodiscard]] nlohmann::json to_json(const std::string& name, const outcome& o);
/// A table for people.
void print(std::ostream& out, const nlohmann::json& json);

/// `cmem bench`: see tools/cli.hpp.
int command(const tools::bench_arguments& arguments, const tools::console& c);

} // namespace cmem::bench
