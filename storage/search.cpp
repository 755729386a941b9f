#include "storage/search.hpp"

#include "storage/limits.hpp"
#include "storage/text_filters.hpp"
#include "storage/text_tokens.hpp"

#include <algorithm>
#include <span>
#include <string_view>
#include <unordered_map>

namespace cmem {

namespace {

constexpr double fusion_constant = 60.0;

/// The hits of all lists, each with its rank in each.
class fusion {
public:
  /// The next one of a list, which begins with rank 1.
  void add(search_rank search_hit::*list, std::uint32_t rank, std::uint32_t index, double score) {
    const auto [at, fresh] = place_.try_emplace(index, hits_.size());
    if (fresh)
      hits_.emplace_back().index = index;
    search_hit& hit = hits_[at->second];
    hit.*list = {rank, score};
    hit.score += 1.0 / (fusion_constant + rank);
  }
  [[nodiscard]] std::vector<search_hit> best(const graph_snapshot& s, std::size_t k) && {
    const auto better = [&s](const search_hit& a, const search_hit& b) {
      return a.score != b.score ? a.score > b.score : s.node(a.index).id < s.node(b.index).id;
    };
    const std::size_t kept = std::min(k, hits_.size());
    std::partial_sort(hits_.begin(), hits_.begin() + static_cast<std::ptrdiff_t>(kept), hits_.end(),
                      better);
    hits_.resize(kept);
    return std::move(hits_);
  }

private:
  std::vector<search_hit> hits_;
  std::unordered_map<std::uint32_t, std::size_t> place_; // index -> in hits_
};

/// One search. Threads: one.
class searcher {
public:
  searcher(const graph_snapshot& s, const search_query& q, search_scratch& scratch)
    : s_(s),
      q_(q),
      scratch_(scratch),
      depth_(std::max(q.depth, q.k)),
      sources_(s),
      passing_(s, q.filter) {}

  result<std::vector<search_hit>> run() {
    const bool named = by_name() && q_.prefix.empty();
    if (!q_.text.empty())
      if (auto done = by_text(); !done && !(named && !has_words()))
        return done.error();
    if (!q_.vector.empty())
      if (auto done = by_vector(); !done)
        return done.error();
    if (!q_.near.empty())
      by_graph();
    return std::move(found_).best(s_, q_.k);
  }

private:
  [[nodiscard]] bool has_words() const {
    std::string_view word;
    return word_reader(q_.text).next(word);
  }
  result<void> by_text() {
    const auto hits = search_text(
      s_, sources_.text(), sources_.changed(),
      {q_.text, depth_, q_.all_words, q_.filter.passes_all() ? nullptr : &passing_}, scratch_.text);
    if (!hits)
      return hits.error();
    std::uint32_t rank = 0;
    for (const text_hit& h : *hits)
      found_.add(&search_hit::by_text, ++rank, h.index, static_cast<double>(h.score));
    return {};
  }

  /// Whether anything has that name.
  bool by_name() {
    std::uint32_t rank = 0;
    if (!q_.prefix.empty())
      for (const std::uint32_t index : names())
        found_.add(&search_hit::by_name, ++rank, index, 0.0);
    else if (!q_.text.empty() && q_.text.size() <= name_bytes_max)
      if (const auto index = s_.index_of(concept_ref(q_.text).id);
          index && passing_.contains(*index))
        found_.add(&search_hit::by_name, ++rank, *index, 0.0);
    return rank != 0;
  }
  /// Of those that pass. How many do not is not known before.
  [[nodiscard]] std::vector<std::uint32_t> names() const {
    for (std::size_t asked = depth_;; asked *= 4) {
      auto all = find_names(s_, sources_.text(), sources_.changed(), q_.prefix, asked);
      const bool last = all.size() < asked;
      std::erase_if(all, [this](std::uint32_t i) { return !passing_.contains(i); });
      if (!last && all.size() < depth_)
        continue;
      all.resize(std::min(all.size(), depth_));
      return all;
    }
  }

  result<void> by_vector() {
    nearest_query query;
    query.vector = q_.vector;
    query.k = depth_;
    query.metric = q_.metric;
    query.ready = &passing_;
    query.exact = q_.exact;
    const auto hits = nearest(s_, sources_, query);
    if (!hits)
      return hits.error();
    std::uint32_t rank = 0;
    for (const similar_concept& h : hits->found)
      found_.add(&search_hit::by_vector, ++rank, h.index, h.score);
    return {};
  }

  /// What comes to mind with the concepts, of what the filter lets through.
  void by_graph() {
    std::vector<activation_seed> seeds;
    for (const std::uint32_t index : q_.near)
      seeds.push_back({index, 1.0});
    activation_query spread;
    spread.filter.along = direction::both;
    for (spread.top_k = depth_;; spread.top_k *= 4) {
      auto hits = activate(s_, seeds, spread, scratch_.graph).hits;
      const bool last = hits.size() < spread.top_k;
      std::erase_if(hits, [this](const activation_hit& h) { return !passing_.contains(h.index); });
      if (!last && hits.size() < depth_)
        continue;
      hits.resize(std::min(hits.size(), depth_));
      std::uint32_t rank = 0;
      for (const activation_hit& h : hits)
        found_.add(&search_hit::by_graph, ++rank, h.index, h.activation);
      return;
    }
  }

  const graph_snapshot& s_;
  const search_query& q_;
  search_scratch& scratch_;
  const std::size_t depth_;
  const search_sources sources_;
  const filtered_concepts passing_;
  fusion found_;
};

} // namespace

search_sources::search_sources(const graph_snapshot& s) : index_(s.index()) {
  if (index_ != nullptr)
    changed_ = s.trail().since(index_->covers);
}

result<nearest_answer> nearest(const graph_snapshot& s, const nearest_query& query) {
  return nearest(s, search_sources(s), query);
}

result<nearest_answer> nearest(const graph_snapshot& s, const search_sources& carried,
                               const nearest_query& query) {
  // Postings are worth reading where they are few: else concepts are asked when they are met.
  constexpr std::uint64_t share_min = 16;
  nearest_sources sources{carried.vectors(), carried.changed(), std::nullopt};
  std::vector<std::uint32_t> with_attributes;
  std::uint64_t least = s.concept_count() / share_min;
  if (carried.attributes() != nullptr && check(filter_of(query)))
    for (const auto& [key, value] : filter_of(query).attributes)
      if (const std::uint64_t count =
            attribute_estimate(s, carried.attributes(), carried.changed(), key, value);
          count < least) {
        least = count;
        with_attributes =
          attribute_postings(s, carried.attributes(), carried.changed(), key, value);
        sources.with_attributes = with_attributes;
      }
  return nearest(s, sources, query);
}

result<std::vector<search_hit>> search(const graph_snapshot& s, const search_query& q,
                                       search_scratch& scratch) {
  if (q.depth > search_depth_max)
    return failure{errc::invalid_argument, "depth is " + std::to_string(q.depth)
                                             + ": must be at most "
                                             + std::to_string(search_depth_max)};
  if (auto fine = check(q.filter); !fine)
    return fine.error();
  return searcher(s, q, scratch).run();
}

result<std::vector<search_hit>> search(const graph_snapshot& s,
                                       const basic_search_query<concept_id>& q,
                                       search_scratch& scratch) {
  std::vector<std::uint32_t> near;
  for (const concept_id& id : q.near) {
    const auto index = s.index_of(id);
    if (!index)
      return failure{errc::not_found, "concept " + id.hex() + " is not learned"};
    near.push_back(*index);
  }
  return search(s, with_near(q, std::move(near)), scratch);
}

} // namespace cmem
