#include "storage/search_indexer.hpp"

#include "storage/vector_graph_builder.hpp"

#include <algorithm>

namespace cmem {

namespace {

// That one step of a full pass looks at: what closes the memory waits for no more.
constexpr std::uint32_t vectors_a_step = 65'536;
constexpr std::uint32_t texts_a_step = 8192;

bool same(const vector_index* a, const vector_index* b) noexcept {
  return a == b
         || (a != nullptr && b != nullptr && a->columns->same_lineage(*b->columns)
             && a->columns->slots() == b->columns->slots() && a->graph == b->graph);
}

bool same(const search_index& a, const search_index& b) noexcept {
  return same(a.vectors.get(), b.vectors.get()) && a.attributes == b.attributes;
}

vector_indexer_options of_vectors(const search_index_options& o) {
  vector_graph_options graph;
  graph.metric = o.metric;
  graph.slots_min = o.graph_vectors_min;
  vector_indexer_options made;
  made.make_graph = [graph](std::optional<graph_links> stored) {
    return std::make_unique<vector_graph_builder>(graph, std::move(stored));
  };
  return made;
}

} // namespace

search_indexer::search_indexer(search_index_options options)
  : options_(options),
    vectors_(of_vectors(options)),
    text_(text_indexer::postings_at_once, text_indexer::postings_a_part,
          options.text ? text_fields::all : text_fields::attributes),
    by_vectors_{options.vectors},
    by_text_{options.text || options.vectors} {}

search_indexer::~search_indexer() = default;

template <class Update>
bool search_indexer::pass(full_pass& p, const graph_snapshot& s,
                          std::span<const std::uint32_t> changed, std::uint32_t concepts_a_step,
                          Update update) {
  if (!p.going_on) {
    update(changed);
    return true;
  }
  const std::uint32_t end = p.next + std::min(concepts_a_step, s.index_count() - p.next);
  std::vector<std::uint32_t> all(changed.begin(), changed.end());
  for (std::uint32_t i = p.next; i != end; ++i)
    all.push_back(i);
  update(all);
  p.next = end;
  p.going_on = end != s.index_count(); // what comes later has changed
  return !p.going_on;
}

std::shared_ptr<const search_index> search_indexer::update(const graph_snapshot& s) {
  const change_trail& trail = s.trail();
  if (!begun_ || covers_ < trail.begin()) { // what was before, the passes see
    by_vectors_ = {options_.vectors};
    by_text_ = {options_.text || options_.vectors};
    covers_ = trail.end();
  }
  begun_ = true;
  if (!made_.empty() && made_.back()->covers == trail.end() && !more())
    return nullptr;
  const std::vector<std::uint32_t> changed = trail.since(covers_);
  auto next = std::make_shared<search_index>();
  next->covers = trail.end();
  const bool vectors_before = !by_vectors_.going_on;
  const bool vectors_over =
    !options_.vectors || pass(by_vectors_, s, changed, vectors_a_step, [&](const auto& which) {
      next->vectors = vectors_.update(s, which);
    });
  // The vectors are not held up by the text.
  const bool text_over = vectors_before && (options_.text || options_.vectors)
                         && pass(by_text_, s, changed, texts_a_step, [&](const auto& which) {
                              next->attributes = text_.update(s, which);
                            });
  if (!text_over)
    next->attributes = nullptr;
  if (options_.text)
    next->text = next->attributes;
  const bool nothing_new =
    !made_.empty() && made_.back()->covers == trail.end() && same(*next, *made_.back());
  if (vectors_over && !nothing_new && (options_.vectors || text_over)) {
    if (!made_.empty() && same(next->vectors.get(), made_.back()->vectors.get()))
      next->vectors = made_.back()->vectors;
    made_.push_back(next);
  } else {
    next = nullptr;
  }
  covers_ = trail.end();
  return next;
}

bool search_indexer::more() const noexcept {
  return by_vectors_.going_on || by_text_.going_on || vectors_.has_more_to_do() || text_.merging();
}

void search_indexer::free_unused() noexcept {
  std::erase_if(made_, [this](const auto& i) { return i != made_.back() && i.use_count() == 1; });
}

std::uint64_t search_indexer::bytes() const noexcept {
  std::uint64_t sum = vectors_.bytes();
  if (text_.last() != nullptr)
    sum += text_.last()->bytes();
  if (!made_.empty() && made_.back()->vectors != nullptr && made_.back()->vectors->graph != nullptr)
    sum += made_.back()->vectors->graph->memory_bytes();
  return sum;
}

} // namespace cmem
