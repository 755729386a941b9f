#include "storage/format_version.hpp"
#include "storage/vector_graph_check.hpp"
#include "storage/vector_index_file.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>

namespace cmem {

namespace {

constexpr std::uint32_t slots_at_once = 4096;

failure damaged(const std::string& path, std::uint64_t offset, std::string_view what) {
  std::string text = path + " is corrupt at offset " + std::to_string(offset) + ": ";
  return {errc::corrupt,
          text.append(what).append("; no data is lost: remove the file, and it is made again")};
}

/// The file, once header and table of checksums were found right. Threads: one.
class index_input {
public:
  static result<index_input> open(const env& e, const std::string& path) {
    auto opened = e.open(path, open_mode::read);
    if (!opened)
      return opened.error();
    const auto bytes = opened->size();
    if (!bytes)
      return bytes.error();
    vector_index_header h;
    if (*bytes < sizeof h)
      return damaged(path, *bytes, "it ends before its header does");
    if (auto done = opened->read_all_at(std::as_writable_bytes(std::span(&h, 1)), 0); !done)
      return done.error();
    if (h.magic != vector_index_magic)
      return damaged(path, 0, "it does not begin as an index of vectors");
    if (h.version > vector_index_version && h.checksum == sealed(h).checksum)
      return newer_format(path, h.version, vector_index_version);
    if (h.version != vector_index_version)
      return damaged(path, 0, "the header has a version that there never was");
    if (const std::string_view fault = fault_of(h, *bytes); !fault.empty())
      return damaged(path, 0, fault);
    const segment_extent& table = h.at(vector_section::checksums);
    std::vector<std::uint64_t> sums(static_cast<std::size_t>(table.bytes / 8));
    if (auto done = opened->read_all_at(std::as_writable_bytes(std::span(sums)), table.offset);
        !done)
      return done.error();
    if (segment_checksum(std::as_bytes(std::span(sums))) != h.table_checksum)
      return damaged(path, table.offset, "the table of checksums fails its own");
    return index_input(std::move(*opened), h, std::move(sums));
  }

  [[nodiscard]] const vector_index_header& header() const noexcept { return header_; }
  [[nodiscard]] const std::string& path() const noexcept { return from_.path(); }
  [[nodiscard]] failure corrupt(vector_section s, std::string_view what) const {
    return damaged(path(), header_.at(s).offset, what);
  }
  /// Before each piece: false, a failure of `closed`.
  void watch(const std::function<bool()>& stop,
             const std::function<void(std::uint64_t)>& on_bytes) {
    stop_ = stop;
    on_bytes_ = on_bytes;
  }

  /// From the beginning of that section.
  void begin(vector_section s) noexcept {
    section_ = header_.at(s);
    piece_.clear();
    used_ = 0;
    next_ = 0;
    first_sum_ = 0;
    for (std::size_t i = 0; i != static_cast<std::size_t>(s); ++i)
      first_sum_ += segment_pieces(header_.sections[i].bytes);
  }
  /// The next ones of the section. Precondition: it has so many left.
  template <class T>
  result<void> get(T* into, std::size_t count) {
    return get(std::as_writable_bytes(std::span(into, count)));
  }

private:
  index_input(file from, const vector_index_header& h, std::vector<std::uint64_t> sums)
    : from_(std::move(from)), header_(h), sums_(std::move(sums)) {}

  result<void> get(std::span<std::byte> into) {
    while (!into.empty()) {
      if (used_ == piece_.size())
        if (auto done = fill(); !done)
          return done;
      const std::size_t step = std::min(into.size(), piece_.size() - used_);
      std::memcpy(into.data(), piece_.data() + used_, step);
      used_ += step;
      into = into.subspan(step);
    }
    return {};
  }
  result<void> fill() {
    if (stop_ && stop_())
      return failure{errc::closed, path() + " was not read to its end: the memory was closed"};
    const std::uint64_t from = next_ * segment_block_bytes;
    assert(from < section_.bytes);
    piece_.resize(static_cast<std::size_t>(
      std::min<std::uint64_t>(segment_block_bytes, section_.bytes - from)));
    used_ = 0;
    if (auto done = from_.read_all_at(piece_, section_.offset + from); !done)
      return done;
    if (segment_checksum(piece_) != sums_[static_cast<std::size_t>(first_sum_ + next_)])
      return damaged(path(), section_.offset + from,
                     std::to_string(piece_.size()) + " bytes fail their checksum");
    if (on_bytes_)
      on_bytes_(piece_.size());
    ++next_;
    return {};
  }

  file from_;
  vector_index_header header_;      // const
  std::vector<std::uint64_t> sums_; // const
  std::function<bool()> stop_;
  std::function<void(std::uint64_t)> on_bytes_;
  segment_extent section_;
  std::vector<std::byte> piece_; // of the section
  std::size_t used_ = 0;         // of the piece
  std::uint64_t next_ = 0;       // piece to read
  std::uint64_t first_sum_ = 0;  // of the section
};

result<void> get_items(index_input& in, vector_section s, growing_array<std::uint32_t>& items,
                       std::uint32_t count, std::size_t width) {
  items.reserve(count);
  in.begin(s);
  for (std::uint32_t first = 0; first < count;) {
    const auto some = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(growing_array<std::uint32_t>::run_of(first), count - first));
    if (auto done = in.get(items.at(first), some * width); !done)
      return done;
    first += some;
  }
  return {};
}

result<graph_links> get_links(index_input& in) {
  const vector_index_header& h = in.header();
  graph_links l(h.neighbors);
  l.slots = h.graph_slots;
  l.upper_rows = h.upper_rows;
  l.entry = h.entry;
  l.top = h.top;
  if (auto done = get_items(in, vector_section::rows, l.base, l.slots, l.width(0)); !done)
    return done.error();
  if (auto done = get_items(in, vector_section::first_upper, l.first_upper, l.slots, 1); !done)
    return done.error();
  if (auto done = get_items(in, vector_section::twins, l.twins, l.slots, 1); !done)
    return done.error();
  if (auto done = get_items(in, vector_section::upper, l.upper, l.upper_rows, l.width(1)); !done)
    return done.error();
  if (const std::string_view fault = fault_of(l); !fault.empty())
    return in.corrupt(vector_section::rows, fault);
  return l;
}

/// Which concept of a snapshot each slot has the vector of; index_none: none.
constexpr std::uint32_t index_none = vector_columns_builder::nobody;

result<std::vector<std::uint32_t>> get_owners(index_input& in, const graph_snapshot& s) {
  const std::uint32_t slots = in.header().slots;
  std::vector<std::uint32_t> owners(slots, index_none);
  std::vector<concept_id> ids(std::min(slots, slots_at_once));
  in.begin(vector_section::ids);
  for (std::uint32_t first = 0; first != slots;) {
    const std::uint32_t some = std::min(slots_at_once, slots - first);
    if (auto done = in.get(ids.data(), some); !done)
      return done.error();
    for (std::uint32_t i = 0; i != some; ++i)
      if (const auto index = s.index_of(ids[i]); index && s.is_learned(*index))
        owners[first + i] = *index;
    first += some;
  }
  std::vector<std::uint64_t> hashes(std::min(slots, slots_at_once));
  std::vector<float> room;
  in.begin(vector_section::hashes);
  for (std::uint32_t first = 0; first != slots;) {
    const std::uint32_t some = std::min(slots_at_once, slots - first);
    if (auto done = in.get(hashes.data(), some); !done)
      return done.error();
    for (std::uint32_t i = 0; i != some; ++i) {
      constexpr std::uint32_t ahead = 8;
      if (i + ahead < some && owners[first + i + ahead] != index_none)
        s.prefetch_payloads(owners[first + i + ahead]);
      std::uint32_t& owner = owners[first + i];
      if (owner == index_none)
        continue;
      const stored_vector vector = s.at(owner).vector();
      if (vector.empty() || segment_checksum(std::as_bytes(vector.read(room))) != hashes[i])
        owner = index_none;
    }
    first += some;
  }
  return owners;
}

bool is_form(const vector_slot_form& f) noexcept {
  return std::isfinite(f.unit_scale) && f.unit_scale >= 0 && std::isfinite(f.unit_residual)
         && f.unit_residual >= 0 && std::isfinite(f.norm) && f.norm >= 0;
}

result<std::vector<vector_slot_form>> get_forms(index_input& in) {
  std::vector<vector_slot_form> forms(in.header().slots);
  in.begin(vector_section::forms);
  if (auto done = in.get(forms.data(), forms.size()); !done)
    return done.error();
  if (!std::all_of(forms.begin(), forms.end(), is_form))
    return in.corrupt(vector_section::forms, "a slot has a length that none can have");
  return forms;
}

/// Verifies them too: -128 is no code, and kernels do without it.
result<void> get_codes(index_input& in,
                       const std::function<void(std::uint32_t, const std::int8_t*)>& take) {
  const vector_index_header& h = in.header();
  std::vector<std::int8_t> codes(code_stride(h.dimension)); // zeros behind the components
  in.begin(vector_section::codes);
  for (std::uint32_t slot = 0; slot != h.slots; ++slot) {
    if (auto done = in.get(codes.data(), h.dimension); !done)
      return done;
    if (std::find(codes.begin(), codes.end(), std::int8_t{-128}) != codes.end())
      return in.corrupt(vector_section::codes, "a component has a code that none can have");
    take(slot, codes.data());
  }
  return {};
}

} // namespace

result<stored_vectors> read_vector_index(const env& e, const std::string& directory,
                                         const graph_snapshot& s, vector_metric metric,
                                         const std::function<bool()>& stop) {
  auto in = index_input::open(e, directory + "/" + std::string(vector_index_name));
  if (!in)
    return in.error();
  in->watch(stop, {});
  const vector_index_header& h = in->header();
  if (h.dimension != s.vector_dimension())
    return damaged(in->path(), 0,
                   "its vectors have " + std::to_string(h.dimension)
                     + " components, and the store's " + std::to_string(s.vector_dimension()));
  const auto owners = get_owners(*in, s);
  if (!owners)
    return owners.error();
  const auto forms = get_forms(*in);
  if (!forms)
    return forms.error();
  stored_vectors read{vector_columns_builder(h.dimension), std::nullopt};
  auto done = get_codes(*in, [&](std::uint32_t slot, const std::int8_t* codes) {
    const vector_slot_form& f = (*forms)[slot];
    read.columns.restore(s, (*owners)[slot], {f.unit_scale, f.unit_residual, f.norm}, codes);
  });
  if (!done)
    return done.error();
  if (h.neighbors != 0 && h.metric == static_cast<std::uint32_t>(metric)) {
    auto links = get_links(*in);
    if (!links)
      return links.error();
    read.links.emplace(std::move(*links));
  }
  return read;
}

result<vector_index_header> read_vector_index_header(const env& e, const std::string& path) {
  const auto in = index_input::open(e, path);
  if (!in)
    return in.error();
  return in->header();
}

result<vector_index_header> verify_vector_index(
  const env& e, const std::string& path, const std::function<void(std::uint64_t)>& on_bytes) {
  auto in = index_input::open(e, path);
  if (!in)
    return in.error();
  in->watch({}, on_bytes);
  const vector_index_header& h = in->header();
  if (on_bytes)
    on_bytes(sizeof h + h.at(vector_section::checksums).bytes);
  std::vector<std::byte> some(segment_block_bytes);
  for (const vector_section s : {vector_section::ids, vector_section::hashes}) {
    in->begin(s);
    for (std::uint64_t left = h.at(s).bytes; left != 0;) {
      const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(left, some.size()));
      if (auto done = in->get(some.data(), step); !done)
        return done.error();
      left -= step;
    }
  }
  if (const auto forms = get_forms(*in); !forms)
    return forms.error();
  if (auto done = get_codes(*in, [](std::uint32_t, const std::int8_t*) {}); !done)
    return done.error();
  if (h.neighbors != 0)
    if (const auto links = get_links(*in); !links)
      return links.error();
  return h;
}

} // namespace cmem
