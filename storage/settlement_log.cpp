#include "storage/settlement_log.hpp"

#include "storage/seeded_bug.hpp"
#include <algorithm>
#include <tuple>

namespace cmem {

settlement settlements::of(const ticket& t) const noexcept {
  if (t.number == 0 || t.memory != memory)
    return {fate::unknown, errc::unknown};
  if (t.writer >= settled.size() || t.number > settled[t.writer])
    return {fate::pending, errc::ok};
  auto it = std::upper_bound(runs->begin(), runs->end(), t, [](const ticket& x, const run& r) {
    return std::tie(x.writer, x.number) < std::tie(r.writer, r.first);
  });
  if (it != runs->begin()) {
    --it;
    if (it->writer == t.writer && t.number >= it->first && t.number <= it->last)
      return {it->reason == errc::dropped ? fate::dropped : fate::failed, it->reason};
  }
  if (t.writer < passed->size() && t.number <= (*passed)[t.writer])
    return {fate::unknown, errc::unknown};
  return {fate::applied, errc::ok};
}

void settlement_log::room_for(std::uint32_t writer) {
  if (writer >= settled_.size()) {
    settled_.resize(writer + 1, 0);
    passed_.resize(writer + 1, 0);
  }
}

void settlement_log::add(std::uint32_t writer, std::uint64_t first, std::uint64_t last,
                         errc reason) {
  runs_changed_ = true;
  if (!runs_.empty()) {
    auto& r = runs_.back();
    if (r.writer == writer && r.reason == reason && r.last + 1 == first) {
      r.last = last;
      return;
    }
  }
  runs_.push_back({writer, reason, first, last});
  if (runs_.size() > history_) {
    const auto& oldest = runs_.front();
    passed_[oldest.writer] = std::max(passed_[oldest.writer], oldest.last);
    runs_.pop_front();
  }
}

void settlement_log::saw(std::uint32_t writer, std::uint64_t number) {
  room_for(writer);
  if (!seeded("gap_of_tickets_not_dropped"))
    left(writer, number - 1);
  settled_[writer] = number;
  changed_ = true;
}

void settlement_log::failed(std::uint32_t writer, std::uint64_t number, errc reason) {
  add(writer, number, number, reason);
}

void settlement_log::left(std::uint32_t writer, std::uint64_t number) {
  room_for(writer);
  if (settled_[writer] >= number)
    return;
  add(writer, settled_[writer] + 1, number, errc::dropped);
  settled_[writer] = number;
  changed_ = true;
}

std::shared_ptr<const settlements> settlement_log::publish() {
  if (changed_ || !published_) {
    auto next = std::make_shared<settlements>();
    next->memory = memory_tag_;
    next->settled = settled_;
    if (runs_changed_ || !published_) {
      std::vector<settlements::run> runs(runs_.begin(), runs_.end());
      std::sort(runs.begin(), runs.end(), [](const auto& a, const auto& b) {
        return std::tie(a.writer, a.first) < std::tie(b.writer, b.first);
      });
      next->runs = std::make_shared<const std::vector<settlements::run>>(std::move(runs));
      next->passed = std::make_shared<const std::vector<std::uint64_t>>(passed_);
    } else {
      next->runs = published_->runs;
      next->passed = published_->passed;
    }
    published_ = std::move(next);
    changed_ = runs_changed_ = false;
  }
  return published_;
}

} // namespace cmem
