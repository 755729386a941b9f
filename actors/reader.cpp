#include "actors/reader.hpp"

#include "actors/answers.hpp"

#include <algorithm>
#include <utility>

namespace cmem {

namespace {

neighbor_filter to_filter(const msg::neighbors& m) {
  neighbor_filter f;
  f.confidence_min = m.confidence_min;
  f.limit = std::min<std::uint64_t>(m.limit, f.limit);
  if (!m.any_kind && m.kind < kinds_max)
    f.kinds.insert(m.kind);
  else if (!m.any_kind)
    f.limit = 0; // nothing has such a kind
  return f;
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
        const auto& s = cafx::state(self).newest();
        auto found = answer_neighbors(s, m.id, m.towards, to_filter(m));
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
  };
}

} // namespace cmem
