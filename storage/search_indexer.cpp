#include "storage/search_indexer.hpp"

#include "storage/vector_graph_builder.hpp"

namespace cmem {

namespace {

bool same(const vector_index& a, const vector_index& b) noexcept {
  return a.columns->same_lineage(*b.columns) && a.columns->slots() == b.columns->slots()
         && a.graph == b.graph;
}

} // namespace

search_indexer::search_indexer(search_index_options options)
  : options_(options),
    vectors_({.make_graph =
                [metric = options.metric] {
                  vector_graph_options graph;
                  graph.metric = metric;
                  return std::make_unique<vector_graph_builder>(graph);
                }}),
    text_(text_indexer::postings_at_once, text_indexer::postings_a_part,
          options.text ? text_fields::all : text_fields::attributes) {}

search_indexer::~search_indexer() = default;

std::shared_ptr<const search_index> search_indexer::update(const graph_snapshot& s) {
  const change_trail& trail = s.trail();
  const bool anew = made_.empty() || covers_ < trail.begin();
  if (!anew && covers_ == trail.end() && !more())
    return nullptr;
  search_index next;
  next.covers = trail.end();
  const auto changed = anew ? std::vector<std::uint32_t>() : trail.since(covers_);
  if (options_.vectors)
    next.vectors = anew ? vectors_.rebuild(s) : vectors_.update(s, changed);
  if (!anew && next.vectors != nullptr && same(*next.vectors, *made_.back()->vectors))
    next.vectors = made_.back()->vectors;
  if (options_.text || options_.vectors)
    next.attributes = anew ? text_.rebuild(s) : text_.update(s, changed);
  if (options_.text)
    next.text = next.attributes;
  if (!anew && covers_ == trail.end() && next.vectors == made_.back()->vectors
      && next.attributes == made_.back()->attributes)
    return nullptr; // a step of what will be seen later
  made_.push_back(std::make_shared<const search_index>(std::move(next)));
  covers_ = trail.end();
  return made_.back();
}

bool search_indexer::more() const noexcept { return vectors_.has_more_to_do() || text_.merging(); }

void search_indexer::free_unused() noexcept {
  std::erase_if(made_, [this](const auto& i) { return i != made_.back() && i.use_count() == 1; });
}

std::uint64_t search_indexer::bytes() const noexcept {
  if (made_.empty())
    return 0;
  const search_index& last = *made_.back();
  std::uint64_t sum = last.attributes == nullptr ? 0 : last.attributes->bytes();
  if (last.vectors != nullptr) {
    sum += last.vectors->columns->bytes();
    if (last.vectors->graph != nullptr)
      sum += 2 * last.vectors->graph->memory_bytes(); // and the links that go on to grow
  }
  return sum;
}

} // namespace cmem
