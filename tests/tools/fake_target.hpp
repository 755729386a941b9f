#pragma once
// A target that does what a test tells it to.

#include "tools/scenario_target.hpp"

#include <atomic>
#include <functional>

namespace cmem::test {

/// Applies every write at once, unless `on_write` says otherwise.
class fake_target final : public tools::scenario_target {
public:
  std::function<result<ticket>(std::uint64_t number, const write_op&)> on_write = {};
  std::function<void(tools::target_counters&)> on_counters = {};
  std::function<fate(const ticket&)> on_outcome = {};
  std::function<bool()> on_find = {};

  std::atomic<std::uint64_t> written{0};
  std::atomic<std::uint64_t> rejected{0};
  std::atomic<std::uint64_t> finds{0};
  std::atomic<bool> finished{false};
  std::vector<std::string> kinds;
  std::vector<std::uint64_t> preloading_at; ///< writes before each beginning and end
  std::string failure_unseen;

  [[nodiscard]] std::string_view name() const noexcept override { return "fake"; }
  result<kind_id> register_kind(std::string_view kind) override {
    kinds.emplace_back(kind);
    return static_cast<kind_id>(kinds.size() - 1);
  }
  result<ticket> write(const write_op& o) override {
    const std::uint64_t number = ++calls_;
    if (on_write) {
      auto r = on_write(number, o);
      if (!r) {
        rejected += r.error().code == errc::overloaded ? 1 : 0;
        return r;
      }
    }
    ++written;
    return ticket{number, 0, 0};
  }
  std::unique_ptr<tools::target_reader> make_reader() override {
    return std::make_unique<reader>(*this);
  }
  [[nodiscard]] fate outcome(const ticket& t) const override {
    return on_outcome ? on_outcome(t) : fate::applied;
  }
  [[nodiscard]] bool visible_at_return() const noexcept override { return false; }
  result<void> preloading(bool) override {
    preloading_at.push_back(written);
    return {};
  }
  result<void> await(const ticket&, std::chrono::nanoseconds) override { return {}; }
  void finish() override { finished = true; }
  [[nodiscard]] tools::target_counters counters() const override {
    tools::target_counters c;
    c.written = c.applied = written;
    c.rejected = rejected;
    if (on_counters)
      on_counters(c);
    return c;
  }

  [[nodiscard]] std::string trouble() const override { return failure_unseen; }

private:
  class reader final : public tools::target_reader {
  public:
    explicit reader(fake_target& target) : target_(target) {}
    bool find(const concept_id&) override {
      ++target_.finds;
      return !target_.on_find || target_.on_find();
    }
    std::size_t neighbors(const concept_id&, std::size_t limit) override { return limit; }
    [[nodiscard]] std::vector<tools::found_edge> last_neighbors() const override { return {}; }
    std::optional<std::size_t> find_path(const concept_id&, const concept_id&,
                                         std::uint32_t) override {
      return std::nullopt;
    }

  private:
    fake_target& target_;
  };

  std::atomic<std::uint64_t> calls_{0};
};

/// A phase of 0.1 s, to be adapted.
inline tools::phase short_phase(double writes, double reads, double seconds = 0.1) {
  tools::phase p;
  p.name = "test";
  p.seconds = seconds;
  p.writes.per_second = writes;
  p.reads.per_second = reads;
  p.write_weights = {1, 3};
  p.query_weights = {1, 0, 0};
  return p;
}

} // namespace cmem::test
