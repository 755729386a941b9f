// Clients and nodes: what is put is read, and what is no message is told so. Bytes of version 1
// are in wire_golden_test.cpp, the operations of writes in wire_writes_test.cpp.

#include "messages/archive.hpp"
#include "messages/inspect.hpp"
#include "tests/actors/wire_fixture.hpp"

#include <caf/deep_to_string.hpp>

#include <algorithm>
#include <cstring>
#include <set>
#include <sstream>
#include <type_traits>

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

// -- a message as a string: every field of it

template <class... Field>
std::string text(const Field&... fields) {
  std::ostringstream out;
  ((out << fields << ' '), ...);
  return out.str();
}

std::string describe(const wire::hello& m) {
  return text(+m.lowest, +m.newest, m.client.hex(), m.next_write, m.software);
}
std::string describe(const wire::writes& m) {
  std::string s = text(m.first, m.as_batch);
  for (const write_op& o : m.ops)
    s += text(o.index());
  return s;
}
std::string describe(const wire::list_kinds& m) { return text(m.from); }
std::string describe(const wire::welcome& m) {
  return text(+m.version, m.node.hex(), m.written, m.sequence, m.frame_bytes, m.dimension,
              static_cast<int>(m.level), m.read_only);
}
std::string describe(const wire::refused& m) { return to_string(m.why); }
std::string describe(const wire::visible& m) {
  std::string s = text(m.up_to);
  for (const auto& f : m.failed)
    s += text(f.number, to_string(f.why));
  return s;
}
std::string describe(const wire::durable& m) { return text(m.up_to, to_string(m.why)); }
std::string describe(const wire::not_taken& m) {
  return text(m.first, to_string(m.why), m.retry_after_ms);
}
std::string describe(const wire::failed& m) { return text(to_string(m.why), m.retry_after_ms); }
std::string describe(const wire::kind_registered& m) { return text(m.id); }
std::string describe(const wire::kind_names& m) {
  std::string s = text(m.from, m.kinds);
  for (const auto& name : m.names)
    s += text(name);
  return s;
}
std::string describe(const wire::figures& m) {
  std::string s;
  for (const auto& [name, x] : m.of)
    s += text(name, x);
  return s;
}
std::string describe(const wire::health& m) {
  std::string s;
  for (const auto& i : m.issues)
    s += text(i.what, i.value, i.limit, i.advice);
  return s;
}
/// What CMEM_INSPECT lists the fields of.
template <class Message>
std::string describe(const Message& m) {
  if constexpr (std::is_empty_v<Message>)
    return "";
  else
    return caf::deep_to_string(m);
}
template <class Envelope>
std::string describe_asked(const Envelope& m) {
  return std::visit([&](const auto& what) { return text(m.id, m.what.index()) + describe(what); },
                    m.what);
}
std::string describe(const wire::asked& m) { return describe_asked(m); }
std::string describe(const wire::answered& m) { return describe_asked(m); }
template <class... Message>
std::string describe(const std::variant<Message...>& any) {
  return std::visit([&](const auto& m) { return text(any.index()) + describe(m); }, any);
}

// -- messages, changed

template <class Message>
std::string refusal(const Message& like, std::string_view payload) {
  const auto r = read_as(like, payload);
  return r ? "" : to_string(r.error());
}

/// What is said of a payload whose one byte that tells `a` from `b` has that number.
template <class Message>
std::string refusal_between(const Message& a, const Message& b, int number) {
  std::string bytes = payload_of(a);
  const std::string other = payload_of(b);
  REQUIRE(bytes.size() == other.size());
  const auto at = std::mismatch(bytes.begin(), bytes.end(), other.begin());
  REQUIRE(at.first != bytes.end());
  REQUIRE(std::equal(at.first + 1, bytes.end(), at.second + 1));
  *at.first = static_cast<char>(number);
  return refusal(a, bytes);
}
/// The same, for one field of a question or an answer that is `a` or `b`.
template <class What, class Field>
std::string refusal_between(Field What::*field, Field a, Field b, int number) {
  const auto with = [&](Field x) {
    What w{};
    w.*field = x;
    if constexpr (std::is_constructible_v<wire::request, What>)
      return wire::to_node(wire::asked{1, w});
    else
      return wire::to_client(wire::answered{1, w});
  };
  return refusal_between(with(a), with(b), number);
}
template <class What>
std::string flag_refusal(bool What::*field) {
  return refusal_between(field, false, true, 2);
}

/// A payload cut behind its type and id, or whatever else stands in the first `keep` bytes, with a
/// length that claims so many.
std::string claiming(std::string payload, std::size_t keep, std::uint64_t count) {
  payload.resize(keep + sizeof(count));
  std::memcpy(payload.data() + keep, &count, sizeof(count));
  return payload;
}

constexpr std::size_t type_at = 1; // behind cereal's own mark
constexpr std::size_t body_at = 2;
constexpr std::size_t what_at = body_at + 8; // behind an id

/// Mark and type.
std::string of_type(int type) { return {1, static_cast<char>(type)}; }

bool extensible(const std::string& name) {
  return name == "hello" || name == "welcome" || name == "refused";
}

/// One with code ok where something has failed.
template <class Message>
void check_ok_refused(const Message& like) {
  CHECK_THAT(refusal(like, payload_of(like)),
             ContainsSubstring("parse_error: not a message: an error with the code of none"));
}

} // namespace

TEST_CASE("every message is read as it was put") {
  for_each_message([](const std::string&, const auto& m) {
    const std::string payload = payload_of(m); // borrowed
    const auto read = read_as(m, payload);
    REQUIRE(read);
    CHECK(describe(*read) == describe(m));
    CHECK(payload_of(*read) == payload);
  });
}

TEST_CASE("there is one of each message") {
  std::set<char> types;
  for_each_message(
    [&](const std::string&, const auto& m) { types.insert(payload_of(m)[type_at]); });
  // Envelopes are no types of their own, nor is what is not known.
  CHECK(types.size()
        == std::variant_size_v<wire::to_node> - 2
             + std::variant_size_v<wire::request> + std::variant_size_v<wire::to_client> - 1
             + std::variant_size_v<wire::answer>);
}

TEST_CASE("a message cut short anywhere is an error") {
  for_each_message([](const std::string& name, const auto& m) {
    if (name.substr(0, 6) == "writes") // wire_writes_test.cpp: operations may end anywhere
      return;
    const std::string whole = payload_of(m);
    for (std::size_t n = 0; n != whole.size(); ++n)
      CHECK_THAT(refusal(m, whole.substr(0, n)), ContainsSubstring("parse_error: not a message"));
  });
}

TEST_CASE("bytes left over are an error, but where a newer version may add fields") {
  for_each_message([](const std::string& name, const auto& m) {
    const auto read = read_as(m, payload_of(m) + "and more");
    if (extensible(name))
      CHECK(describe(*read) == describe(m));
    else
      CHECK(read.error().code == errc::parse_error);
  });
  CHECK(refusal(wire::to_node(wire::ping{}), payload_of(wire::to_node(wire::ping{})) + "x")
        == "parse_error: 1 bytes are left over behind a message");
}

TEST_CASE("types that the other side does not send are unsupported") {
  std::set<int> to_node;
  std::set<int> to_client;
  for (const auto& [name, m] : messages_to_node())
    to_node.insert(static_cast<std::uint8_t>(payload_of(m)[type_at]));
  for (const auto& [name, m] : messages_to_client())
    to_client.insert(static_cast<std::uint8_t>(payload_of(m)[type_at]));
  const auto unsupported = [](int type) {
    return "unsupported: a message of type " + std::to_string(type)
           + ": this version has none such";
  };
  const auto is_request = [](int type) { return type >= 16 && type < 128; };
  const auto is_answer = [](int type) { return type >= 143; };
  for (int type = 0; type != 256; ++type) {
    for (const std::string body : {"", "a body that it knows"}) {
      if (to_node.count(type) == 0 && !is_request(type))
        CHECK(refusal(wire::to_node(), of_type(type) + body) == unsupported(type));
      if (to_client.count(type) == 0 && !is_answer(type))
        CHECK(refusal(wire::to_client(), of_type(type) + body) == unsupported(type));
    }
  }
}

TEST_CASE("requests and answers of a newer version are known by their ids") {
  const std::string id_and_more = std::string("\7\0\0\0\0\0\0\0", 8) + "what it asks";
  const auto request = wire::read_to_node(of_type(127) + id_and_more);
  REQUIRE(request);
  const auto* asked = std::get_if<wire::unknown_request>(&*request);
  REQUIRE(asked != nullptr);
  CHECK(asked->id == 7);
  CHECK(asked->type == 127);
  const auto answer = wire::read_to_client(of_type(255) + id_and_more);
  REQUIRE(answer);
  const auto* answered = std::get_if<wire::answered>(&*answer);
  REQUIRE(answered != nullptr);
  CHECK(answered->id == 7);
  CHECK(std::get<wire::failed>(answered->what).why.code == errc::unsupported);
  CHECK_FALSE(wire::read_to_node(of_type(127) + "short"));
}

TEST_CASE("numbers that no enumeration has are refused") {
  using msg::neighbors;
  CHECK_THAT(refusal_between(&neighbors::towards, direction::outgoing, direction::both, 3),
             ContainsSubstring("no direction has the number 3"));
  msg::traversal_bounds along;
  along.along = direction::incoming;
  CHECK_THAT(refusal_between(&msg::subgraph::bounds, {}, along, 3),
             ContainsSubstring("no direction has the number 3"));
  CHECK_THAT(refusal_between(&msg::find_paths::order, path_order::fewest_hops,
                             path_order::most_confident, 2),
             ContainsSubstring("no order of paths has the number 2"));
  CHECK_THAT(refusal_between(&msg::search::metric, vector_metric::cosine, vector_metric::l2, 3),
             ContainsSubstring("no metric has the number 3"));

  const std::string end = "no end of a traversal has the number 3";
  CHECK_THAT(refusal_between(&msg::path_list::paths, {}, {{}, traversal_end::deadline, 0}, 3),
             ContainsSubstring(end));
  CHECK_THAT(refusal_between(&msg::subgraph_found::subgraph, {},
                             {{}, {}, false, false, traversal_end::deadline, 0, 0}, 3),
             ContainsSubstring(end));
  CHECK_THAT(
    refusal_between(&msg::activation_found::activation, {}, {{}, traversal_end::deadline, 0, 0}, 3),
    ContainsSubstring(end));

  const auto neighbor = [](direction d) {
    return std::vector<neighbor_record>{{wire_id(1), 1, 0.5F, 1.0F, d}};
  };
  CHECK_THAT(refusal_between(&msg::neighbor_list::neighbors, neighbor(direction::outgoing),
                             neighbor(direction::incoming), 2),
             ContainsSubstring("an association followed in direction 2"));

  wire::welcome syncs;
  syncs.level = durability::sync;
  CHECK_THAT(refusal_between<wire::to_client>(wire::welcome{}, syncs, 3),
             ContainsSubstring("no level of durability has the number 3"));
}

TEST_CASE("flags are 0 or 1") {
  const auto two = ContainsSubstring("parse_error: not a message: a flag is 2: 0 or 1");
  CHECK_THAT(flag_refusal(&msg::activate::fan_effect), two);
  CHECK_THAT(flag_refusal(&msg::activate::with_seeds), two);
  CHECK_THAT(flag_refusal(&msg::search::all_words), two);
  CHECK_THAT(flag_refusal(&msg::search::exact), two);
  CHECK_THAT(flag_refusal(&msg::path_answer::found), two);
  msg::search_filter filter;
  filter.any_id = false;
  CHECK_THAT(refusal_between(&msg::search::filter, {}, filter, 2), two);
  subgraph_record cut;
  cut.concepts_cut = true;
  CHECK_THAT(refusal_between(&msg::subgraph_found::subgraph, {}, cut, 2), two);
  cut = {};
  cut.associations_cut = true;
  CHECK_THAT(refusal_between(&msg::subgraph_found::subgraph, {}, cut, 2), two);
  wire::welcome read_only;
  read_only.read_only = true;
  CHECK_THAT(refusal_between<wire::to_client>(wire::welcome{}, read_only, 2), two);
}

TEST_CASE("an error has a code, which may be of a newer version") {
  const auto later = static_cast<errc>(200);
  const wire::to_client news = wire::refused{{later, "from the future"}};
  CHECK(std::get<wire::refused>(*wire::read_to_client(payload_of(news))).why
        == failure{later, "from the future"});
  const wire::to_client failed = wire::visible{1, {{1, later}}};
  CHECK(std::get<wire::visible>(*wire::read_to_client(payload_of(failed))).failed[0].why == later);

  check_ok_refused<wire::to_client>(wire::refused{});
  check_ok_refused<wire::to_client>(wire::not_taken{});
  check_ok_refused<wire::to_client>(wire::visible{1, {{1, errc::ok}}});
  check_ok_refused<wire::to_client>(wire::answered{1, wire::failed{}});
  // Here it says that all is well.
  const wire::to_client fine = wire::durable{5, {}};
  CHECK(std::get<wire::durable>(*wire::read_to_client(payload_of(fine))).why == failure{});
}

TEST_CASE("what is written for people is cut where the other side would refuse it") {
  const std::string longest(wire::detail_bytes_max, 'x');
  const wire::to_client refused = wire::refused{{errc::closed, longest + "y"}};
  CHECK(std::get<wire::refused>(*wire::read_to_client(payload_of(refused))).why.detail == longest);
  const wire::to_client sick =
    wire::answered{1, wire::health{{{"snapshots_held", 9, 8, longest + "y"}}}};
  const auto read = wire::read_to_client(payload_of(sick));
  const auto& answer = std::get<wire::answered>(*read);
  CHECK(std::get<wire::health>(answer.what).issues[0].advice == longest);
  wire::hello h;
  h.software.assign(wire::software_bytes_max + 1, 's');
  CHECK(std::get<wire::hello>(*wire::read_to_node(payload_of(wire::to_node(h)))).software.size()
        == wire::software_bytes_max);
}

TEST_CASE("lengths are held to their limits, and to what there is, before anything is allocated") {
  const auto check = [](const auto& like, std::size_t keep, std::uint64_t limit,
                        const std::string& what) {
    const std::string payload = payload_of(like);
    CHECK(refusal(like, claiming(payload, keep, limit + 1))
          == "parse_error: not a message: " + what + " of " + std::to_string(limit + 1)
               + " elements: at most " + std::to_string(limit));
    CHECK_THAT(refusal(like, claiming(payload, keep, limit)),
               ContainsSubstring("parse_error: not a message: it ends within "));
  };
  const auto asked = [](auto what) { return wire::to_node(wire::asked{1, what}); };
  const auto answered = [](auto what) { return wire::to_client(wire::answered{1, what}); };
  check(wire::to_node(wire::hello{}), body_at + 2 + 16 + 8, wire::software_bytes_max,
        "a name of software");
  check(asked(msg::subgraph{}), what_at, archive_list_max, "a list of seeds");
  check(asked(msg::activate{}), what_at, archive_list_max, "a list of seeds");
  check(asked(msg::search{}), what_at, content_bytes_max, "a text to search for");
  check(asked(msg::search{}), what_at + 9, name_bytes_max, "the beginning of a name");
  check(asked(msg::search{}), what_at + 17, vector_dimension_max, "a vector");
  check(asked(msg::search{}), what_at + 25, archive_list_max, "a list of concepts");
  check(asked(msg::search{}), what_at + 33, attributes_max, "attributes");
  check(asked(msg::search{}), what_at + 50, archive_list_max, "a list of ids");
  check(asked(msg::find_paths{}), what_at + 45, kinds_max, "a list of kinds");
  check(asked(msg::register_kind{}), what_at, name_bytes_max, "a kind's name");
  check(wire::to_client(wire::refused{}), body_at + 1, wire::detail_bytes_max,
        "the detail of an error");
  check(wire::to_client(wire::visible{}), body_at + 8, archive_list_max, "a list of writes");
  check(answered(concept_record{}), what_at + 16, name_bytes_max, "a name");
  check(answered(msg::neighbor_list{}), what_at + 8, archive_list_max, "a list of neighbors");
  check(answered(msg::path_answer{}), what_at + 8 + 1 + 16, path_depth_max, "a path");
  check(answered(msg::path_list{}), what_at + 8, archive_list_max, "a list of paths");
  check(answered(msg::subgraph_found{}), what_at + 8, archive_list_max, "a list of concepts");
  check(answered(msg::subgraph_found{}), what_at + 16, archive_list_max, "a list of associations");
  check(answered(msg::activation_found{}), what_at + 8, archive_list_max, "a list of concepts");
  check(answered(msg::search_found{}), what_at + 8, archive_list_max, "a list of hits");
  check(answered(wire::kind_names{}), what_at + 2, kinds_max, "a list of kinds");
  check(answered(wire::figures{}), what_at, wire::figures_max, "a list of figures");
  check(answered(wire::health{}), what_at, wire::figures_max, "a list of issues");
}

TEST_CASE("any byte of a message may be any other") {
  for_each_message([](const std::string&, const auto& m) {
    const std::string whole = payload_of(m);
    for (std::size_t at = 0; at != whole.size(); ++at) {
      for (const int byte : {0, 1, 2, 3, 0x10, 0x7F, 0x80, 0xFF}) {
        std::string bytes = whole;
        bytes[at] = static_cast<char>(byte);
        const auto read = read_as(m, bytes);
        CHECK((read || read.error().code == errc::parse_error
               || (at == type_at && read.error().code == errc::unsupported)));
      }
    }
  });
}

TEST_CASE("a message over the limit appends nothing") {
  const wire::to_node search = wire::asked{1, msg::search{std::string(100, 'x')}};
  const auto bytes = static_cast<std::uint32_t>(payload_of(search).size());
  std::vector<char> out = {'b', 'e', 'f', 'o', 'r', 'e'};
  const auto before = out;
  const auto refused = wire::put(out, search, bytes - 1);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::limit_exceeded);
  CHECK(out == before);
  CHECK(wire::put(out, search, bytes));
  CHECK(out.size() == before.size() + frame_header_bytes + bytes);
}
