#include "storage/search_indexer.hpp"

namespace cmem {

search_indexer::search_indexer(search_index_options options) : options_(options) {}

search_indexer::~search_indexer() = default;

std::shared_ptr<const search_index> search_indexer::update(const graph_snapshot& s) {
  const change_trail& trail = s.trail();
  const bool anew = !begun_ || covers_ < trail.begin();
  if (!anew && covers_ == trail.end() && !more())
    return nullptr;
  search_index next;
  next.covers = trail.end();
  made_.push_back(std::make_shared<const search_index>(next));
  covers_ = next.covers;
  begun_ = true;
  return made_.back();
}

bool search_indexer::more() const noexcept { return false; }

void search_indexer::free_unused() noexcept {
  std::erase_if(made_, [this](const auto& i) { return i != made_.back() && i.use_count() == 1; });
}

std::uint64_t search_indexer::bytes() const noexcept { return 0; }

} // namespace cmem
