#include "storage/vector_columns.hpp"

#include <atomic>

namespace cmem {

vector_slots::vector_slots(std::uint32_t vector_dimension)
  : dimension(vector_dimension), stride(code_stride(vector_dimension)), codes(stride) {}

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

std::uint64_t vector_columns::bytes() const noexcept {
  const std::uint64_t of_slot = stride() + 3 * sizeof(float) + sizeof(double)
                                + sizeof(std::uint64_t) + 2 * sizeof(std::uint32_t);
  return slots_ * of_slot + indices_ * std::uint64_t{sizeof(std::uint32_t)};
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
  vector_slots& to = *shared_;
  reserve(index);
  const quantized_vector form = quantize(vector.read(room_), to.codes.at(slots_));
  to.unit_scales[slots_] = form.unit_scale;
  to.unit_residuals[slots_] = form.unit_residual;
  to.norms[slots_] = form.norm;
  to.confidences[slots_] = node.confidence;
  to.owners[slots_] = index;
  to.versions[slots_] = node.payload_version;
  to.before[slots_] = last + 1;
  // Release: pairs with slot_of(). (Only this thread writes it, so reading it above was no race.)
  std::atomic_ref<std::uint32_t>(to.newest[index]).store(slots_ + 1, std::memory_order_release);
  ++slots_;
  if (constexpr auto group = vector_columns::confidence_group; slots_ % group == 0) {
    const float* some = to.confidences.at(slots_ - group);
    to.confidence_maxima[slots_ / group - 1] = *std::max_element(some, some + group);
  }
  set_live(index, true);
  return true;
}

void vector_columns_builder::reserve(std::uint32_t index) {
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
  to.newest.reserve(index + 1);
  if (index >= is_live_.size())
    is_live_.resize(std::size_t{index} + 1);
  indices_ = std::max(indices_, index + 1);
}

std::shared_ptr<const vector_columns> vector_columns_builder::publish() const {
  return std::make_shared<const vector_columns>(shared_, slots_, indices_);
}

} // namespace cmem
