#include "messages/frame.hpp"
#include "messages/wire_fields.hpp"
#include "messages/wire_types.hpp"
#include "storage/limits.hpp"

#include <cassert>
#include <limits>
#include <ostream>
#include <stdexcept>
#include <string>

namespace cmem::wire {

namespace {

/// How a concept is named: its id is that of its name, or stands there, or both.
enum class naming : std::uint8_t { by_id, by_name, by_both };

void save(writer& out, const concept_ref& c) {
  const naming how = c.name.empty()                          ? naming::by_id
                     : concept_id::from_name(c.name) == c.id ? naming::by_name
                                                             : naming::by_both;
  save_enum(out, how);
  if (how != naming::by_name)
    save(out, c.id);
  if (how != naming::by_id)
    save_text(out, c.name);
}
concept_ref load_concept(reader& in) {
  const naming how = load_enum(in, naming::by_both, "way to name a concept");
  concept_id id;
  if (how != naming::by_name)
    load(in, id);
  if (how == naming::by_id)
    return id;
  const std::string_view name = load_view(in, name_bytes_max, "a name");
  if (name.empty())
    throw std::runtime_error("a name is empty");
  return how == naming::by_name ? concept_ref(name) : concept_ref(id, name);
}

enum class op_type : std::uint8_t {
  learn_concept,
  learn_association,
  strengthen,
  strengthen_association,
  record_access,
  record_use,
  set_attributes,
  forget_concept,
  forget_association,
};
static_assert(
  std::variant_size_v<write_op> == static_cast<std::size_t>(op_type::forget_association) + 1);

struct op_saver {
  writer& out;

  void operator()(const op::learn_concept& o) {
    save(out, o.id);
    save_text(out, o.content);
    save_list(out, o.vector, [&](float x) { out(x); });
    out(o.strength, o.confidence);
  }
  void operator()(const op::learn_association& o) {
    save(out, o.source);
    save(out, o.target);
    out(o.kind, o.confidence, o.weight);
  }
  void operator()(const op::strengthen& o) {
    save(out, o.id);
    out(o.delta);
  }
  void operator()(const op::strengthen_association& o) {
    save(out, o.source);
    save(out, o.target);
    out(o.kind, o.delta);
  }
  void operator()(const op::record_access& o) { save(out, o.id); }
  void operator()(const op::record_use& o) {
    save(out, o.source);
    save(out, o.target);
    out(o.kind);
  }
  void operator()(const op::set_attributes& o) {
    save(out, o.id);
    save_list(out, o.attributes, [&](const attribute_update& a) {
      save_text(out, a.key);
      save_flag(out, a.value.has_value());
      if (a.value)
        save_text(out, *a.value);
    });
  }
  void operator()(const op::forget_concept& o) { save(out, o.id); }
  void operator()(const op::forget_association& o) {
    save(out, o.source);
    save(out, o.target);
    out(o.kind);
  }
};

void save_op(writer& out, const write_op& o) {
  save_enum(out, static_cast<op_type>(o.index()));
  std::visit(op_saver{out}, o);
}

// What operations borrow must not move: the first to borrow makes room for all that can follow. A
// float is four bytes, an attribute a length and a flag at least.
constexpr std::size_t attribute_bytes_min = 9;

write_op load_learned(reader& in, writes& w) {
  const concept_ref id = load_concept(in);
  const std::string_view content = load_view(in, content_bytes_max, "content");
  const std::size_t dimension = load_size(in, vector_dimension_max, "a vector");
  if (dimension * sizeof(float) > in.bytes.left())
    throw std::runtime_error("it ends within a vector");
  if (w.floats.empty())
    w.floats.reserve(in.bytes.left() / sizeof(float));
  const std::size_t begin = w.floats.size();
  for (std::size_t i = 0; i != dimension; ++i)
    in(w.floats.emplace_back());
  op::learn_concept o{id, content, std::span(w.floats).subspan(begin)};
  in(o.strength, o.confidence);
  return o;
}

write_op load_attributes(reader& in, writes& w) {
  const concept_ref id = load_concept(in);
  const std::size_t count = load_size(in, attributes_max, "attributes");
  if (w.attributes.empty())
    w.attributes.reserve(in.bytes.left() / attribute_bytes_min);
  const std::size_t begin = w.attributes.size();
  for (std::size_t i = 0; i != count; ++i) {
    attribute_update a{load_view(in, attribute_key_bytes_max, "an attribute's key"), {}};
    if (load_flag(in))
      a.value = load_view(in, attribute_value_bytes_max, "an attribute's value");
    assert(w.attributes.size() < w.attributes.capacity());
    w.attributes.push_back(a);
  }
  return op::set_attributes{id, std::span(w.attributes).subspan(begin)};
}

write_op load_op(reader& in, writes& w) {
  const auto what = load_enum(in, op_type::forget_association, "operation");
  switch (what) {
    case op_type::learn_concept: return load_learned(in, w);
    case op_type::set_attributes: return load_attributes(in, w);
    default: break;
  }
  const concept_ref a = load_concept(in);
  float x = 0.0F;
  if (what == op_type::strengthen) {
    in(x);
    return op::strengthen{a, x};
  }
  if (what == op_type::record_access)
    return op::record_access{a};
  if (what == op_type::forget_concept)
    return op::forget_concept{a};
  const concept_ref b = load_concept(in);
  kind_id kind = 0;
  in(kind);
  if (what == op_type::record_use)
    return op::record_use{a, b, kind};
  if (what == op_type::forget_association)
    return op::forget_association{a, b, kind};
  in(x);
  if (what == op_type::strengthen_association)
    return op::strengthen_association{a, b, kind, x};
  float weight = 0.0F;
  in(weight);
  return op::learn_association{a, b, kind, x, weight};
}

void save_numbers(writer& out, std::uint64_t first, bool as_batch) {
  out(first);
  save_flag(out, as_batch);
}

} // namespace

void save(writer& out, const writes& m) {
  assert(m.first != 0 && !m.ops.empty());
  save_numbers(out, m.first, m.as_batch);
  for (const write_op& o : m.ops)
    save_op(out, o);
}
void load(reader& in, writes& m) {
  in(m.first);
  m.as_batch = load_flag(in);
  while (in.bytes.left() != 0)
    m.ops.push_back(load_op(in, m));
  if (m.ops.empty())
    throw std::runtime_error("there is no operation in it");
  if (m.first == 0 || m.first > std::numeric_limits<std::uint64_t>::max() - m.ops.size())
    throw std::runtime_error("no write has the number " + std::to_string(m.first));
}

// -- writes_encoder

struct writes_encoder::stream {
  explicit stream(std::vector<char>& frame) : buffer(frame), bytes(&buffer), out(bytes) {}

  archive::append_buffer buffer;
  std::ostream bytes;
  writer out;
};

writes_encoder::writes_encoder(std::uint64_t first, bool as_batch) {
  (void) begin_frame(frame_);
  stream_ = std::make_unique<stream>(frame_);
  stream_->out(type_of<writes>);
  save_numbers(stream_->out, first, as_batch);
}

writes_encoder::~writes_encoder() = default;

void writes_encoder::add(const write_op& o) {
  last_begins_ = frame_.size();
  save_op(stream_->out, o);
  ++count_;
}

void writes_encoder::drop_last() {
  assert(count_ != 0 && last_begins_ != 0);
  frame_.resize(last_begins_);
  last_begins_ = 0;
  --count_;
}

std::size_t writes_encoder::payload_bytes() const noexcept {
  return frame_.size() - frame_header_bytes;
}

std::vector<char> writes_encoder::finish() && {
  assert(count_ != 0);
  stream_.reset();
  const auto done = end_frame(frame_, 0, frame_bytes_max);
  assert(done);
  (void) done;
  return std::move(frame_);
}

} // namespace cmem::wire
