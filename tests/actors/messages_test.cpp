#include "messages/errors.hpp"
#include "messages/interfaces.hpp"

#include "tests/catch.hpp"

#include <caf/actor_system.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/sec.hpp>

#include <type_traits>
#include <vector>

using namespace cmem;

namespace {

/// An actor system of a node that talks to others.
struct node {
  node() : system(with_types(settings)) {}
  static caf::actor_system_config& with_types(caf::actor_system_config& c) {
    c.add_message_types<caf::id_block::cmem>();
    return c;
  }
  /// Through the wire format of CAF and back.
  template <class T>
  T carried(T value) {
    std::vector<char> bytes;
    caf::binary_serializer sink(system, bytes);
    REQUIRE(!sink(value));
    caf::binary_deserializer source(system, bytes);
    T out{};
    REQUIRE(!source(out));
    return out;
  }
  caf::actor_system_config settings;
  caf::actor_system system;
};

} // namespace

TEST_CASE("a failure survives as an error, and comes back") {
  const failure f{errc::id_collision, "\"a\" and \"b\" hash to one id"};
  const auto e = to_caf_error(f);
  CHECK(is_failure(e));
  CHECK(to_failure(e) == f);
  CHECK(to_failure(to_caf_error({errc::closed, ""})) == failure{errc::closed, ""});
}

TEST_CASE("a failure survives the wire") {
  node n;
  const failure f{errc::limit_exceeded, "too many"};
  CHECK(to_failure(n.carried(to_caf_error(f))) == f);
}

TEST_CASE("errors of CAF become failures that say so") {
  CHECK(to_failure(caf::make_error(caf::sec::request_timeout)).code == errc::timed_out);
  CHECK(to_failure(caf::make_error(caf::sec::request_receiver_down)).code == errc::closed);
  CHECK(to_failure(caf::make_error(caf::exit_reason::kill)).code == errc::closed);
  const auto other = to_failure(caf::make_error(caf::sec::unexpected_message));
  CHECK(other.code == errc::internal);
  CHECK(!other.detail.empty());
  CHECK(!is_failure(caf::make_error(caf::sec::unexpected_message)));
}

TEST_CASE("a code that this version does not know is internal, not trusted") {
  const auto e = caf::make_error(static_cast<errc>(200), std::string("from the future"));
  CHECK(to_failure(e).code == errc::internal);
}

TEST_CASE("requests survive the wire") {
  node n;
  const auto learned = n.carried(msg::learn_concept{"apple", "red", {1.0F, 2.0F}, 3.0F, 0.5F});
  CHECK(learned.id.name == "apple");
  CHECK(learned.id.id == concept_id::from_name("apple"));
  CHECK(learned.content == "red");
  CHECK(learned.vector == std::vector<float>{1.0F, 2.0F});
  CHECK(learned.strength == 3.0F);
  CHECK(learned.confidence == 0.5F);
  const auto set = n.carried(msg::set_attributes{"apple", {{"a", "1", false}, {"b", "", true}}});
  REQUIRE(set.attributes.size() == 2);
  CHECK(set.attributes[0].value == "1");
  CHECK(set.attributes[1].removed);
  const auto asked = n.carried(msg::neighbors{
    concept_id::from_halves(0, 1), direction::incoming, {kinds::causal}, 0.5F, 0.25F, 9});
  CHECK(asked.towards == direction::incoming);
  CHECK(asked.kinds == std::vector<kind_id>{kinds::causal});
  CHECK(asked.limit == 9);
}

TEST_CASE("a batch survives the wire, every kind of write") {
  node n;
  msg::learn_batch batch;
  batch.items = {{msg::learn_concept{"a", "x", {}}},
                 {msg::learn_association{"a", "b", 7, 0.5F, 2.0F}},
                 {msg::strengthen{"a", -1.0F}},
                 {msg::strengthen_association{"a", "b", 7, 1.0F}},
                 {msg::record_access{"a"}},
                 {msg::record_use{"a", "b", 7}},
                 {msg::set_attributes{"a", {{"k", "v", false}}}},
                 {msg::forget_concept{"a"}},
                 {msg::forget_association{"a", "b", 7}}};
  const auto out = n.carried(batch);
  REQUIRE(out.items.size() == batch.items.size());
  for (std::size_t i = 0; i < out.items.size(); ++i)
    CHECK(out.items[i].write.index() == i);
  CHECK(std::get<msg::learn_association>(out.items[1].write).weight == 2.0F);
  CHECK(std::get<msg::strengthen>(out.items[2].write).delta == -1.0F);
  CHECK(std::get<msg::forget_association>(out.items[8].write).target.name == "b");
}

TEST_CASE("a batch with a write of unknown kind is refused") {
  node n;
  std::vector<char> bytes;
  caf::binary_serializer sink(n.system, bytes);
  msg::batch_item item{msg::record_access{"a"}};
  REQUIRE(!sink(item));
  bytes[0] = 99;
  caf::binary_deserializer source(n.system, bytes);
  CHECK(source(item) == caf::sec::invalid_argument);
}

TEST_CASE("answers survive the wire") {
  node n;
  concept_record r;
  r.id = concept_id::from_halves(1, 2);
  r.name = "n";
  r.vector = {0.5F};
  r.attributes = {{"k", "v"}};
  r.access_count = 3;
  CHECK(n.carried(r) == r);
  const msg::path_answer a{4, true, {r.id, {{r.id, 2, 0.5F}}, 0.5}};
  const auto b = n.carried(a);
  CHECK(b.sequence == 4);
  CHECK(b.found);
  CHECK(b.path == a.path);
  const ticket t{5, 6, 7};
  CHECK(n.carried(t) == t);
  const settlement s{fate::failed, errc::not_found};
  CHECK(n.carried(s) == s);
}

TEST_CASE("traversals survive the wire, and what they are answered with") {
  node n;
  const auto id = concept_id::from_halves(1, 2);
  const msg::traversal_bounds bounds{{1, 7}, 0.5F, 0.25F, direction::both, 1'000, 99};
  const auto checked = [&](const msg::traversal_bounds& b) {
    CHECK(b.kinds == bounds.kinds);
    CHECK(b.confidence_min == 0.5F);
    CHECK(b.strength_min == 0.25F);
    CHECK(b.along == direction::both);
    CHECK(b.within_us == 1'000);
    CHECK(b.visited_max == 99);
  };
  const auto paths = n.carried(msg::find_paths{id, id, path_order::most_confident, 5, 3, bounds});
  CHECK(paths.order == path_order::most_confident);
  CHECK(paths.max_depth == 5);
  CHECK(paths.alternatives == 3);
  checked(paths.bounds);
  const auto around = n.carried(msg::subgraph{{id, id}, 4, 5, 6, bounds});
  CHECK(around.seeds.size() == 2);
  CHECK(around.hops == 4);
  CHECK(around.concepts_max == 5);
  CHECK(around.associations_max == 6);
  checked(around.bounds);
  const auto active = n.carried(msg::activate{{{id, 2.0}}, 4, 0.75, 0.5, 6, true, true, bounds});
  REQUIRE(active.seeds.size() == 1);
  CHECK(active.seeds[0].energy == 2.0);
  CHECK(active.hops == 4);
  CHECK(active.decay == 0.75);
  CHECK(active.threshold == 0.5);
  CHECK(active.top_k == 6);
  CHECK(active.fan_effect);
  CHECK(active.with_seeds);
  checked(active.bounds);

  const path_record way{id, {{id, 2, 0.5F, direction::incoming}}, 0.5};
  const paths_record found{{way, way}, traversal_end::deadline, 7};
  CHECK(n.carried(msg::path_list{3, found}).paths == found);
  const subgraph_record near{
    {{id, 1}}, {{id, id, 2, 0.5F, 1.0F, 3, 4}}, true, false, traversal_end::visited_max, 5, 6};
  CHECK(n.carried(msg::subgraph_found{3, near}).subgraph == near);
  const activation_record hits{{{id, 0.5, way, 0.25}}, traversal_end::complete, 2, 3};
  CHECK(n.carried(msg::activation_found{3, hits}).activation == hits);
}

TEST_CASE("type ids leave room for a host's own") {
  STATIC_REQUIRE(caf::id_block::cmem::begin == CMEM_TYPE_ID_BASE);
  STATIC_REQUIRE(caf::id_block::cmem::begin >= caf::first_custom_type_id);
}
