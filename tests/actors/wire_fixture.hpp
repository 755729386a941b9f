#pragma once
// One of each message, with fields that differ from each other: what the tests of messages/wire.hpp
// put and read. They never change, for the golden frames say the same; a new version adds new ones.

#include "messages/frame.hpp"
#include "messages/wire.hpp"

#include "tests/catch.hpp"

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cmem::test {

template <class Message>
using named_messages = std::vector<std::pair<std::string, Message>>;

inline concept_id wire_id(std::uint64_t n) { return concept_id::from_halves(n << 56, n); }

inline msg::traversal_bounds wire_bounds() {
  return {{1, 5}, 0.25F, 1.5F, direction::both, 20'000, 300};
}

/// Each operation, by all ways to name a concept. The views are of constants.
inline std::vector<write_op> wire_ops() {
  static constexpr float vector[] = {1.5F, -2.25F};
  static constexpr attribute_update attributes[] = {{"colour", "red"}, {"taste", std::nullopt}};
  const concept_ref both(wire_id(3), "plum");
  return {op::learn_concept{"apple", std::string_view("red\0fruit", 9), vector, 2.0F, 0.5F},
          op::learn_association{"apple", both, 5, 0.25F, 4.0F},
          op::strengthen{both, -0.5F},
          op::strengthen_association{wire_id(4), "apple", 1, 0.75F},
          op::record_access{wire_id(5)},
          op::record_use{wire_id(6), wire_id(7), 2},
          op::set_attributes{"apple", attributes},
          op::forget_concept{"pear"},
          op::forget_association{"pear", wire_id(8), 3}};
}

inline named_messages<wire::to_node> messages_to_node() {
  named_messages<wire::to_node> all;
  const auto ask = [&](const char* name, wire::request what) {
    all.emplace_back(name, wire::asked{100 + all.size(), std::move(what)});
  };
  all.emplace_back("hello", wire::hello{2, 3, wire_id(1), 17, "test 1.0"});
  all.emplace_back("ping", wire::ping{});
  for (const bool as_batch : {false, true}) {
    wire::writes w;
    w.first = as_batch ? 40 : 30;
    w.as_batch = as_batch;
    w.ops = wire_ops();
    all.emplace_back(as_batch ? "writes as a batch" : "writes", std::move(w));
  }
  ask("find", msg::find{wire_id(1)});
  ask("neighbors", msg::neighbors{wire_id(1), direction::incoming, {6}, 0.5F, 0.25F, 20});
  ask("find_path", msg::find_path{wire_id(1), wire_id(2), 7});
  ask("find_paths",
      msg::find_paths{wire_id(1), wire_id(2), path_order::most_confident, 8, 3, wire_bounds()});
  ask("subgraph", msg::subgraph{{wire_id(1), wire_id(2)}, 4, 500, 6'000, wire_bounds()});
  ask("activate",
      msg::activate{
        {{wire_id(1), 2.5}, {wire_id(2), 0.25}}, 4, 0.75, 0.125, 30, true, false, wire_bounds()});
  ask("search", msg::search{"red fruit",
                            true,
                            "app",
                            {0.5F, -1.0F},
                            {wire_id(1), wire_id(2)},
                            {{{"colour", "red"}, {"taste", ""}}, 0.25F, 1.5F, false, {wire_id(3)}},
                            15,
                            250,
                            vector_metric::l2,
                            true});
  ask("register_kind", msg::register_kind{"eats"});
  ask("list_kinds", wire::list_kinds{9});
  ask("get_names", wire::get_names{{wire_id(1), wire_id(2)}});
  ask("get_figures", wire::get_figures{});
  ask("get_health", wire::get_health{});
  return all;
}

inline path_record wire_path() {
  return {wire_id(1),
          {{wire_id(2), 1, 0.5F, direction::outgoing}, {wire_id(3), 2, 0.25F, direction::incoming}},
          0.125};
}

inline named_messages<wire::to_client> messages_to_client() {
  named_messages<wire::to_client> all;
  const auto answer = [&](const char* name, wire::answer what) {
    all.emplace_back(name, wire::answered{200 + all.size(), std::move(what)});
  };
  all.emplace_back(
    "welcome", wire::welcome{4, wire_id(9), 16, 1'234, 1U << 20, 384, durability::interval, true});
  all.emplace_back("refused", wire::refused{{errc::unsupported, "versions 7 to 9"}});
  all.emplace_back("pong", wire::pong{});
  all.emplace_back("visible", wire::visible{17, {{12, errc::not_found}, {13, errc::id_collision}}});
  all.emplace_back("durable", wire::durable{18, {errc::disk_full, "no space left"}});
  all.emplace_back("not_taken", wire::not_taken{19, {errc::overloaded, "the log is full"}, 250});
  answer("failed", wire::failed{{errc::timed_out, "too late"}, 50});
  answer("concept_found", concept_record{wire_id(1),
                                         "apple",
                                         std::string("red\0fruit", 9),
                                         {1.5F, -2.25F},
                                         3.0F,
                                         0.5F,
                                         1'700'000'000'000'000,
                                         -1,
                                         7,
                                         {{"colour", "red"}, {"taste", ""}}});
  answer("neighbor_list", msg::neighbor_list{21,
                                             {{wire_id(1), 1, 0.5F, 2.0F, direction::outgoing},
                                              {wire_id(2), 2, 0.25F, 4.0F, direction::incoming}}});
  answer("path_answer", msg::path_answer{22, true, wire_path()});
  answer("path_list", msg::path_list{23, {{wire_path()}, traversal_end::deadline, 40}});
  answer("subgraph_found", msg::subgraph_found{24,
                                               {{{wire_id(1), 0}, {wire_id(2), 1}},
                                                {{wire_id(1), wire_id(2), 3, 0.5F, 2.0F, 11, 12}},
                                                true,
                                                false,
                                                traversal_end::visited_max,
                                                2,
                                                50}});
  answer("activation_found",
         msg::activation_found{
           25, {{{wire_id(3), 0.75, wire_path(), 0.5}}, traversal_end::deadline, 3, 60}});
  answer("search_found",
         msg::search_found{
           26, {{wire_id(1), "apple", 0.0625, {1, 2.5}, {2, 0.125}, {3, 0.75}, {4, 0.25}}}});
  answer("kind_registered", wire::kind_registered{5});
  answer("kind_names", wire::kind_names{1, {"causal", "temporal"}, 6});
  answer("names", wire::names{{"apple", ""}});
  answer("figures", wire::figures{{{"snapshot.concept_count", 70}, {"log.waiting", 8}}});
  answer("health", wire::health{{{"snapshots_held", 9, 8, "release them"}}});
  return all;
}

template <class Message>
std::vector<char> frame_of(const Message& m) {
  std::vector<char> bytes;
  REQUIRE(wire::put(bytes, m, frame_bytes_default));
  return bytes;
}
template <class Message>
std::string payload_of(const Message& m) {
  const auto frame = frame_of(m);
  return {frame.begin() + frame_header_bytes, frame.end()};
}

/// Reads what its argument's type says.
inline auto read_as(const wire::to_node&, std::string_view payload) {
  return wire::read_to_node(payload);
}
inline auto read_as(const wire::to_client&, std::string_view payload) {
  return wire::read_to_client(payload);
}

/// Calls f(name, message) for one of each.
template <class F>
void for_each_message(F f) {
  for (const auto& [name, m] : messages_to_node()) {
    INFO(name);
    f(name, m);
  }
  for (const auto& [name, m] : messages_to_client()) {
    INFO(name);
    f(name, m);
  }
}

} // namespace cmem::test
