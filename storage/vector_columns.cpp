#include "storage/vector_columns.hpp"

#include <atomic>

namespace cmem {

vector_slots::vector_slots(std::uint32_t vector_dimension)
  : dimension(vector_dimension), stride(code_stride(vector_dimension)), codes(stride) {}

std::uint64_t vector_slots::bytes(std::uint32_t slots, std::uint32_t indices) const noexcept {
  const std::uint64_t of_slot =
    stride + 3 * sizeof(float) + sizeof(double) + sizeof(std::uint64_t) + 2 * sizeof(std::uint32_t);
  return slots * of_slot + indices * std::uint64_t{sizeof(std::uint32_t)};
}

std::uint32_t vector_columns::slot_of(std::uint32_t index) const noexcept {
  if (index >= indices_)
    return slot_none;
  // Acquire: pairs with the release of take(), for a slot beyond these, and which was before it.
  const std::atomic_ref<std::uint32_t> newest(shared_->newest[index]);
  std::uint32_t slot = newest.load(std::memory_order_acquire) - 1;
  while (slot != slot_none && slot >= slots_)
    slot = before(slot);
  return slot;
}

vector_columns_builder::vector_columns_builder(std::uint32_t dimension)
  : shared_(std::make_shared<vector_slots>(dimension)) {}

void vector_columns_builder::set_live(std::uint32_t index, bool live) {
  if (is_live_[index] == live)
    return;
  is_live_[index] = live;
  live_ += live ? 1U : ~0U;
}

bool vector_columns_builder::take(const graph_snapshot& s, std::uint32_t index) {
  const bool known = index < indices_ && shared_->newest[index] != 0;
  const bool learned = index < s.index_count() && s.is_learned(index);
  const stored_vector vector = learned ? s.at(index).vector() : stored_vector();
  if (vector.empty()) {
    if (known)
      set_live(index, false);
    return false;
  }
  const concept_node& node = s.node(index);
  const std::uint32_t last = known ? shared_->newest[index] - 1 : vector_columns::slot_none;
  if (known && shared_->versions[last] == node.payload_version) {
    set_live(index, true);
    return false;
  }
  reserve(index + 1);
  const quantized_vector form = quantize(vector.read(room_), shared_->codes.at(slots_));
  append(index, node.payload_version, node.confidence, last + 1, form);
  set_live(index, true);
  return true;
}

void vector_columns_builder::restore(const graph_snapshot& s, std::uint32_t index,
                                     const quantized_vector& form, const std::int8_t* codes) {
  reserve(index == nobody ? 0 : index + 1);
  std::copy_n(codes, shared_->stride, shared_->codes.at(slots_));
  if (index == nobody) {
    append(nobody, 0, 0.0F, 0, form);
    return;
  }
  if (const std::uint32_t older = shared_->newest[index]; older != 0)
    shared_->owners[older - 1] = nobody;
  const concept_node& node = s.node(index);
  append(index, node.payload_version, node.confidence, 0, form);
  set_live(index, true);
}

void vector_columns_builder::append(std::uint32_t owner, std::uint64_t version, float confidence,
                                    std::uint32_t before, const quantized_vector& form) noexcept {
  vector_slots& to = *shared_;
  to.unit_scales[slots_] = form.unit_scale;
  to.unit_residuals[slots_] = form.unit_residual;
  to.norms[slots_] = form.norm;
  to.confidences[slots_] = confidence;
  to.owners[slots_] = owner;
  to.versions[slots_] = version;
  to.before[slots_] = before;
  // Release: pairs with slot_of(). (Only this thread writes it, so reading it before was no race.)
  if (owner != nobody)
    std::atomic_ref<std::uint32_t>(to.newest[owner]).store(slots_ + 1, std::memory_order_release);
  ++slots_;
  if (constexpr auto group = vector_columns::confidence_group; slots_ % group == 0) {
    const float* some = to.confidences.at(slots_ - group);
    to.confidence_maxima[slots_ / group - 1] = *std::max_element(some, some + group);
  }
}

/// Room for one more slot, of one of the concepts below `indices`.
void vector_columns_builder::reserve(std::uint32_t indices) {
  if (slots_ == vector_columns::slot_none - 1)
    throw std::bad_alloc();
  vector_slots& to = *shared_;
  to.codes.reserve(slots_ + 1);
  to.unit_scales.reserve(slots_ + 1);
  to.unit_residuals.reserve(slots_ + 1);
  to.norms.reserve(slots_ + 1);
  to.confidences.reserve(slots_ + 1);
  to.confidence_maxima.reserve(slots_ / vector_columns::confidence_group + 1);
  to.owners.reserve(slots_ + 1);
  to.versions.reserve(slots_ + 1);
  to.before.reserve(slots_ + 1);
  to.newest.reserve(indices);
  if (indices > is_live_.size())
    is_live_.resize(indices);
  indices_ = std::max(indices_, indices);
}

std::shared_ptr<const vector_columns> vector_columns_builder::publish() const {
  return std::make_shared<const vector_columns>(shared_, slots_, indices_);
}

} // namespace cmem
