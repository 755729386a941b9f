// Any text as a file of JSON lines: a data set that keeps what the header promises, or an error
// that names file and line. And as base64: refused, or bytes that are written so again.

#include "storage/limits.hpp"
#include "tests/fuzz/input.hpp"
#include "tools/base64.hpp"
#include "tools/dataset.hpp"

#include <cmath>
#include <set>
#include <sstream>

using namespace cmem;
using cmem::fuzz::require;

namespace {

void check(const tools::dataset& d) {
  require(d.learnable > 0 && d.learnable <= d.concepts.size(), "something can be learned");
  std::set<concept_id> ids;
  for (std::size_t i = 0; i < d.concepts.size(); ++i) {
    const auto& c = d.concepts[i];
    require(ids.insert(c.id).second, "ids differ");
    require(c.name.empty() || concept_id::from_name(c.name) == c.id, "a name is that of its id");
    require(c.vector.empty() || c.vector.size() == d.vector_dimension,
            "vectors have one dimension");
    for (const float x : c.vector)
      require(std::isfinite(x), "a vector is finite");
    require(std::isfinite(c.strength) && c.strength >= 0, "strength is in its range");
    require(c.confidence >= 0 && c.confidence <= 1, "confidence is in its range");
    require(i < d.learnable || c.content.empty(), "mere ends have no content");
  }
  for (const auto& a : d.associations) {
    require(a.source < d.concepts.size() && a.target < d.concepts.size(), "both ends are there");
    require(a.kind < d.kinds.size(), "the kind is there");
    require(a.confidence >= 0 && a.confidence <= 1, "confidence is in its range");
    require(std::isfinite(a.weight) && a.weight >= 0, "weight is in its range");
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::istringstream in(std::string(reinterpret_cast<const char*>(data), size));
  const auto read = tools::read_jsonl(in, "fuzz.jsonl");
  if (const auto bytes = tools::from_base64({reinterpret_cast<const char*>(data), size}))
    require(tools::to_base64(*bytes) == std::string_view(reinterpret_cast<const char*>(data), size),
            "base64 is written as it was read");
  if (read)
    check(*read);
  else
    require(read.error().code == errc::parse_error
              && read.error().detail.starts_with("fuzz.jsonl:"),
            "an error names the file");
  return 0;
}
