#include "storage/vector_index_keeper.hpp"

#include "storage/vector_graph_builder.hpp"

#include <algorithm>
#include <utility>

namespace cmem {

vector_index_keeper::vector_index_keeper(vector_index_place place) : place_(std::move(place)) {}

result<std::optional<stored_vectors>> vector_index_keeper::read(const graph_snapshot& s,
                                                                vector_metric metric,
                                                                const std::function<bool()>& stop) {
  if (std::exchange(was_read_, true))
    return std::optional<stored_vectors>();
  may_be_good_ = true; // also if this throws
  auto read = read_vector_index(place_.files, place_.directory, s, metric, stop);
  const errc failed = read ? errc::ok : read.error().code;
  may_be_good_ =
    !read && failed != errc::not_found && failed != errc::corrupt && failed != errc::unsupported;
  if (failed == errc::not_found)
    return std::optional<stored_vectors>();
  if (!read)
    return read.error();
  if (read->links && read->links->neighbors != vector_graph_options().neighbors)
    read->links.reset(); // none that a builder goes on with
  stored_ = {0, read->links ? read->links->slots : 0, read->columns.publish()->lineage()};
  tried_ = stored_;
  return std::optional(std::move(*read));
}

std::uint64_t vector_index_keeper::new_since(const state& before, const vector_index& index,
                                             std::uint64_t taken) noexcept {
  const std::uint32_t graph_slots = index.graph->slots();
  if (before.lineage.lock() != index.columns->lineage())
    return graph_slots;
  const std::uint64_t grown = graph_slots - std::min(graph_slots, before.graph_slots);
  return std::max(taken - before.taken, grown);
}

bool vector_index_keeper::is_time(const vector_index& index, const progress& p) const noexcept {
  if (place_.read_only || index.graph == nullptr || (may_be_good_ && !p.complete))
    return false;
  const std::uint64_t slots = index.columns->slots();
  if (p.last)
    return new_since(stored_, index, p.taken) > slots / 16;
  if (p.complete)
    return new_since(tried_, index, p.taken) >= slots / 2;
  return index.graph->slots() >= std::max(
           slots / 4, 2 * std::uint64_t{std::max(stored_.graph_slots, tried_.graph_slots)});
}

result<bool> vector_index_keeper::write(const graph_snapshot& s, const vector_index& index,
                                        const progress& p, const std::function<bool()>& stop) {
  if (!is_time(index, p))
    return false;
  const auto written = write_vector_index(place_.files, place_.directory, place_.store, s, index,
                                          {place_.spare_bytes, stop});
  if (!written && written.error().code == errc::closed)
    return written.error();
  tried_ = {p.taken, index.graph->slots(), index.columns->lineage()};
  if (!written)
    return written.error();
  stored_ = tried_;
  may_be_good_ = false;
  return true;
}

} // namespace cmem
