#include "storage/packed_adjacency.hpp"

#include <bit>
#include <cassert>
#include <limits>

namespace cmem {

namespace {

constexpr std::size_t times_head = 2 + 2 * sizeof(std::int64_t);
constexpr float hundred = 100.0F;
constexpr std::uint32_t hundredths_max = 0xFFFF;
constexpr std::uint32_t constant_hundredths_max = 100;
constexpr std::uint32_t constant_kind_max = 127;
constexpr std::size_t impossible = std::numeric_limits<std::size_t>::max();

/// From any address.
template <class T>
T read(const std::byte* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <class T>
std::byte* put(std::byte* to, const T& value) noexcept {
  std::memcpy(to, &value, sizeof value);
  return to + sizeof value;
}

std::uint32_t bits_of(float f) noexcept { return std::bit_cast<std::uint32_t>(f); }

/// Correctly rounded, so the same on every machine and with any vector instructions.
float from_hundredths(std::uint32_t n) noexcept {
  return static_cast<float>(static_cast<std::int32_t>(n)) / hundred;
}

} // namespace

// -- reading

namespace {

enum : std::uint8_t { dictionary_code = 64, hundredths_code = 96, constant_code = 128 };

std::size_t floats_bytes(std::uint8_t code, std::uint32_t count, const std::byte* at) noexcept {
  if (code >= constant_code)
    return 0;
  if (code >= hundredths_code)
    return packed_bytes(count, code - std::uint32_t{hundredths_code});
  if (code >= dictionary_code)
    return 1 + (read<std::uint8_t>(at) + std::size_t{1}) * sizeof(std::uint32_t)
           + packed_bytes(count, code - std::uint32_t{dictionary_code});
  return sizeof(std::uint32_t) + packed_bytes(count, code);
}

std::size_t kinds_bytes(std::uint8_t code, std::uint32_t count) noexcept {
  return code >= constant_code ? 0 : sizeof(kind_id) + packed_bytes(count, code);
}

void unpack_floats(std::uint8_t code, std::uint32_t count, const std::byte* at,
                   float* to) noexcept {
  if (code >= constant_code) {
    std::fill_n(to, count, from_hundredths(code - std::uint32_t{constant_code}));
    return;
  }
  std::uint32_t numbers[chunk_size + unpack_slack];
  if (code >= hundredths_code) {
    unpack_bits(at, 0, count, code - std::uint32_t{hundredths_code}, numbers);
    for (std::uint32_t i = 0; i != count; ++i)
      to[i] = from_hundredths(numbers[i]);
  } else if (code >= dictionary_code) {
    const std::size_t entries = read<std::uint8_t>(at) + std::size_t{1};
    const std::byte* values = at + 1;
    unpack_bits(values + entries * sizeof(float), 0, count, code - std::uint32_t{dictionary_code},
                numbers);
    for (std::uint32_t i = 0; i != count; ++i)
      to[i] = read<float>(values + numbers[i] * sizeof(float));
  } else {
    const auto base = read<std::uint32_t>(at);
    unpack_bits(at + sizeof base, 0, count, code, numbers);
    for (std::uint32_t i = 0; i != count; ++i)
      to[i] = std::bit_cast<float>(base + numbers[i]);
  }
}

void unpack_kinds(std::uint8_t code, std::uint32_t count, const std::byte* at,
                  kind_id* to) noexcept {
  if (code >= constant_code) {
    std::fill_n(to, count, static_cast<kind_id>(code - constant_code));
    return;
  }
  std::uint32_t numbers[chunk_size + unpack_slack];
  const auto base = read<kind_id>(at);
  unpack_bits(at + sizeof base, 0, count, code, numbers);
  for (std::uint32_t i = 0; i != count; ++i)
    to[i] = static_cast<kind_id>(base + numbers[i]);
}

/// Of 0 to 8 bytes.
std::uint64_t read_bytes(const std::byte* from, std::uint32_t bytes) noexcept {
  std::uint64_t value = 0;
  for (std::uint32_t i = 0; i != bytes; ++i)
    value |= std::to_integer<std::uint64_t>(from[i]) << (8 * i);
  return value;
}

/// The offsets of times wrap: they are the difference of any two.
timestamp_us later(timestamp_us base, std::uint64_t offset) noexcept {
  return static_cast<timestamp_us>(static_cast<std::uint64_t>(base) + offset);
}

void unpack_times(std::uint32_t count, const std::byte* at, association_times* to) noexcept {
  const std::uint32_t created_bytes = read<std::uint8_t>(at);
  const std::uint32_t kept_bytes = read<std::uint8_t>(at + 1);
  const auto created = read<timestamp_us>(at + 2);
  const auto kept = read<timestamp_us>(at + 2 + sizeof created);
  const std::byte* a = at + times_head;
  const std::byte* b = a + std::size_t{count} * created_bytes;
  for (std::uint32_t i = 0; i != count; ++i) {
    to[i].created = later(created, read_bytes(a + std::size_t{i} * created_bytes, created_bytes));
    const timestamp_us after = later(kept, read_bytes(b + std::size_t{i} * kept_bytes, kept_bytes));
    to[i].last_used = later(to[i].created, static_cast<std::uint64_t>(after));
  }
}

} // namespace

const std::byte* packed_leaf::kinds_at() const noexcept {
  const std::byte* at = properties();
  at += floats_bytes(code(1), count_, at);
  return at + floats_bytes(code(2), count_, at);
}

const std::byte* packed_leaf::times_at() const noexcept {
  return kinds_at() + kinds_bytes(code(3), count_);
}

void packed_leaf::targets(std::uint32_t* to) const noexcept {
  const std::uint32_t first = first_count();
  std::copy_n(first_targets(), first, to);
  if (first != count_)
    unpack_sums(deltas_at(), 0, count_ - first, width_of_deltas(), to[first - 1], to + first);
}

std::uint32_t packed_leaf::target(std::uint32_t i) const noexcept {
  if (i < first_max)
    return first_targets()[i];
  std::uint32_t all[unpacked_leaf::room];
  packed_leaf(leaf_, i + 1).targets(all); // those up to it are packed alike
  return all[i];
}

kind_id packed_leaf::kind(std::uint32_t i) const noexcept {
  if (code(3) >= constant_code)
    return static_cast<kind_id>(code(3) - constant_code);
  std::uint32_t numbers[8 + unpack_slack];
  const std::byte* at = kinds_at();
  unpack_bits(at + sizeof(kind_id), i / 8 * 8, i % 8 + 1, code(3), numbers);
  return static_cast<kind_id>(read<kind_id>(at) + numbers[i % 8]);
}

adjacency_chunk packed_leaf::unpack(unpacked_leaf& to, bool with_times) const noexcept {
  targets(to.targets);
  const std::byte* at = properties();
  unpack_floats(code(1), count_, at, to.confidence);
  at += floats_bytes(code(1), count_, at);
  unpack_floats(code(2), count_, at, to.weight);
  at += floats_bytes(code(2), count_, at);
  unpack_kinds(code(3), count_, at, to.kind);
  if (with_times)
    unpack_times(count_, at + kinds_bytes(code(3), count_), to.times);
  return {{to.targets, count_}, to.confidence, to.weight, to.kind, with_times ? to.times : nullptr};
}

std::size_t packed_leaf::times_bytes() const noexcept {
  const std::byte* at = times_at();
  return times_head
         + std::size_t{count_} * (read<std::uint8_t>(at) + std::size_t{read<std::uint8_t>(at + 1)});
}

std::size_t packed_leaf::bytes(bool with_times) const noexcept {
  const auto content = static_cast<std::size_t>(times_at() - leaf_);
  return (content + (with_times ? times_bytes() : 0) + 15) / 16 * 16;
}

// -- packing

std::size_t leaf_packer::plan(const adjacency_chunk& c) noexcept {
  assert(!c.targets.empty() && c.targets.size() <= chunk_size);
  assert(std::is_sorted(c.targets.begin(), c.targets.end()));
  chunk_ = c;
  const std::size_t bytes =
    packed_leaf::first_at + plan_targets() + plan_floats(c.confidence, confidence_)
    + plan_floats(c.weight, weight_) + plan_kinds() + (c.times != nullptr ? plan_times() : 0);
  return (bytes + 15) / 16 * 16;
}

std::size_t leaf_packer::plan_targets() noexcept {
  const std::uint32_t first = std::min(count(), packed_leaf::first_max);
  std::uint32_t largest = 0;
  for (std::uint32_t i = first; i < count(); ++i) {
    targets_.numbers[i - first] = chunk_.targets[i] - chunk_.targets[i - 1];
    largest = std::max(largest, targets_.numbers[i - first]);
  }
  targets_.width = packed_width(largest);
  targets_.code = static_cast<std::uint8_t>(targets_.width);
  return first * sizeof(std::uint32_t) + packed_bytes(count() - first, targets_.width);
}

// Each of these leaves `to` ready to be written and answers how many bytes that takes.

/// Not all floats are hundredths: `impossible` then.
std::size_t leaf_packer::plan_hundredths(const float* values, column& to) const noexcept {
  std::uint32_t largest = 0;
  std::uint32_t least = hundredths_max;
  for (std::uint32_t i = 0; i != count(); ++i) {
    const float n = values[i] * hundred;
    if (!(n >= 0 && n < static_cast<float>(hundredths_max)))
      return impossible;
    to.numbers[i] = static_cast<std::uint32_t>(n + 0.5F);
    if (bits_of(from_hundredths(to.numbers[i])) != bits_of(values[i]))
      return impossible;
    largest = std::max(largest, to.numbers[i]);
    least = std::min(least, to.numbers[i]);
  }
  const bool constant = least == largest && largest <= constant_hundredths_max;
  to.width = constant ? 0 : packed_width(largest);
  to.code =
    static_cast<std::uint8_t>(constant ? constant_code + largest : hundredths_code + to.width);
  return packed_bytes(count(), to.width);
}

std::size_t leaf_packer::plan_dictionary(const float* values, column& to) const noexcept {
  const auto first = to.dictionary.begin();
  std::transform(values, values + count(), first, bits_of);
  std::sort(first, first + count());
  to.entries = static_cast<std::uint32_t>(std::unique(first, first + count()) - first);
  to.width = packed_width(to.entries - 1);
  to.code = static_cast<std::uint8_t>(dictionary_code + to.width);
  for (std::uint32_t i = 0; i != count(); ++i)
    to.numbers[i] = static_cast<std::uint32_t>(
      std::lower_bound(first, first + to.entries, bits_of(values[i])) - first);
  return 1 + to.entries * sizeof(std::uint32_t) + packed_bytes(count(), to.width);
}

std::size_t leaf_packer::plan_above_base(const float* values, column& to) const noexcept {
  std::uint32_t least = bits_of(values[0]);
  std::uint32_t most = least;
  for (std::uint32_t i = 1; i != count(); ++i) {
    least = std::min(least, bits_of(values[i]));
    most = std::max(most, bits_of(values[i]));
  }
  to.base = least;
  to.width = packed_width(most - least);
  to.code = static_cast<std::uint8_t>(to.width);
  for (std::uint32_t i = 0; i != count(); ++i)
    to.numbers[i] = bits_of(values[i]) - least;
  return sizeof(std::uint32_t) + packed_bytes(count(), to.width);
}

std::size_t leaf_packer::plan_floats(const float* values, column& to) const noexcept {
  const std::size_t hundredths = plan_hundredths(values, to);
  if (hundredths == 0)
    return 0;
  const std::size_t above_base = plan_above_base(values, to);
  if (to.width == 0)
    return above_base;
  const std::size_t looked_up = plan_dictionary(values, to);
  if (looked_up < std::min(hundredths, above_base))
    return looked_up;
  return hundredths <= above_base ? plan_hundredths(values, to) : plan_above_base(values, to);
}

std::size_t leaf_packer::plan_kinds() noexcept {
  const auto [least, most] = std::minmax_element(chunk_.kind, chunk_.kind + count());
  kind_.base = *least;
  if (*least == *most && *least <= constant_kind_max) {
    kind_.width = 0;
    kind_.code = static_cast<std::uint8_t>(constant_code + *least);
    return 0;
  }
  kind_.width = packed_width(static_cast<std::uint32_t>(*most - *least));
  kind_.code = static_cast<std::uint8_t>(kind_.width);
  for (std::uint32_t i = 0; i != count(); ++i)
    kind_.numbers[i] = static_cast<std::uint32_t>(chunk_.kind[i] - *least);
  return sizeof(kind_id) + packed_bytes(count(), kind_.width);
}

namespace {

std::uint64_t difference(timestamp_us a, timestamp_us b) noexcept {
  return static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b);
}

timestamp_us kept_for(const association_times& t) noexcept {
  return static_cast<timestamp_us>(difference(t.last_used, t.created));
}

std::byte* put_bytes(std::byte* to, std::uint64_t value, std::uint32_t bytes) noexcept {
  for (std::uint32_t i = 0; i != bytes; ++i)
    *to++ = static_cast<std::byte>(value >> (8 * i));
  return to;
}

} // namespace

std::size_t leaf_packer::plan_times() noexcept {
  const auto plan_one = [this](time_column& to, auto&& value_of) {
    timestamp_us least = std::numeric_limits<timestamp_us>::max();
    timestamp_us most = std::numeric_limits<timestamp_us>::min();
    for (std::uint32_t i = 0; i != count(); ++i) {
      least = std::min(least, value_of(chunk_.times[i]));
      most = std::max(most, value_of(chunk_.times[i]));
    }
    to.base = least;
    to.bytes = static_cast<std::uint32_t>((std::bit_width(difference(most, least)) + 7) / 8);
  };
  plan_one(created_, [](const association_times& t) { return t.created; });
  plan_one(kept_, kept_for);
  return times_head + std::size_t{count()} * (created_.bytes + kept_.bytes);
}

std::byte* leaf_packer::write_numbers(const column& c, std::byte* to) const noexcept {
  pack_bits(c.numbers.data(), count(), c.width, to);
  return to + packed_bytes(count(), c.width);
}

std::byte* leaf_packer::write_floats(const column& c, std::byte* to) const noexcept {
  if (c.code >= constant_code)
    return to;
  if (c.code >= dictionary_code && c.code < hundredths_code) {
    to = put(to, static_cast<std::uint8_t>(c.entries - 1));
    std::memcpy(to, c.dictionary.data(), c.entries * sizeof(std::uint32_t));
    to += c.entries * sizeof(std::uint32_t);
  } else if (c.code < dictionary_code) {
    to = put(to, c.base);
  }
  return write_numbers(c, to);
}

void leaf_packer::write(void* leaf) const noexcept {
  auto* const begin = static_cast<std::byte*>(leaf);
  const std::array codes{targets_.code, confidence_.code, weight_.code, kind_.code};
  std::memcpy(begin + packed_leaf::codes_at, codes.data(), codes.size());
  const std::uint32_t first = std::min(count(), packed_leaf::first_max);
  std::byte* to = begin + packed_leaf::first_at;
  std::memcpy(to, chunk_.targets.data(), first * sizeof(std::uint32_t));
  to += first * sizeof(std::uint32_t);
  pack_bits(targets_.numbers.data(), count() - first, targets_.width, to);
  to += packed_bytes(count() - first, targets_.width);
  to = write_floats(confidence_, to);
  to = write_floats(weight_, to);
  if (kind_.code < constant_code)
    to = write_numbers(kind_, put(to, static_cast<kind_id>(kind_.base)));
  if (chunk_.times == nullptr)
    return;
  to = put(to, static_cast<std::uint8_t>(created_.bytes));
  to = put(to, static_cast<std::uint8_t>(kept_.bytes));
  to = put(put(to, created_.base), kept_.base);
  for (std::uint32_t i = 0; i != count(); ++i)
    to = put_bytes(to, difference(chunk_.times[i].created, created_.base), created_.bytes);
  for (std::uint32_t i = 0; i != count(); ++i)
    to = put_bytes(to, difference(kept_for(chunk_.times[i]), kept_.base), kept_.bytes);
}

} // namespace cmem
