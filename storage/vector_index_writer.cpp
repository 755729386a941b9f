#include "storage/section_stream.hpp"
#include "storage/vector_index_file.hpp"

#include <algorithm>
#include <cassert>

namespace cmem {

namespace {

constexpr std::uint64_t sync_bytes = std::uint64_t{8} << 20;
constexpr std::uint32_t slots_at_once = 4096;

/// One file on its way. Threads: one.
class index_output {
public:
  index_output(file to, const vector_index_header& h, const graph_snapshot& s,
               const vector_index& index, const vector_index_writing& how)
    : to_(std::move(to)), header_(h), s_(s), columns_(*index.columns), how_(how) {
    if (index.graph != nullptr && h.neighbors != 0)
      links_ = &index.graph->links();
  }

  result<void> write() {
    const std::uint64_t bytes = header_.at(vector_section::checksums).end();
    // What is spare was there, and serves others from here on.
    if (auto done = to_.preallocate(bytes + how_.spare_bytes); !done)
      return done;
    if (auto done = to_.truncate(bytes); !done)
      return done;
    for (const auto part : {&index_output::put_owners, &index_output::put_forms,
                            &index_output::put_codes, &index_output::put_graph})
      if (auto done = (this->*part)(); !done)
        return done;
    const auto table = std::as_bytes(std::span(table_));
    header_.table_checksum = segment_checksum(table);
    header_ = sealed(header_);
    if (auto done = to_.write_at(table, header_.at(vector_section::checksums).offset); !done)
      return done;
    if (auto done = to_.write_at(std::as_bytes(std::span(&header_, 1)), 0); !done)
      return done;
    return to_.sync();
  }

private:
  [[nodiscard]] section_stream stream(vector_section s) const {
    return section_stream(header_.at(s));
  }
  result<void> finish(section_stream& section) {
    if (auto done = section.finish(to_); !done)
      return done;
    table_.insert(table_.end(), section.checksums().begin(), section.checksums().end());
    return {};
  }
  /// Between pieces of work.
  result<void> rest(const section_stream& section) {
    if (how_.stop && how_.stop())
      return failure{errc::closed, "the index of vectors was not written: the memory was closed"};
    if (section.offset() < synced_ + sync_bytes)
      return {};
    synced_ = section.offset();
    return to_.sync();
  }
  /// `put` appends to a section what slots [first, end) have in it.
  template <class F>
  result<void> put_slots(vector_section s, F put) {
    section_stream section = stream(s);
    for (std::uint32_t first = 0; first < columns_.slots();) {
      const std::uint32_t end = first + std::min(slots_at_once, columns_.slots() - first);
      if (auto done = put(section, first, end); !done)
        return done;
      if (auto done = rest(section); !done)
        return done;
      first = end;
    }
    return finish(section);
  }

  result<void> put_owners() {
    std::vector<std::uint64_t> hashes(columns_.slots());
    std::vector<concept_id> ids;
    auto done = put_slots(
      vector_section::ids, [&](section_stream& to, std::uint32_t first, std::uint32_t end) {
        ids.clear();
        for (std::uint32_t slot = first; slot != end; ++slot) {
          const bool current = columns_.is_current(s_, slot);
          ids.push_back(current ? s_.node(columns_.owner(slot)).id : concept_id{});
          if (current)
            hashes[slot] =
              segment_checksum(std::as_bytes(s_.at(columns_.owner(slot)).vector().read(room_)));
        }
        return to.put(to_, std::as_bytes(std::span(ids)));
      });
    if (!done)
      return done;
    section_stream section = stream(vector_section::hashes);
    if (done = section.put(to_, std::as_bytes(std::span(hashes))); !done)
      return done;
    return finish(section);
  }

  result<void> put_forms() {
    std::vector<vector_slot_form> forms;
    return put_slots(vector_section::forms,
                     [&](section_stream& to, std::uint32_t first, std::uint32_t end) {
                       forms.clear();
                       for (std::uint32_t slot = first; slot != end; ++slot)
                         forms.push_back({columns_.unit_scale(slot), columns_.unit_residual(slot),
                                          columns_.norm(slot)});
                       return to.put(to_, std::as_bytes(std::span(forms)));
                     });
  }

  result<void> put_codes() {
    return put_slots(vector_section::codes,
                     [&](section_stream& to, std::uint32_t first, std::uint32_t end) {
                       result<void> done;
                       for (std::uint32_t slot = first; done && slot != end; ++slot)
                         done = to.put(to_, columns_.codes(slot), columns_.dimension());
                       return done;
                     });
  }

  result<void> put_graph() {
    if (links_ == nullptr)
      return {};
    const graph_links& l = *links_;
    for (const auto& [section, items, count, width] :
         {graph_part{vector_section::rows, &l.base, l.slots, l.width(0)},
          graph_part{vector_section::first_upper, &l.first_upper, l.slots, 1},
          graph_part{vector_section::twins, &l.twins, l.slots, 1},
          graph_part{vector_section::upper, &l.upper, l.upper_rows, l.width(1)}})
      if (auto done = put_items(section, *items, count, width); !done)
        return done;
    return {};
  }
  struct graph_part {
    vector_section section;
    const growing_array<std::uint32_t>* items;
    std::uint32_t count;
    std::size_t width;
  };
  result<void> put_items(vector_section s, const growing_array<std::uint32_t>& items,
                         std::uint32_t count, std::size_t width) {
    section_stream section = stream(s);
    for (std::uint32_t first = 0; first < count;) {
      const std::uint64_t together = growing_array<std::uint32_t>::run_of(first);
      const auto some = static_cast<std::uint32_t>(
        std::min<std::uint64_t>({together, count - first, slots_at_once}));
      if (auto done = section.put(to_, items.at(first), some * width * sizeof(std::uint32_t));
          !done)
        return done;
      if (auto done = rest(section); !done)
        return done;
      first += some;
    }
    return finish(section);
  }

  file to_;
  vector_index_header header_;
  const graph_snapshot& s_;
  const vector_columns& columns_;
  const graph_links* links_ = nullptr; // none
  const vector_index_writing& how_;
  std::vector<std::uint64_t> table_;
  std::vector<float> room_;
  std::uint64_t synced_ = 0; // up to here
};

vector_index_header header_of(std::uint64_t store, const vector_index& index) noexcept {
  vector_index_header h;
  h.store = store;
  h.dimension = index.columns->dimension();
  h.slots = index.columns->slots();
  if (index.graph != nullptr) {
    const graph_links& l = index.graph->links();
    h.metric = static_cast<std::uint32_t>(index.graph->metric());
    h.neighbors = l.neighbors;
    h.graph_slots = l.slots;
    h.upper_rows = l.upper_rows;
    h.entry = l.entry;
    h.top = l.top;
  }
  return laid_out(h);
}

} // namespace

result<std::uint64_t> write_vector_index(const env& e, const std::string& directory,
                                         std::uint64_t store, const graph_snapshot& s,
                                         const vector_index& index,
                                         const vector_index_writing& how) {
  const vector_index_header h = header_of(store, index);
  const std::string draft = directory + "/" + std::string(vector_index_draft);
  auto opened = e.open(draft, open_mode::create);
  if (!opened)
    return opened.error();
  auto done = opened->truncate(0); // what a crash left
  if (done)
    done = index_output(std::move(*opened), h, s, index, how).write();
  if (done)
    done = e.rename(draft, directory + "/" + std::string(vector_index_name));
  if (!done) {
    (void) e.remove(draft); // for the space; else the next opening does it
    return done.error();
  }
  if (done = e.sync_directory(directory); !done)
    return done.error();
  return h.at(vector_section::checksums).end();
}

} // namespace cmem
