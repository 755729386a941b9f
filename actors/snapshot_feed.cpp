#include "actors/snapshot_feed.hpp"

#include <algorithm>

namespace cmem {

void snapshot_feed::deliver(const entry& e, const snapshot_handle& h) {
  if (e.cell->put(h))
    cafx::post(e.who, msg::newer_snapshot{e.cell});
}

void snapshot_feed::add(const snapshot_subscriber& who, const snapshot_handle& current) {
  const auto known = [&](const entry& e) { return e.who == who; };
  if (std::any_of(entries_.begin(), entries_.end(), known))
    return;
  entries_.push_back({who, std::make_shared<snapshot_cell>()});
  deliver(entries_.back(), current);
}

void snapshot_feed::remove(const caf::actor_addr& who) {
  std::erase_if(entries_, [&](const entry& e) { return e.who.address() == who; });
}

void snapshot_feed::publish(const snapshot_handle& newest) {
  for (const auto& e : entries_)
    deliver(e, newest);
}

std::vector<snapshot_subscriber> snapshot_feed::subscribers() const {
  std::vector<snapshot_subscriber> all;
  for (const auto& e : entries_)
    all.push_back(e.who);
  return all;
}

} // namespace cmem
