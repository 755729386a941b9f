#pragma once
// Graphs that go into segments, the disk they go to, and what is read back.

#include "storage/segment_reader.hpp"
#include "storage/segment_snapshot.hpp"
#include "tests/fault_env.hpp"
#include "tests/storage/builder_fixture.hpp"

#include <cstring>
#include <filesystem>
#include <map>
#include <unistd.h>

namespace cmem::test {

inline const std::vector<std::string> kind_names{"semantic", "causal", "temporal", "hierarchical",
                                                 "compositional"};

inline concept_id named(const std::string& name) { return concept_id::from_name(name); }

/// A folder of its own on a real disk, gone afterwards.
struct real_folder {
  std::string path;

  real_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "cmem_segment_XXXXXX").string();
    path = ::mkdtemp(name.data()) != nullptr ? name : "";
    REQUIRE_FALSE(path.empty());
  }
  real_folder(const real_folder&) = delete;
  real_folder& operator=(const real_folder&) = delete;
  ~real_folder() { std::filesystem::remove_all(path); }
};

/// A graph that random operations change, over names c0, c1, … and a few ids without a name.
class random_graph {
public:
  static constexpr std::uint32_t dimension = 3;

  random_graph(std::uint64_t seed, std::size_t names, bool times = true)
    : random_(seed),
      names_(names),
      graph_({.vector_dimension = dimension, .association_times = times}, std::size_t{256} << 20) {}

  /// Random writes, published together.
  void change(std::size_t writes) {
    for (std::size_t i = 0; i != writes; ++i)
      write();
    (void) graph_.publish(); // some are not applied: what they name is not there
  }
  builder_fixture& graph() { return graph_; }
  [[nodiscard]] const graph_snapshot& newest() const { return graph_.newest(); }
  splitmix& random() { return random_; }
  [[nodiscard]] concept_id id(std::size_t n) const {
    return n % 5 == 4 ? cid(n) : named("c" + std::to_string(n));
  }
  [[nodiscard]] std::size_t names() const { return names_; }

private:
  void write() {
    const std::size_t n = random_.below(names_);
    const std::string a = "c" + std::to_string(n);
    const concept_ref source = n % 5 == 4 ? concept_ref(cid(n)) : concept_ref(a);
    const std::size_t m = random_.below(names_);
    const std::string b = "c" + std::to_string(m);
    const concept_ref target = m % 5 == 4 ? concept_ref(cid(m)) : concept_ref(b);
    const auto kind = static_cast<kind_id>(random_.below(kind_names.size()));
    const auto share = static_cast<float>(random_.below(101)) / 100.0F;
    ++graph_.now;
    switch (random_.below(16)) {
      case 0:
      case 1:
      case 2:
      case 3: {
        const std::string content(random_.one_in(4) ? 0 : random_.below(200), 'x');
        const float v[dimension] = {share, 1, 2};
        graph_.write(op::learn_concept{
          source, content, random_.one_in(2) ? std::span<const float>(v) : std::span<const float>(),
          share, share});
        break;
      }
      case 4: graph_.write(op::strengthen{source, share}); break;
      case 5: graph_.write(op::record_access{source}); break;
      case 6: {
        const std::string value(random_.below(20), 'v');
        write_attribute(source,
                        random_.one_in(4) ? std::nullopt : std::optional<std::string_view>(value));
        break;
      }
      case 7: graph_.write(op::forget_concept{source}); break;
      case 8: graph_.write(op::forget_association{source, target, kind}); break;
      case 9: graph_.write(op::record_use{source, target, kind}); break;
      default: graph_.write(op::learn_association{source, target, kind, share, share}); break;
    }
  }
  void write_attribute(const concept_ref& source, std::optional<std::string_view> value) {
    static constexpr std::string_view keys[] = {"colour", "language", "size"};
    const attribute_update updates[] = {{keys[random_.below(3)], value}};
    graph_.write(op::set_attributes{source, updates});
  }

  splitmix random_;
  std::size_t names_; // const
  builder_fixture graph_;
};

inline std::string describe(const association_record& a) {
  return a.target.hex() + "/" + std::to_string(a.kind) + "/" + std::to_string(a.confidence) + "/"
         + std::to_string(a.weight) + "/" + std::to_string(a.created) + "/"
         + std::to_string(a.last_used);
}

/// What is known of an id, in one line.
inline std::string describe(const concept_record& r, std::vector<std::string> associations,
                            bool learned) {
  std::string text = r.id.hex() + (learned ? " " : " placeholder ") + r.name + " [" + r.content
                     + "] " + std::to_string(r.strength) + " " + std::to_string(r.confidence) + " "
                     + std::to_string(r.created) + " " + std::to_string(r.last_accessed) + " "
                     + std::to_string(r.access_count) + " (";
  for (const float x : r.vector)
    text += std::to_string(x) + ",";
  text += ")";
  for (const auto& [key, value] : r.attributes)
    text.append(" ").append(key).append("=").append(value);
  std::sort(associations.begin(), associations.end());
  for (const std::string& a : associations)
    text.append(" ->").append(a);
  return text;
}

inline std::string describe(const graph_snapshot& s, std::uint32_t index) {
  std::vector<std::string> out;
  s.out(index).for_each_chunk([&](const adjacency_chunk& c) {
    for (std::size_t j = 0; j != c.targets.size(); ++j)
      out.push_back(describe({s.node(index).id, s.node(c.targets[j]).id, c.kind[j], c.confidence[j],
                              c.weight[j], c.times_of(j).created, c.times_of(j).last_used}));
  });
  return describe(s.at(index).copy(), std::move(out), s.is_learned(index));
}

template <class T>
const T& need(const result<T>& r) {
  if (!r)
    FAIL(to_string(r.error()));
  return *r;
}
template <class T>
T need(result<T>&& r) {
  if (!r)
    FAIL(to_string(r.error()));
  return *std::move(r);
}

inline std::vector<std::string> describe_associations(std::span<const segment_association> list) {
  std::vector<std::string> out;
  for (const segment_association& a : list)
    out.push_back(
      describe({a.source, a.target, a.kind, a.confidence, a.weight, a.created, a.last_used}));
  return out;
}

/// The same from a record that leaves nothing to older segments.
inline std::string describe(const segment_reader& r, const segment_concept& c) {
  concept_record out;
  out.id = c.id;
  const auto content = need(r.content(c));
  const auto vector = need(r.vector(c));
  const auto extras = need(r.extras(c));
  out.content = content;
  std::vector<float> room;
  const std::span<const float> floats = vector.read(room);
  out.vector.assign(floats.begin(), floats.end());
  out.name = extras.name;
  attribute_reader attributes(extras.attributes);
  for (attribute_update a; attributes.next(a);)
    out.attributes.emplace_back(a.key, *a.value);
  out.strength = c.strength;
  out.confidence = c.confidence;
  out.created = c.created;
  out.last_accessed = c.last_accessed;
  out.access_count = c.access_count;
  return describe(out, describe_associations(need(r.associations(c))),
                  c.has(segment_concept::learned));
}

/// Every record that a whole segment of the snapshot has.
inline std::map<concept_id, std::string> describe(const graph_snapshot& s) {
  std::map<concept_id, std::string> all;
  for (const segment_change& c : all_of(s))
    all[c.id] = describe(s, c.index);
  return all;
}

inline segment_identity identity(std::uint64_t number, std::uint64_t store = 0xC0FFEE) {
  segment_identity i;
  i.store = store;
  i.number = number;
  i.first_sequence = 1;
  i.kinds = kind_names;
  return i;
}

inline std::shared_ptr<fault_env> new_disk(std::uint64_t seed = 1) {
  auto faults = std::make_shared<fault_env>(seed);
  const env e(faults);
  REQUIRE(e.make_directory("/s"));
  REQUIRE(e.sync_directory("/"));
  return faults;
}

/// Checksums that fit what the bytes have become: damage that only the checks of content can see.
inline void reseal(std::vector<std::byte>& bytes) {
  segment_header h;
  std::memcpy(&h, bytes.data(), sizeof h);
  std::vector<std::uint64_t> table;
  for (std::size_t s = 0; s != segment_checked_sections; ++s)
    for (std::uint64_t p = 0; p != segment_pieces(h.sections[s].bytes); ++p) {
      const std::uint64_t from = p * segment_block_bytes;
      table.push_back(segment_checksum(
        const_bytes(bytes).subspan(static_cast<std::size_t>(h.sections[s].offset + from),
                                   static_cast<std::size_t>(std::min<std::uint64_t>(
                                     segment_block_bytes, h.sections[s].bytes - from)))));
    }
  const auto sums = std::as_bytes(std::span(table));
  REQUIRE(sums.size() == h.at(segment_section::checksums).bytes);
  std::ranges::copy(sums, bytes.begin()
                            + static_cast<std::ptrdiff_t>(h.at(segment_section::checksums).offset));
  h.table_checksum = segment_checksum(sums);
  h = sealed(h);
  std::memcpy(bytes.data(), &h, sizeof h);
}

/// One learned concept with all that it can have, one association, one that was forgotten.
inline std::vector<std::byte> example_segment() {
  const auto faults = new_disk();
  segment_entry cat;
  const float v[] = {1.0F, 0.5F};
  const attribute_update colour[] = {{"colour", "red"}};
  std::array<std::byte, 64> attributes{};
  cat.id = concept_id::from_name("cat");
  cat.flags = segment_concept::learned;
  cat.created = 1'000;
  cat.last_accessed = 2'000;
  cat.strength = 2.0F;
  cat.confidence = 0.5F;
  cat.access_count = 3;
  cat.content = std::as_bytes(std::span(std::string_view("purrs")));
  cat.vector = v;
  cat.name = "cat";
  cat.attributes = const_bytes(attributes).first(encode_attributes(colour, attributes));
  segment_entry dog;
  dog.id = concept_id::from_name("dog");
  dog.flags = segment_concept::forgotten;
  REQUIRE(cat.id < dog.id);
  segment_plan plan;
  plan.add(cat, 1);
  plan.add(dog, 0);
  auto i = identity(7, 0x1122'3344'5566'7788);
  i.first_sequence = 5;
  i.last_sequence = 9;
  i.timestamp = 4'096;
  i.vector_dimension = 2;
  i.kinds = {"semantic", "causal"};
  auto w = segment_writer::create(env(faults), "/s", i, plan);
  REQUIRE(w);
  REQUIRE(w->add(cat));
  REQUIRE(w->add(association_record{cat.id, dog.id, kinds::causal, 0.25F, 4.0F, 1, 2}));
  REQUIRE(w->add(dog));
  REQUIRE(w->finish());
  return faults->content("/s/segment-7.cmseg");
}

} // namespace cmem::test
