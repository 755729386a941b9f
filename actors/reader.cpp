#include "actors/reader.hpp"

#include "actors/answers.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <string>
#include <utility>

namespace cmem {

namespace {

result<kind_set> to_kinds(const std::vector<kind_id>& listed) {
  kind_set kinds;
  for (const kind_id kind : listed) {
    if (kind >= kinds_max)
      return failure{errc::unknown_kind, "kind " + std::to_string(kind)
                                           + " cannot be: there are at most "
                                           + std::to_string(kinds_max)};
    kinds.insert(kind);
  }
  return kinds;
}

result<neighbor_filter> to_filter(const msg::neighbors& m) {
  const auto kinds = to_kinds(m.kinds);
  if (!kinds)
    return kinds.error();
  neighbor_filter f{*kinds, m.confidence_min, m.strength_min};
  f.limit = std::min<std::uint64_t>(m.limit, f.limit);
  return f;
}

result<traversal_filter> to_filter(const msg::traversal_bounds& b) {
  const auto kinds = to_kinds(b.kinds);
  if (!kinds)
    return kinds.error();
  if (b.along > direction::both)
    return failure{errc::invalid_argument,
                   "no direction has the number " + std::to_string(static_cast<unsigned>(b.along))};
  return traversal_filter{*kinds, b.confidence_min, b.strength_min, b.along};
}

traversal_limits to_limits(const msg::traversal_bounds& b) {
  // Longer than that is no deadline, and would not fit into the clock.
  constexpr std::chrono::microseconds longest = std::chrono::hours(24 * 365);
  traversal_limits limits;
  if (b.within_us != 0 && b.within_us < static_cast<std::uint64_t>(longest.count()))
    limits =
      traversal_limits::within(std::chrono::microseconds(static_cast<std::int64_t>(b.within_us)));
  limits.visited_max = b.visited_max;
  return limits;
}

std::size_t to_size(std::uint64_t n) {
  return static_cast<std::size_t>(
    std::min<std::uint64_t>(n, std::numeric_limits<std::size_t>::max()));
}

result<msg::path_list> answer(reader_state& state, const msg::find_paths& m) {
  path_query query;
  if (m.order > path_order::most_confident)
    return failure{errc::invalid_argument, "no order of paths has the number "
                                             + std::to_string(static_cast<unsigned>(m.order))};
  query.order = m.order;
  query.max_depth = m.max_depth;
  query.alternatives = to_size(m.alternatives);
  const auto filter = to_filter(m.bounds);
  if (!filter)
    return filter.error();
  query.filter = *filter;
  query.limits = to_limits(m.bounds);
  const auto& s = state.newest();
  auto found = answer_paths(s, m.source, m.target, query, state.scratch);
  if (!found)
    return found.error();
  return msg::path_list{s.sequence(), std::move(found).value()};
}

result<msg::subgraph_found> answer(reader_state& state, const msg::subgraph& m) {
  const auto filter = to_filter(m.bounds);
  if (!filter)
    return filter.error();
  const subgraph_query query{m.hops, to_size(m.concepts_max), to_size(m.associations_max), *filter,
                             to_limits(m.bounds)};
  const auto& s = state.newest();
  auto found = answer_subgraph(s, m.seeds, query, state.search.graph);
  if (!found)
    return found.error();
  return msg::subgraph_found{s.sequence(), std::move(found).value()};
}

result<msg::activation_found> answer(reader_state& state, const msg::activate& m) {
  const auto filter = to_filter(m.bounds);
  if (!filter)
    return filter.error();
  std::vector<basic_activation_seed<concept_id>> seeds;
  seeds.reserve(m.seeds.size());
  for (const msg::activation_seed& seed : m.seeds)
    seeds.push_back({seed.id, seed.energy});
  const activation_query query{m.hops,       m.decay,      m.threshold, to_size(m.top_k),
                               m.fan_effect, m.with_seeds, *filter,     to_limits(m.bounds)};
  const auto& s = state.newest();
  auto found = answer_activation(s, seeds, query, state.search.graph);
  if (!found)
    return found.error();
  return msg::activation_found{s.sequence(), std::move(found).value()};
}

result<msg::search_found> answer(reader_state& state, const msg::search& m) {
  if (m.metric > vector_metric::l2)
    return failure{errc::invalid_argument,
                   "no metric has the number " + std::to_string(static_cast<unsigned>(m.metric))};
  basic_search_query<concept_id> query{m.text, m.all_words, m.prefix, m.vector, m.near};
  query.filter.attributes = m.filter.attributes;
  query.filter.confidence_min = m.filter.confidence_min;
  query.filter.strength_min = m.filter.strength_min;
  if (!m.filter.any_id)
    query.filter.ids = m.filter.ids;
  query.k = to_size(m.k);
  query.depth = to_size(m.depth);
  query.metric = m.metric;
  query.exact = m.exact;
  const auto& s = state.newest();
  auto found = answer_search(s, query, state.search);
  if (!found)
    return found.error();
  return msg::search_found{s.sequence(), std::move(found).value()};
}

template <class Message, class Answer>
auto answers(reader_actor::stateful_pointer<reader_state> self) {
  return [self](const Message& m) -> caf::result<Answer> {
    return cmem::answer([&] { return answer(cafx::state(self), m); });
  };
}

template <class Message, class Answer>
auto hands_on(reader_pool_actor::stateful_pointer<reader_pool_state> self) {
  return [self](const Message& m) -> caf::result<Answer> {
    auto& state = cafx::state(self);
    const auto reader = state.core->actors().reader(state.turn++);
    if (!reader) // they were sent home, and so are we
      return to_caf_error({errc::closed, "the memory is closed"});
    return cafx::delegate(self, reader, m);
  };
}

} // namespace

const graph_snapshot& reader_state::newest() {
  auto& storage = core->storage();
  if (!held || storage.load()->version() != held->version())
    held = storage.share();
  return *held;
}

reader_actor::behavior_type make_reader(reader_actor::stateful_pointer<reader_state> self,
                                        std::shared_ptr<memory_core> core) {
  auto& state = cafx::state(self);
  state.core = std::move(core);
  if (const auto reconciler = state.core->actors().reconciler())
    cafx::send(self, reconciler, msg::subscribe{snapshot_subscriber(self)});
  return {
    [self](const msg::find& m) -> caf::result<concept_record> {
      return answer([&] { return answer_find(cafx::state(self).newest(), m.id); });
    },
    [self](const msg::neighbors& m) -> caf::result<msg::neighbor_list> {
      return answer([&]() -> result<msg::neighbor_list> {
        const auto filter = to_filter(m);
        if (!filter)
          return filter.error();
        const auto& s = cafx::state(self).newest();
        auto found = answer_neighbors(s, m.id, m.towards, *filter);
        if (!found)
          return found.error();
        return msg::neighbor_list{s.sequence(), std::move(found).value()};
      });
    },
    [self](const msg::find_path& m) -> caf::result<msg::path_answer> {
      return answer([&]() -> result<msg::path_answer> {
        auto& st = cafx::state(self);
        const auto& s = st.newest();
        auto found = answer_path(s, m.source, m.target, m.max_depth, st.scratch);
        if (!found)
          return found.error();
        msg::path_answer a{s.sequence(), found->has_value(), {}};
        if (a.found)
          a.path = std::move(**found);
        return a;
      });
    },
    answers<msg::find_paths, msg::path_list>(self),
    answers<msg::subgraph, msg::subgraph_found>(self),
    answers<msg::activate, msg::activation_found>(self),
    answers<msg::search, msg::search_found>(self),
    [self](const msg::newer_snapshot& m) {
      if (auto h = m.cell->take())
        cafx::state(self).held = std::move(h);
    },
  };
}

reader_pool_actor::behavior_type make_reader_pool(
  reader_pool_actor::stateful_pointer<reader_pool_state> self, std::shared_ptr<memory_core> core) {
  cafx::state(self).core = std::move(core);
  return {
    hands_on<msg::find, concept_record>(self),
    hands_on<msg::neighbors, msg::neighbor_list>(self),
    hands_on<msg::find_path, msg::path_answer>(self),
    hands_on<msg::find_paths, msg::path_list>(self),
    hands_on<msg::subgraph, msg::subgraph_found>(self),
    hands_on<msg::activate, msg::activation_found>(self),
    hands_on<msg::search, msg::search_found>(self),
  };
}

} // namespace cmem
