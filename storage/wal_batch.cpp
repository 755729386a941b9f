#include "storage/wal_batch.hpp"

#include "storage/attribute_codec.hpp"
#include "storage/limits.hpp"

#include <cassert>
#include <cstring>
#include <limits>
#include <utility>

namespace cmem {

namespace {

constexpr unsigned op_bits = 0x0F;
constexpr unsigned named_a = 0x10;
constexpr unsigned named_b = 0x20;
constexpr unsigned several = 0x40;
constexpr std::uint64_t number_bytes_max = 10; // of 64 bits

constexpr std::uint64_t zigzag(std::int64_t n) noexcept {
  return (static_cast<std::uint64_t>(n) << 1) ^ static_cast<std::uint64_t>(n >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t n) noexcept {
  return static_cast<std::int64_t>((n >> 1) ^ (0 - (n & 1)));
}
// Clocks may be set to anything: distances wrap, and come back by wrapping again.
constexpr std::int64_t distance(timestamp_us from, timestamp_us to) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(to)
                                   - static_cast<std::uint64_t>(from));
}
constexpr timestamp_us moved(timestamp_us from, std::int64_t by) noexcept {
  return static_cast<timestamp_us>(static_cast<std::uint64_t>(from)
                                   + static_cast<std::uint64_t>(by));
}

constexpr bool on_association(entry_op o) noexcept {
  return o == entry_op::learn_association || o == entry_op::strengthen_association
         || o == entry_op::record_use || o == entry_op::forget_association;
}

struct measure {
  static constexpr std::uint64_t fixed = 1 + 2 * sizeof(concept_id) + 8 * number_bytes_max + 16;

  std::uint64_t operator()(const op::learn_concept& o) const noexcept {
    return fixed + o.id.name.size() + o.content.size() + o.vector.size_bytes();
  }
  std::uint64_t operator()(const op::set_attributes& o) const noexcept {
    std::uint64_t n = fixed + o.id.name.size();
    for (const attribute_update& u : o.attributes)
      n += 2 * number_bytes_max + u.key.size() + (u.value ? u.value->size() : 0);
    return n;
  }
  template <class Op>
  std::uint64_t operator()(const Op& o) const noexcept {
    if constexpr (requires { o.source; })
      return fixed + o.source.name.size() + o.target.name.size();
    else
      return fixed + o.id.name.size();
  }
};

} // namespace

std::uint64_t encoded_bytes_max(const write_op& o) noexcept { return std::visit(measure{}, o); }

// -- writing

wal_batch_encoder::wal_batch_encoder(const payload_pool& pool, timestamp_us time,
                                     std::vector<std::byte> buffer)
  : pool_(&pool), last_time_(time), out_(std::move(buffer)) {
  head_.time = time;
  out_.clear();
  put(&head_, sizeof(head_)); // filled in by finish()
}

void wal_batch_encoder::put(const void* from, std::size_t bytes) {
  const auto* first = static_cast<const std::byte*>(from);
  out_.insert(out_.end(), first, first + bytes);
}

void wal_batch_encoder::put_number(std::uint64_t n) {
  for (; n >= 0x80; n >>= 7)
    out_.push_back(static_cast<std::byte>(n | 0x80));
  out_.push_back(static_cast<std::byte>(n));
}

void wal_batch_encoder::put_text(handle h) {
  if (h == 0) {
    put_number(0);
    return;
  }
  const const_bytes bytes = pool_->bytes(h);
  put_number(bytes.size());
  put(bytes.data(), bytes.size());
}

void wal_batch_encoder::put_attributes(handle h) {
  attribute_reader all(h == 0 ? const_bytes() : pool_->bytes(h));
  put_number(all.count());
  for (attribute_update u; all.next(u);) {
    put_number(u.key.size());
    put(u.key.data(), u.key.size());
    put_number(u.value ? u.value->size() + 1 : 0);
    if (u.value)
      put(u.value->data(), u.value->size());
  }
}

void wal_batch_encoder::add(const named_kind& kind) {
  assert(head_.groups == 0);
  put_number(kind.id);
  put_number(kind.name.size());
  put(kind.name.data(), kind.name.size());
  ++head_.kinds;
}

void wal_batch_encoder::add(const write_entry& first) {
  for (const write_entry* e = &first;;) {
    add_entry(*e, e == &first ? first.batch_count : 0);
    if (e->next == 0)
      break;
    e = reinterpret_cast<const write_entry*>(pool_->data(e->next));
  }
  head_.entries += first.batch_count;
  ++head_.groups;
}

void wal_batch_encoder::add_entry(const write_entry& e, std::uint32_t count) {
  const bool association = on_association(e.op);
  const entry_op did = e.op == entry_op::forget_if_due ? entry_op::forget_concept : e.op;
  out_.push_back(static_cast<std::byte>(static_cast<unsigned>(did) | (e.name_a != 0 ? named_a : 0U)
                                        | (association && e.name_b != 0 ? named_b : 0U)
                                        | (count > 1 ? several : 0U)));
  if (count > 1)
    put_number(count);
  put_number(zigzag(distance(last_time_, e.time)));
  last_time_ = e.time;
  put(&e.a, sizeof(e.a));
  if (association) {
    put(&e.b, sizeof(e.b));
    put_number(e.kind);
  }
  if (e.name_a != 0)
    put_text(e.name_a);
  if (association && e.name_b != 0)
    put_text(e.name_b);
  add_body(e);
}

void wal_batch_encoder::add_body(const write_entry& e) {
  switch (e.op) {
    case entry_op::learn_concept: {
      put(&e.x, sizeof(e.x));
      put(&e.y, sizeof(e.y));
      put_text(e.content);
      const const_bytes vector = e.vector == 0 ? const_bytes() : pool_->bytes(e.vector);
      put_number(vector.size() / sizeof(float));
      put(vector.data(), vector.size());
      return;
    }
    case entry_op::learn_association:
      put(&e.x, sizeof(e.x));
      put(&e.y, sizeof(e.y));
      return;
    case entry_op::strengthen:
    case entry_op::strengthen_association: put(&e.x, sizeof(e.x)); return;
    case entry_op::set_attributes: put_attributes(e.attributes); return;
    case entry_op::record_access:
    case entry_op::record_use:
    case entry_op::forget_concept:
    case entry_op::forget_if_due:
    case entry_op::forget_association: return;
  }
  assert(false);
}

std::vector<std::byte> wal_batch_encoder::finish() && {
  std::memcpy(out_.data(), &head_, sizeof(head_));
  return std::move(out_);
}

// -- reading

failure wal_batch_decoder::corrupt(const char* what) const {
  return {errc::corrupt, "byte " + std::to_string(all_.size() - left_.size())
                           + " of the record's payload: " + what};
}

const_bytes wal_batch_decoder::take(std::uint64_t bytes) noexcept {
  if (bytes > left_.size()) {
    short_ = true;
    return {};
  }
  const const_bytes taken = left_.first(static_cast<std::size_t>(bytes));
  left_ = left_.subspan(taken.size());
  return taken;
}

template <class T>
T wal_batch_decoder::take_as() noexcept {
  T value{};
  if (const const_bytes from = take(sizeof(T)); !from.empty())
    std::memcpy(&value, from.data(), sizeof(T));
  return value;
}

std::uint64_t wal_batch_decoder::number() noexcept {
  std::uint64_t n = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const auto byte = take_as<std::uint8_t>();
    n |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80)
      return n;
  }
  short_ = true;
  return 0;
}

std::string_view wal_batch_decoder::text() noexcept {
  const const_bytes bytes = take(number());
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

result<wal_batch_decoder> wal_batch_decoder::open(const_bytes payload) {
  wal_batch_decoder d(payload);
  d.head_ = d.take_as<wal_batch_head>();
  if (d.short_)
    return d.corrupt("it ends within its head");
  if (d.head_.reserved != 0 || d.head_.groups > d.head_.entries)
    return d.corrupt("its head contradicts itself");
  d.kinds_left_ = d.head_.kinds;
  d.groups_left_ = d.head_.groups;
  d.last_time_ = d.head_.time;
  return d;
}

result<bool> wal_batch_decoder::next(named_kind& out) {
  if (kinds_left_ == 0)
    return false;
  --kinds_left_;
  const std::uint64_t id = number();
  out.name = text();
  if (short_ || id >= kinds_max)
    return corrupt("no kind can be read there");
  out.id = static_cast<kind_id>(id);
  return true;
}

result<bool> wal_batch_decoder::next(entry& out) {
  assert(kinds_left_ == 0);
  if (members_left_ == 0 && groups_left_ == 0) {
    if (!left_.empty())
      return corrupt("bytes follow the last entry");
    return false;
  }
  const auto head = take_as<std::uint8_t>();
  const auto what = static_cast<entry_op>(head & op_bits);
  const bool association = on_association(what);
  if (what > entry_op::forget_association || (head & 0x80U) != 0
      || (!association && (head & named_b) != 0))
    return corrupt("no entry begins there");
  if (members_left_ != 0) {
    if ((head & several) != 0)
      return corrupt("a batch begins within a batch");
    --members_left_;
    out.count = 0;
  } else {
    --groups_left_;
    const std::uint64_t count = (head & several) != 0 ? number() : 1;
    if (((head & several) != 0 && count < 2) || count > head_.entries)
      return corrupt("a batch of an impossible size");
    out.count = static_cast<std::uint32_t>(count);
    members_left_ = out.count - 1;
  }
  out.time = last_time_ = moved(last_time_, unzigzag(number()));
  concept_ref a = take_as<concept_id>();
  concept_ref b = association ? take_as<concept_id>() : concept_id{};
  const std::uint64_t kind = association ? number() : 0;
  if ((head & named_a) != 0)
    a.name = text();
  if ((head & named_b) != 0)
    b.name = text();
  if (kind >= kinds_max)
    return corrupt("an impossible kind");
  out.op = body(what, a, b, static_cast<kind_id>(kind));
  if (short_)
    return corrupt("an entry ends too early");
  if (++entries_seen_ > head_.entries)
    return corrupt("more entries than its head says");
  return true;
}

write_op wal_batch_decoder::body(entry_op what, const concept_ref& a, const concept_ref& b,
                                 kind_id kind) {
  switch (what) {
    case entry_op::learn_concept: return concept_body(a);
    case entry_op::learn_association: {
      const auto confidence = take_as<float>();
      return op::learn_association{a, b, kind, confidence, take_as<float>()};
    }
    case entry_op::strengthen: return op::strengthen{a, take_as<float>()};
    case entry_op::strengthen_association:
      return op::strengthen_association{a, b, kind, take_as<float>()};
    case entry_op::record_access: return op::record_access{a};
    case entry_op::record_use: return op::record_use{a, b, kind};
    case entry_op::set_attributes: return attributes_body(a);
    case entry_op::forget_concept: return op::forget_concept{a};
    case entry_op::forget_association:
    case entry_op::forget_if_due: break; // refused above
  }
  return op::forget_association{a, b, kind};
}

op::learn_concept wal_batch_decoder::concept_body(const concept_ref& a) {
  op::learn_concept o{a};
  o.strength = take_as<float>();
  o.confidence = take_as<float>();
  o.content = text();
  const std::uint64_t dimension = number();
  if (dimension > vector_dimension_max) {
    short_ = true;
    return o;
  }
  const const_bytes vector = take(dimension * sizeof(float));
  vector_.resize(vector.size() / sizeof(float));
  if (!vector.empty())
    std::memcpy(vector_.data(), vector.data(), vector.size());
  o.vector = vector_;
  return o;
}

op::set_attributes wal_batch_decoder::attributes_body(const concept_ref& a) {
  attributes_.clear();
  const std::uint64_t count = number();
  if (count > attributes_max) {
    short_ = true;
    return {a};
  }
  for (std::uint64_t i = 0; i != count && !short_; ++i) {
    const std::string_view key = text();
    const std::uint64_t value_bytes = number();
    if (value_bytes == 0) {
      attributes_.push_back({key, std::nullopt});
      continue;
    }
    const const_bytes value = take(value_bytes - 1);
    attributes_.push_back(
      {key, std::string_view(reinterpret_cast<const char*>(value.data()), value.size())});
  }
  return {a, attributes_};
}

} // namespace cmem
