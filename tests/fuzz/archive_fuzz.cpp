// Any bytes as an archive: a value within the limits that is written and read the same again, or an
// error. The first byte chooses the type.

#include "messages/archive.hpp"
#include "tests/fuzz/input.hpp"

using namespace cmem;
using cmem::fuzz::require;

namespace {

void check(const concept_record& r) {
  require(r.name.size() <= name_bytes_max && r.content.size() <= content_bytes_max
            && r.vector.size() <= vector_dimension_max && r.attributes.size() <= attributes_max,
          "a concept is within its limits");
  for (const auto& [key, value] : r.attributes)
    require(key.size() <= attribute_key_bytes_max && value.size() <= attribute_value_bytes_max,
            "an attribute is within its limits");
}
void check(const path_record& r) {
  require(r.hops.size() <= path_depth_max, "a path is within its limit");
}
void check(const association_record&) {}
void check(const neighbor_record&) {}
template <class T>
void check(const std::vector<T>& list) {
  for (const T& x : list)
    check(x);
}

template <class T>
void run(std::string_view bytes) {
  const auto read = from_bytes<T>(bytes);
  if (!read) {
    require(read.error().code == errc::parse_error, "bytes that are no archive are told so");
    return;
  }
  check(*read);
  // Bytes are compared, not values: a NaN is not equal to itself. Those given may be of the other
  // byte order.
  const std::string written = to_bytes(*read);
  if (static_cast<std::uint8_t>(bytes[1]) == archive_version) // behind cereal's own mark
    require(written.size() == bytes.size(), "a value is written as long as it was");
  const auto again = from_bytes<T>(written);
  require(again.has_value() && to_bytes(*again) == written, "what is written is read back");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  const std::uint32_t type = in.below(8);
  const std::string_view bytes = in.rest();
  switch (type) {
    case 0: run<concept_record>(bytes); break;
    case 1: run<association_record>(bytes); break;
    case 2: run<neighbor_record>(bytes); break;
    case 3: run<path_record>(bytes); break;
    case 4: run<std::vector<concept_record>>(bytes); break;
    case 5: run<std::vector<association_record>>(bytes); break;
    case 6: run<std::vector<neighbor_record>>(bytes); break;
    default: run<std::vector<path_record>>(bytes); break;
  }
  return 0;
}
