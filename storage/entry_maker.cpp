#include "storage/entry_maker.hpp"

#include "storage/attribute_codec.hpp"

#include <cstring>
#include <new>

namespace cmem {

namespace {

/// Fills one entry. `complete` turns false when a payload found no block.
class entry_filler {
public:
  entry_filler(payload_pool& pool, write_entry& e) noexcept : pool_(pool), e_(e) {}

  void operator()(const op::learn_concept& o) noexcept {
    concept_is(entry_op::learn_concept, o.id);
    e_.x = o.strength;
    e_.y = o.confidence;
    e_.content = copy(o.content.data(), o.content.size());
    e_.vector = copy(o.vector.data(), o.vector.size_bytes());
  }
  void operator()(const op::learn_association& o) noexcept {
    association_is(entry_op::learn_association, o);
    e_.x = o.confidence;
    e_.y = o.weight;
  }
  void operator()(const op::strengthen& o) noexcept {
    concept_is(entry_op::strengthen, o.id);
    e_.x = o.delta;
  }
  void operator()(const op::strengthen_association& o) noexcept {
    association_is(entry_op::strengthen_association, o);
    e_.x = o.delta;
  }
  void operator()(const op::record_access& o) noexcept {
    concept_is(entry_op::record_access, o.id);
  }
  void operator()(const op::record_use& o) noexcept { association_is(entry_op::record_use, o); }
  void operator()(const op::set_attributes& o) noexcept {
    concept_is(entry_op::set_attributes, o.id);
    if (o.attributes.empty())
      return;
    const std::size_t bytes = encoded_attribute_bytes(o.attributes);
    e_.attributes = block(bytes);
    if (e_.attributes != 0)
      encode_attributes(o.attributes, {pool_.data(e_.attributes), bytes});
  }
  void operator()(const op::forget_concept& o) noexcept {
    concept_is(entry_op::forget_concept, o.id);
  }
  void operator()(const op::forget_if_due& o) noexcept {
    concept_is(entry_op::forget_if_due, o.id);
    put_rules(e_, o.rules);
  }
  void operator()(const op::forget_association& o) noexcept {
    association_is(entry_op::forget_association, o);
  }

  [[nodiscard]] bool complete() const noexcept { return complete_; }

private:
  void concept_is(entry_op op, const concept_ref& ref) noexcept {
    e_.op = op;
    e_.a = ref.id;
    e_.name_a = copy(ref.name.data(), ref.name.size());
  }
  template <class Op>
  void association_is(entry_op op, const Op& o) noexcept {
    concept_is(op, o.source);
    e_.b = o.target.id;
    e_.name_b = copy(o.target.name.data(), o.target.name.size());
    e_.kind = o.kind;
  }
  handle block(std::size_t bytes) noexcept {
    const handle h = pool_.allocate(bytes);
    complete_ = complete_ && h != 0;
    return h;
  }
  handle copy(const void* from, std::size_t bytes) noexcept {
    if (bytes == 0)
      return 0;
    const handle h = block(bytes);
    if (h != 0)
      std::memcpy(pool_.data(h), from, bytes);
    return h;
  }

  payload_pool& pool_;
  write_entry& e_;
  bool complete_ = true;
};

} // namespace

template <class Op>
handle make_entry(payload_pool& pool, const Op& o, const entry_stamp& stamp) noexcept {
  const handle h = pool.allocate(entry_bytes);
  if (h == 0)
    return 0;
  auto& e = *new (pool.data(h)) write_entry{};
  e.number = stamp.number;
  e.time = stamp.time;
  e.writer = stamp.writer;
  e.batch_count = 1;
  entry_filler fill(pool, e);
  if constexpr (std::is_same_v<Op, write_op>)
    std::visit(fill, o);
  else
    fill(o);
  if (fill.complete())
    return h;
  for_each_block(pool, h, [&](handle b) { pool.release(b); });
  return 0;
}

template handle make_entry(payload_pool&, const op::learn_concept&, const entry_stamp&) noexcept;
template handle make_entry(payload_pool&, const op::learn_association&,
                           const entry_stamp&) noexcept;
template handle make_entry(payload_pool&, const op::strengthen&, const entry_stamp&) noexcept;
template handle make_entry(payload_pool&, const op::strengthen_association&,
                           const entry_stamp&) noexcept;
template handle make_entry(payload_pool&, const op::record_access&, const entry_stamp&) noexcept;
template handle make_entry(payload_pool&, const op::record_use&, const entry_stamp&) noexcept;
template handle make_entry(payload_pool&, const op::set_attributes&, const entry_stamp&) noexcept;
template handle make_entry(payload_pool&, const op::forget_concept&, const entry_stamp&) noexcept;
template handle make_entry(payload_pool&, const op::forget_association&,
                           const entry_stamp&) noexcept;
template handle make_entry(payload_pool&, const op::forget_if_due&, const entry_stamp&) noexcept;
template handle make_entry(payload_pool&, const write_op&, const entry_stamp&) noexcept;

} // namespace cmem
