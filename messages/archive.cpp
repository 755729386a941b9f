#include "messages/archive.hpp"

#include <cereal/archives/portable_binary.hpp>

#include <algorithm>
#include <exception>
#include <istream>
#include <sstream>
#include <stdexcept>
#include <streambuf>

namespace cmem {

namespace {

using writer = cereal::PortableBinaryOutputArchive;

struct reader : cereal::PortableBinaryInputArchive {
  using PortableBinaryInputArchive::PortableBinaryInputArchive;
  std::uint8_t version = 0; // of what is read
};

/// Lets the archive read bytes where they are.
class view_buffer : public std::streambuf {
public:
  explicit view_buffer(std::string_view bytes) {
    auto* begin = const_cast<char*>(bytes.data()); // a get area is never written
    setg(begin, begin, begin + bytes.size());
  }
  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(egptr() - gptr()); }
};

// A vector grows as its elements arrive, a step at a time: what a length claims is not worth memory
// yet.
constexpr std::size_t step = 4096;

std::size_t load_size(reader& in, std::size_t limit, const char* what) {
  std::uint64_t n = 0;
  in(n);
  if (n > limit)
    throw std::runtime_error(std::string(what) + " of " + std::to_string(n) + " elements: at most "
                             + std::to_string(limit));
  return static_cast<std::size_t>(n);
}

void save_text(writer& out, const std::string& s) {
  out(static_cast<std::uint64_t>(s.size()));
  out.saveBinary<1>(s.data(), static_cast<std::streamsize>(s.size()));
}

std::string load_text(reader& in, std::size_t limit, const char* what) {
  std::string s(load_size(in, limit, what), '\0');
  in.loadBinary<1>(s.data(), static_cast<std::streamsize>(s.size()));
  return s;
}

template <class T, class Save>
void save_list(writer& out, const std::vector<T>& list, Save save) {
  out(static_cast<std::uint64_t>(list.size()));
  for (const auto& x : list)
    save(x);
}

template <class T, class Load>
void load_list(reader& in, std::vector<T>& list, std::size_t limit, const char* what, Load load) {
  const auto n = load_size(in, limit, what);
  list.reserve(std::min(n, step));
  for (std::size_t i = 0; i < n; ++i)
    load(list.emplace_back());
}

void save(writer& out, const concept_id& id) { out.saveBinary<1>(id.bytes.data(), 16); }
void load(reader& in, concept_id& id) { in.loadBinary<1>(id.bytes.data(), 16); }

void save(writer& out, const concept_record& r) {
  save(out, r.id);
  save_text(out, r.name);
  save_text(out, r.content);
  save_list(out, r.vector, [&](float x) { out(x); });
  out(r.strength, r.confidence, r.created, r.last_accessed, r.access_count);
  save_list(out, r.attributes, [&](const auto& a) {
    save_text(out, a.first);
    save_text(out, a.second);
  });
}
void load(reader& in, concept_record& r) {
  load(in, r.id);
  r.name = load_text(in, name_bytes_max, "a name");
  r.content = load_text(in, content_bytes_max, "content");
  load_list(in, r.vector, vector_dimension_max, "a vector", [&](float& x) { in(x); });
  in(r.strength, r.confidence, r.created, r.last_accessed, r.access_count);
  load_list(in, r.attributes, attributes_max, "attributes", [&](auto& a) {
    a.first = load_text(in, attribute_key_bytes_max, "an attribute's key");
    a.second = load_text(in, attribute_value_bytes_max, "an attribute's value");
  });
}

void save(writer& out, const association_record& r) {
  save(out, r.source);
  save(out, r.target);
  out(r.kind, r.confidence, r.weight, r.created, r.last_used);
}
void load(reader& in, association_record& r) {
  load(in, r.source);
  load(in, r.target);
  in(r.kind, r.confidence, r.weight, r.created, r.last_used);
}

void save_along(writer& out, direction along) { out(static_cast<std::uint8_t>(along)); }
// Version 1 knew outgoing ones only.
direction load_along(reader& in) {
  if (in.version < 2)
    return direction::outgoing;
  std::uint8_t number = 0;
  in(number);
  if (number > static_cast<std::uint8_t>(direction::incoming))
    throw std::runtime_error("an association followed in direction " + std::to_string(number));
  return static_cast<direction>(number);
}

void save(writer& out, const neighbor_record& r) {
  save(out, r.id);
  out(r.kind, r.confidence, r.weight);
  save_along(out, r.along);
}
void load(reader& in, neighbor_record& r) {
  load(in, r.id);
  in(r.kind, r.confidence, r.weight);
  r.along = load_along(in);
}

void save(writer& out, const path_record& r) {
  save(out, r.source);
  save_list(out, r.hops, [&](const path_hop& h) {
    save(out, h.id);
    out(h.kind, h.confidence);
    save_along(out, h.along);
  });
  out(r.confidence);
}
void load(reader& in, path_record& r) {
  load(in, r.source);
  load_list(in, r.hops, path_depth_max, "a path", [&](path_hop& h) {
    load(in, h.id);
    in(h.kind, h.confidence);
    h.along = load_along(in);
  });
  in(r.confidence);
}

template <class T>
void save(writer& out, const std::vector<T>& list) {
  save_list(out, list, [&](const T& x) { save(out, x); });
}
template <class T>
void load(reader& in, std::vector<T>& list) {
  load_list(in, list, archive_list_max, "a list", [&](T& x) { load(in, x); });
}

} // namespace

template <class T>
std::string to_bytes(const T& value) {
  std::ostringstream stream;
  {
    writer out(stream);
    out(archive_version);
    save(out, value);
  }
  return std::move(stream).str();
}

template <class T>
result<T> from_bytes(std::string_view bytes) {
  view_buffer buffer(bytes);
  std::istream stream(&buffer);
  try {
    reader in(stream);
    in(in.version);
    if (in.version == 0 || in.version > archive_version)
      return failure{errc::parse_error, "archive of version " + std::to_string(in.version)
                                          + ": this one reads versions 1 to "
                                          + std::to_string(archive_version)};
    T value{};
    load(in, value);
    if (buffer.left() != 0)
      return failure{errc::parse_error,
                     std::to_string(buffer.left()) + " bytes are left over behind the archive"};
    return value;
  } catch (const std::exception& e) { // cereal reports the end of its input so
    return failure{errc::parse_error, std::string("not an archive of this value: ") + e.what()};
  }
}

#define CMEM_ARCHIVE(T) \
  template std::string to_bytes(const T&); \
  template result<T> from_bytes(std::string_view); \
  template std::string to_bytes(const std::vector<T>&); \
  template result<std::vector<T>> from_bytes(std::string_view);

CMEM_ARCHIVE(concept_record)
CMEM_ARCHIVE(association_record)
CMEM_ARCHIVE(neighbor_record)
CMEM_ARCHIVE(path_record)

} // namespace cmem
