#include "messages/wire.hpp"

#include "messages/frame.hpp"
#include "messages/wire_fields.hpp"
#include "messages/wire_types.hpp"

#include <cassert>
#include <exception>
#include <istream>
#include <ostream>
#include <utility>

namespace cmem::wire {

namespace {

template <class Message>
void save_payload(writer& out, const Message& m) {
  static_assert(type_of<Message> != 0);
  out(type_of<Message>);
  save(out, m);
}
/// The id stands between type and fields.
template <class Request>
void save_with_id(writer& out, std::uint64_t id, const Request& what) {
  static_assert(type_of<Request> != 0);
  out(type_of<Request>, id);
  save(out, what);
}
void save_payload(writer& out, const asked& m) {
  std::visit([&](const auto& what) { save_with_id(out, m.id, what); }, m.what);
}
void save_payload(writer& out, const answered& m) {
  std::visit([&](const auto& what) { save_with_id(out, m.id, what); }, m.what);
}

// To be read, never to be said.
void save_payload(writer&, const unknown_request&) { assert(false); }

template <class Message>
result<void> put_frame(std::vector<char>& out, const Message& m, std::uint32_t bytes_max) {
  const std::size_t begin = begin_frame(out);
  archive::append_buffer buffer(out);
  std::ostream stream(&buffer);
  writer to(stream);
  std::visit([&](const auto& x) { save_payload(to, x); }, m);
  return end_frame(out, begin, bytes_max);
}

template <class Variant>
struct one_of;
template <class... Message>
struct one_of<std::variant<Message...>> {
  /// Hands on an empty message of that type. False: none of these has it.
  template <class Take>
  static bool make(std::uint8_t type, Take take) {
    return ((type == type_of<Message> && (take(Message{}), true)) || ...);
  }
};

/// Fields may stand behind those that this version knows.
constexpr bool extensible(std::uint8_t type) noexcept {
  return type == type_of<hello> || type == type_of<welcome> || type == type_of<refused>;
}

failure unknown(std::uint8_t type) {
  return {errc::unsupported,
          "a message of type " + std::to_string(type) + ": this version has none such"};
}
/// Whose fields cannot be read, but whose id can. False: it has none.
bool read_unknown(reader& in, std::uint8_t type, to_node& m) {
  if (!is_request(type))
    return false;
  unknown_request r{0, type};
  in(r.id);
  m = r;
  return true;
}
bool read_unknown(reader& in, std::uint8_t type, to_client& m) {
  if (!is_answer(type))
    return false;
  answered a{0, failed{unknown(type), 0}};
  in(a.id);
  m = std::move(a);
  return true;
}

/// Any is one of `Plain`, or an `Envelope` with an id.
template <class Any, class Plain, class Envelope>
result<Any> read_payload(std::string_view payload) {
  archive::view_buffer buffer(payload);
  std::istream stream(&buffer);
  try {
    reader in(stream, buffer);
    in.version = archive_version;
    std::uint8_t type = 0;
    in(type);
    Any m;
    const auto take = [&](auto x) {
      load(in, x);
      m = std::move(x);
    };
    const auto take_with_id = [&](auto x) {
      Envelope e;
      in(e.id);
      load(in, x);
      e.what = std::move(x);
      m = std::move(e);
    };
    if (!one_of<Plain>::make(type, take)
        && !one_of<decltype(Envelope::what)>::make(type, take_with_id)) {
      if (!read_unknown(in, type, m))
        return unknown(type);
      return m;
    }
    if (buffer.left() != 0 && !extensible(type))
      return failure{errc::parse_error,
                     std::to_string(buffer.left()) + " bytes are left over behind a message"};
    return m;
  } catch (const std::exception& e) { // cereal reports the end of its input so
    return failure{errc::parse_error, std::string("not a message: ") + e.what()};
  }
}

} // namespace

result<void> put(std::vector<char>& out, const to_node& m, std::uint32_t bytes_max) {
  return put_frame(out, m, bytes_max);
}

result<void> put(std::vector<char>& out, const to_client& m, std::uint32_t bytes_max) {
  return put_frame(out, m, bytes_max);
}

result<to_node> read_to_node(std::string_view payload) {
  return read_payload<to_node, std::variant<hello, ping, writes>, asked>(payload);
}

result<to_client> read_to_client(std::string_view payload) {
  return read_payload<to_client, std::variant<welcome, refused, pong, visible, durable, not_taken>,
                      answered>(payload);
}

} // namespace cmem::wire
