// Any bytes as a frame, and as the payload of one, for no checksum stands in the way there: what is
// read keeps its limits, and is put and read the same again; or it is an error.

#include "messages/frame.hpp"
#include "messages/wire.hpp"
#include "storage/limits.hpp"
#include "tests/fuzz/input.hpp"

#include <span>
#include <vector>

using namespace cmem;
using cmem::fuzz::require;

namespace {

bool lies_in(std::string_view part, std::string_view whole) {
  return part.empty()
         || (part.data() >= whole.data()
             && part.data() + part.size() <= whole.data() + whole.size());
}

/// What the operations of a payload borrow.
struct op_check {
  std::string_view payload;
  const wire::writes& from;

  void text(std::string_view s, std::size_t bytes_max) const {
    require(s.size() <= bytes_max && lies_in(s, payload), "a text is borrowed from the payload");
  }
  void name(const concept_ref& c) const { text(c.name, name_bytes_max); }

  void operator()(const op::learn_concept& o) const {
    name(o.id);
    text(o.content, content_bytes_max);
    require(o.vector.size() <= vector_dimension_max, "a vector is within its limit");
    require(o.vector.empty()
              || (o.vector.data() >= from.floats.data()
                  && o.vector.data() + o.vector.size() <= from.floats.data() + from.floats.size()),
            "vectors stay where they are");
  }
  void operator()(const op::set_attributes& o) const {
    name(o.id);
    const std::vector<attribute_update>& all = from.attributes;
    require(o.attributes.size() <= attributes_max, "attributes are within their limit");
    require(o.attributes.empty()
              || (o.attributes.data() >= all.data()
                  && o.attributes.data() + o.attributes.size() <= all.data() + all.size()),
            "attributes stay where they are");
    for (const attribute_update& a : o.attributes) {
      text(a.key, attribute_key_bytes_max);
      text(a.value.value_or(""), attribute_value_bytes_max);
    }
  }
  template <class Op>
  void operator()(const Op& o) const {
    if constexpr (requires { o.source; }) {
      name(o.source);
      name(o.target);
    } else {
      name(o.id);
    }
  }
};

void check(const failure& f) {
  require(f.code != errc::ok && f.detail.size() <= wire::detail_bytes_max,
          "an error has a code, and not too much to say");
}
void check(const wire::writes& m, std::string_view payload) {
  require(m.first != 0 && !m.ops.empty() && m.last() >= m.first, "writes have numbers");
  for (const write_op& o : m.ops)
    std::visit(op_check{payload, m}, o);
  wire::writes_encoder to(m.first, m.as_batch);
  for (const write_op& o : m.ops)
    to.add(o);
  wire::writes same;
  same.first = m.first;
  same.as_batch = m.as_batch;
  same.ops = m.ops;
  std::vector<char> frame;
  require(wire::put(frame, std::move(same), frame_bytes_max).has_value()
            && std::move(to).finish() == frame,
          "the encoder makes the frame that put() makes");
}
void check(const wire::asked& m) {
  if (const auto* q = std::get_if<msg::search>(&m.what))
    require(q->text.size() <= content_bytes_max && q->prefix.size() <= name_bytes_max
              && q->vector.size() <= vector_dimension_max
              && q->filter.attributes.size() <= attributes_max,
            "a search is within its limits");
  if (const auto* k = std::get_if<msg::register_kind>(&m.what))
    require(k->name.size() <= name_bytes_max, "a kind's name is within its limit");
}
void check(const wire::answered& m) {
  if (const auto* f = std::get_if<wire::failed>(&m.what))
    check(f->why);
  if (const auto* r = std::get_if<concept_record>(&m.what))
    require(r->name.size() <= name_bytes_max && r->content.size() <= content_bytes_max
              && r->vector.size() <= vector_dimension_max && r->attributes.size() <= attributes_max,
            "a concept is within its limits");
}
void check(const wire::to_node& any, std::string_view payload) {
  if (const auto* m = std::get_if<wire::hello>(&any))
    require(m->software.size() <= wire::software_bytes_max, "a name of software within its limit");
  if (const auto* m = std::get_if<wire::writes>(&any))
    check(*m, payload);
  if (const auto* m = std::get_if<wire::asked>(&any))
    check(*m);
}
void check(const wire::to_client& any, std::string_view) {
  if (const auto* m = std::get_if<wire::refused>(&any))
    check(m->why);
  if (const auto* m = std::get_if<wire::not_taken>(&any))
    check(m->why);
  if (const auto* m = std::get_if<wire::visible>(&any))
    for (const auto& f : m->failed)
      require(f.why != errc::ok, "a write that failed has a code");
  if (const auto* m = std::get_if<wire::answered>(&any))
    check(*m);
}

/// The payload of a frame that was put, whole.
std::string_view payload_in(const std::vector<char>& frame) {
  const auto head =
    read_frame_header(std::span(frame).first<frame_header_bytes>(), frame_bytes_max);
  const auto payload = std::span(frame).subspan(frame_header_bytes);
  require(head.has_value() && head->length == payload.size()
            && check_frame(*head, payload).has_value(),
          "what is put is a frame");
  return {payload.data(), payload.size()};
}

/// It is to be read alone.
bool is_put(const wire::to_node& m) { return !std::holds_alternative<wire::unknown_request>(m); }
bool is_put(const wire::to_client&) { return true; }

template <class Message>
void run(result<Message> (&read)(std::string_view), std::string_view payload) {
  auto first = read(payload);
  if (!first) {
    const errc code = first.error().code;
    require(code == errc::parse_error || code == errc::unsupported,
            "bytes that are no message are told so");
    return;
  }
  const Message m = std::move(*first);
  check(m, payload);
  if (!is_put(m))
    return;
  // Bytes are compared, not values: a NaN is not equal to itself. Those given may be of the other
  // byte order, or have fields of a newer version.
  std::vector<char> frame;
  require(wire::put(frame, m, frame_bytes_max).has_value(), "what is read can be put");
  const std::string_view written = payload_in(frame);
  constexpr std::size_t type_at = 1; // an answer that is not known here becomes one that failed
  require(written.size() <= payload.size() || written[type_at] != payload[type_at],
          "nothing is longer than it was");
  const auto second = read(written);
  require(second.has_value(), "what is put can be read");
  std::vector<char> again;
  require(wire::put(again, *second, frame_bytes_max).has_value() && again == frame,
          "it is the same again");
}

void run_payload(std::string_view payload) {
  run(wire::read_to_node, payload);
  run(wire::read_to_client, payload);
}

void run_frame(std::string_view bytes) {
  if (bytes.size() < frame_header_bytes)
    return;
  const auto head =
    read_frame_header(std::span(bytes).first<frame_header_bytes>(), frame_bytes_min);
  if (!head) {
    const errc code = head.error().code;
    require(code == errc::parse_error || code == errc::unsupported || code == errc::limit_exceeded,
            "what is no frame is told so");
    return;
  }
  require(head->length <= frame_bytes_min, "a frame is within its limit");
  const std::string_view payload = bytes.substr(frame_header_bytes);
  if (payload.size() < head->length)
    return;
  const auto done = check_frame(*head, std::span(payload).first(head->length));
  require(done.has_value() || done.error().code == errc::corrupt, "bytes are corrupt or not");
  run_payload(payload.substr(0, head->length)); // in either case
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  run_frame(bytes);
  run_payload(bytes);
  return 0;
}
