// The operations of `writes`: what they borrow, how they are numbered, and their encoder.

#include "storage/limits.hpp"
#include "tests/actors/wire_fixture.hpp"

#include <cstring>
#include <limits>
#include <sstream>

using namespace cmem;
using namespace cmem::test;
using Catch::Matchers::ContainsSubstring;

namespace {

// -- an operation as a string: every field of it

template <class... Field>
std::string text(const Field&... fields) {
  std::ostringstream out;
  ((out << fields << ' '), ...);
  return out.str();
}
std::string describe(const concept_ref& c) { return c.id.hex() + "/" + std::string(c.name); }

struct describe_op {
  std::string operator()(const op::learn_concept& o) const {
    std::string s = text("learn", describe(o.id), o.content, o.strength, o.confidence);
    for (const float x : o.vector)
      s += text(x);
    return s;
  }
  std::string operator()(const op::learn_association& o) const {
    return text("associate", describe(o.source), describe(o.target), o.kind, o.confidence,
                o.weight);
  }
  std::string operator()(const op::strengthen& o) const {
    return text("strengthen", describe(o.id), o.delta);
  }
  std::string operator()(const op::strengthen_association& o) const {
    return text("strengthen", describe(o.source), describe(o.target), o.kind, o.delta);
  }
  std::string operator()(const op::record_access& o) const {
    return text("access", describe(o.id));
  }
  std::string operator()(const op::record_use& o) const {
    return text("use", describe(o.source), describe(o.target), o.kind);
  }
  std::string operator()(const op::set_attributes& o) const {
    std::string s = text("set", describe(o.id));
    for (const attribute_update& a : o.attributes)
      s += text(a.key, a.value.has_value(), a.value.value_or(""));
    return s;
  }
  std::string operator()(const op::forget_concept& o) const {
    return text("forget", describe(o.id));
  }
  std::string operator()(const op::forget_association& o) const {
    return text("forget", describe(o.source), describe(o.target), o.kind);
  }
};
std::string describe(const std::vector<write_op>& ops) {
  std::string s;
  for (const write_op& o : ops)
    s += std::visit(describe_op{}, o) + "\n";
  return s;
}

wire::writes writes_of(std::vector<write_op> ops, std::uint64_t first = 1, bool as_batch = false) {
  wire::writes w;
  w.first = first;
  w.as_batch = as_batch;
  w.ops = std::move(ops);
  return w;
}
std::string payload_of_ops(std::vector<write_op> ops) {
  return payload_of(wire::to_node(writes_of(std::move(ops))));
}

/// What a payload says. It is borrowed.
wire::writes read_writes(std::string_view payload) {
  auto read = wire::read_to_node(payload);
  REQUIRE(read);
  return std::get<wire::writes>(std::move(*read));
}
std::string refusal(std::string_view payload) {
  const auto read = wire::read_to_node(payload);
  return read ? "" : to_string(read.error());
}

/// Encodes them one by one.
std::vector<char> encode(const std::vector<write_op>& ops, std::uint64_t first = 1,
                         bool as_batch = false) {
  wire::writes_encoder to(first, as_batch);
  for (const write_op& o : ops)
    to.add(o);
  return std::move(to).finish();
}

constexpr std::size_t head = 2 + 8 + 1; // mark, type, number of the first, as_batch

/// A payload of one operation, which is these bytes.
std::string raw(std::string_view op) {
  return payload_of_ops({op::record_access{wire_id(1)}}).substr(0, head).append(op);
}

} // namespace

TEST_CASE("each operation is read as it was put") {
  for (const write_op& o : wire_ops()) {
    const std::string payload = payload_of_ops({o});
    CHECK(describe(read_writes(payload).ops) == describe({o}));
  }
  const std::string all = payload_of_ops(wire_ops());
  CHECK(describe(read_writes(all).ops) == describe(wire_ops()));
}

TEST_CASE("writes are numbered from the first on, a batch has one number") {
  for (const bool as_batch : {false, true}) {
    const std::string payload = payload_of(wire::to_node(writes_of(wire_ops(), 30, as_batch)));
    const wire::writes w = read_writes(payload);
    CHECK(w.first == 30);
    CHECK(w.as_batch == as_batch);
    CHECK(w.last() == (as_batch ? 30 : 38));
  }
}

TEST_CASE("numbers begin with 1 and do not run over") {
  const auto numbered = [](std::uint64_t first) {
    std::string payload = payload_of_ops({wire_ops()[4], wire_ops()[4]});
    std::memcpy(payload.data() + 2, &first, sizeof(first));
    return refusal(payload);
  };
  constexpr auto max = std::numeric_limits<std::uint64_t>::max();
  CHECK(numbered(1).empty());
  CHECK(numbered(max - 2).empty());
  CHECK(numbered(0) == "parse_error: not a message: no write has the number 0");
  CHECK(numbered(max - 1)
        == "parse_error: not a message: no write has the number 18446744073709551614");
}

TEST_CASE("operations borrow from the payload and from the writes, which may move") {
  const std::vector<float> vector = {1.0F, 2.0F, 3.0F};
  const attribute_update updates[] = {{"key", "value"}, {"gone", std::nullopt}};
  std::vector<write_op> ops;
  for (int i = 0; i != 1'000; ++i) { // more than any first guess of how many
    ops.push_back(op::learn_concept{"apple", "red", vector});
    ops.push_back(op::set_attributes{"apple", updates});
    ops.push_back(op::learn_concept{"no vector"});
    ops.push_back(op::set_attributes{"no attribute"});
  }
  const std::string payload = payload_of_ops(ops);
  auto read = wire::read_to_node(payload);
  REQUIRE(read);
  wire::writes first = std::get<wire::writes>(std::move(*read));
  read = failure{errc::closed, ""};
  const wire::writes w = std::move(first);
  first = {};
  CHECK(describe(w.ops) == describe(ops));

  const auto& learned = std::get<op::learn_concept>(w.ops[0]);
  CHECK(learned.vector.data() == w.floats.data());
  CHECK(std::get<op::set_attributes>(w.ops[1]).attributes.data() == w.attributes.data());
  CHECK((learned.content.data() > payload.data()
         && learned.content.data() < payload.data() + payload.size()));
}

TEST_CASE("writes cut short hold the operations that are whole, or are an error") {
  for (const write_op& o : wire_ops()) {
    const std::string whole = payload_of_ops({o});
    for (std::size_t n = 0; n != whole.size(); ++n)
      CHECK_THAT(refusal(whole.substr(0, n)), ContainsSubstring("parse_error: not a message"));
    CHECK_THAT(refusal(whole + "\x09"), ContainsSubstring("no operation has the number 9"));
  }
  const std::string whole = payload_of_ops(wire_ops());
  std::size_t shorter = 0;
  for (std::size_t n = 0; n != whole.size(); ++n) {
    const std::string part = whole.substr(0, n);
    if (!refusal(part).empty())
      continue;
    ++shorter;
    auto some = wire_ops();
    some.erase(some.begin() + static_cast<std::ptrdiff_t>(shorter), some.end());
    CHECK(describe(read_writes(part).ops) == describe(some));
  }
  CHECK(shorter == wire_ops().size() - 1);
}

TEST_CASE("writes without an operation are refused") {
  CHECK(refusal(raw("")) == "parse_error: not a message: there is no operation in it");
}

TEST_CASE("a name is not empty, nor too long, nor of another kind") {
  using namespace std::string_literals;
  const std::string id(16, 'i');
  const std::string empty(8, '\0');
  const auto length = "\x01\x04\0\0\0\0\0\0"s; // 1025
  const auto access = "\x04"s;
  CHECK(refusal(raw(access + "\0"s + id)).empty());
  CHECK(refusal(raw(access + "\1" + "\1\0\0\0\0\0\0\0x"s)).empty());
  CHECK_THAT(refusal(raw(access + "\1" + empty)), ContainsSubstring("a name is empty"));
  CHECK_THAT(refusal(raw(access + "\2" + id + empty)), ContainsSubstring("a name is empty"));
  CHECK_THAT(refusal(raw(access + "\1" + length + std::string(1025, 'x'))),
             ContainsSubstring("a name of 1025 elements: at most 1024"));
  CHECK_THAT(refusal(raw(access + "\3" + id)),
             ContainsSubstring("no way to name a concept has the number 3"));
}

TEST_CASE("flags of writes are 0 or 1") {
  std::string payload = payload_of_ops({op::record_access{wire_id(1)}});
  payload[head - 1] = 2;
  CHECK_THAT(refusal(payload), ContainsSubstring("a flag is 2"));
  const attribute_update gone[] = {{"key", std::nullopt}};
  payload = payload_of_ops({op::set_attributes{"apple", gone}});
  REQUIRE(payload.back() == 0); // there is no value
  payload.back() = 2;
  CHECK_THAT(refusal(payload), ContainsSubstring("a flag is 2"));
}

TEST_CASE("lengths within operations are held to their limits, and to what there is") {
  const auto check = [](const write_op& o, std::size_t from_end, std::uint64_t limit,
                        const std::string& what) {
    std::string payload = payload_of_ops({o});
    const auto claim = [&](std::uint64_t count) {
      std::memcpy(payload.data() + payload.size() - from_end, &count, sizeof(count));
      return refusal(payload);
    };
    CHECK(claim(limit + 1)
          == "parse_error: not a message: " + what + " of " + std::to_string(limit + 1)
               + " elements: at most " + std::to_string(limit));
    CHECK_THAT(claim(limit), ContainsSubstring("parse_error: not a message"));
  };
  const attribute_update gone[] = {{"", std::nullopt}};
  const attribute_update set[] = {{"", ""}};
  check(op::learn_concept{wire_id(1)}, 8 + 8 + 8, content_bytes_max, "content");
  check(op::learn_concept{wire_id(1)}, 8 + 8, vector_dimension_max, "a vector");
  check(op::set_attributes{wire_id(1)}, 8, attributes_max, "attributes");
  check(op::set_attributes{wire_id(1), gone}, 9, attribute_key_bytes_max, "an attribute's key");
  check(op::set_attributes{wire_id(1), set}, 8, attribute_value_bytes_max, "an attribute's value");
}

TEST_CASE("the encoder makes the frame that put() makes") {
  for (const bool as_batch : {false, true})
    CHECK(encode(wire_ops(), 30, as_batch)
          == frame_of(wire::to_node(writes_of(wire_ops(), 30, as_batch))));
}

TEST_CASE("the encoder counts, and takes the last one back") {
  wire::writes_encoder to(7, false);
  CHECK(to.count() == 0);
  CHECK(to.payload_bytes() == head);
  for (const write_op& o : wire_ops()) {
    to.add(o);
    const std::size_t kept = to.payload_bytes();
    to.add(wire_ops()[0]);
    to.drop_last();
    CHECK(to.payload_bytes() == kept);
  }
  CHECK(to.count() == wire_ops().size());
  const std::size_t bytes = to.payload_bytes();
  const auto frame = std::move(to).finish();
  CHECK(frame.size() == frame_header_bytes + bytes);
  CHECK(frame == encode(wire_ops(), 7));
}
