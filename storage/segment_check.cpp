#include "storage/segment_check.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace cmem {

bool attributes_well_formed(const_bytes encoded) noexcept {
  if (encoded.empty())
    return true;
  std::uint32_t count = 0;
  if (encoded.size() < sizeof count)
    return false;
  std::memcpy(&count, encoded.data(), sizeof count);
  if (count == 0 || count > attributes_max)
    return false;
  const_bytes rest = encoded.subspan(sizeof count);
  std::string_view before;
  for (std::uint32_t i = 0; i != count; ++i) {
    std::uint16_t lengths[2];
    if (rest.size() < sizeof lengths)
      return false;
    std::memcpy(lengths, rest.data(), sizeof lengths);
    rest = rest.subspan(sizeof lengths);
    if (lengths[0] > attribute_key_bytes_max || lengths[1] > attribute_value_bytes_max
        || rest.size() < std::size_t{lengths[0]} + lengths[1])
      return false;
    const std::string_view key(reinterpret_cast<const char*>(rest.data()), lengths[0]);
    if (i != 0 && key <= before)
      return false;
    before = key;
    rest = rest.subspan(std::size_t{lengths[0]} + lengths[1]);
  }
  return rest.empty();
}

bool well_formed(const segment_association& a) noexcept {
  // Written so that a NaN is refused too.
  return a.confidence >= 0.0F && a.confidence <= 1.0F && a.weight >= 0.0F
         && a.weight <= std::numeric_limits<float>::max()
         && std::all_of(a.reserved.begin(), a.reserved.end(),
                        [](std::uint8_t b) { return b == 0; });
}

} // namespace cmem
