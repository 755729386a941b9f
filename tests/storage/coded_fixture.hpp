#pragma once
// Segments of many short vectors, and compactions that code them.

#include "storage/compaction.hpp"
#include "tests/storage/segment_fixture.hpp"

#include <cmath>
#include <random>

namespace cmem::test {

/// Vectors around one of several points, or in all directions; without std::normal_distribution.
class some_vectors {
public:
  static constexpr std::size_t dimension = 32; // 8 parts at 4 x, none at 8 x

  static constexpr std::uint32_t everywhere = ~std::uint32_t{0};

  explicit some_vectors(std::uint32_t seed, std::uint32_t cluster = 0)
    : random_(seed), spread_(cluster == everywhere ? 1.0F : 0.1F) {
    if (cluster == everywhere)
      return;
    std::mt19937 center(cluster + 1'000);
    for (float& x : center_)
      x = 2.0F * unit(center);
  }
  std::vector<float> next() {
    std::vector<float> v(center_.begin(), center_.end());
    for (float& x : v)
      x += spread_ * unit(random_);
    return v;
  }

private:
  static float unit(std::mt19937& r) { return static_cast<float>(r() % 20'001) / 10'000.0F - 1.0F; }
  std::mt19937 random_;
  float spread_;
  std::array<float, dimension> center_{};
};

/// Enough of them is few, and training short.
inline vector_coding_options quick_coding(bool keep_originals = false) {
  vector_coding_options o;
  o.keep_originals = keep_originals;
  o.rounds = 2;
  o.vectors_min = 300;
  return o;
}

struct coded_store {
  using vectors = std::map<concept_id, std::vector<float>>;

  std::shared_ptr<fault_env> disk = new_disk();
  env e{disk};
  std::uint64_t next_number = 1;

  /// A segment of these concepts; an empty vector: it has none.
  segment_ref write(const vectors& all, std::string_view content = "content") {
    segment_plan plan;
    std::vector<segment_entry> entries;
    for (const auto& [id, v] : all) {
      segment_entry& r = entries.emplace_back();
      r.id = id;
      r.flags = segment_concept::learned;
      r.confidence = 0.5F;
      r.content = std::as_bytes(std::span(content));
      r.vector = v;
      plan.add(r, 0);
    }
    return write(entries, plan);
  }
  segment_ref write(const std::vector<segment_entry>& entries, const segment_plan& plan) {
    segment_identity i = identity(next_number++);
    i.vector_dimension = some_vectors::dimension;
    auto w = segment_writer::create(e, "/s", i, plan);
    REQUIRE(w);
    for (const segment_entry& r : entries)
      REQUIRE(w->add(r));
    return need(w->finish());
  }
  /// These become forgotten.
  segment_ref forget(const std::vector<concept_id>& ids) {
    segment_plan plan;
    std::vector<segment_entry> entries;
    for (const concept_id& id : ids) {
      segment_entry& r = entries.emplace_back();
      r.id = id;
      r.flags = segment_concept::forgotten;
      plan.add(r, 0);
    }
    return write(entries, plan);
  }
  compaction_job job(std::vector<segment_ref> run, const vector_coding_options& how) {
    return {"/s", 0xC0FFEE, std::move(run), next_number, true, how};
  }
  result<std::optional<segment_ref>> try_merge(const compaction_job& j,
                                               std::uint64_t step = ~std::uint64_t{0}) {
    auto c = compaction::start(e, j);
    if (!c)
      return c.error();
    for (;;) {
      const auto done = c->step(step);
      if (!done)
        return done.error();
      if (*done)
        return c->made();
    }
  }
  segment_ref merge(std::vector<segment_ref> run, const vector_coding_options& how = quick_coding(),
                    std::uint64_t step = ~std::uint64_t{0}) {
    const auto made = need(try_merge(job(std::move(run), how), step));
    ++next_number;
    const auto r = open(*made);
    REQUIRE(need(r.verify()) == made->bytes);
    return *made;
  }
  segment_reader open(const segment_ref& ref) const {
    return need(segment_reader::open(e, "/s", ref, 0xC0FFEE));
  }
  [[nodiscard]] std::vector<std::byte> bytes(const segment_ref& ref) const {
    return disk->content("/s/" + segment_file_name(ref.number));
  }
};

/// Concepts from `first` on.
inline coded_store::vectors vectors_of(std::uint64_t first, std::size_t count,
                                       std::uint32_t cluster = 0) {
  coded_store::vectors all;
  some_vectors some(static_cast<std::uint32_t>(first + 1), cluster);
  for (std::uint64_t i = first; i != first + count; ++i)
    all[cid(i)] = some.next();
  return all;
}

/// What a segment reads.
inline coded_store::vectors vectors_in(const segment_reader& in) {
  coded_store::vectors all;
  std::vector<float> room;
  for (std::uint64_t i = 0; i != in.concept_count(); ++i) {
    const segment_concept& c = *need(in.at(i));
    const auto v = need(in.vector(c)).read(room);
    all[c.id] = {v.begin(), v.end()};
  }
  return all;
}

/// How many of its vectors are codes.
inline std::size_t codes_in(const segment_reader& in) {
  std::size_t coded = 0;
  for (std::uint64_t i = 0; i != in.concept_count(); ++i)
    coded += need(in.vector(*need(in.at(i)))).coded() ? 1U : 0U;
  return coded;
}

/// What the codes of a codebook say of vectors.
inline coded_store::vectors as_codes_say(const vector_codebook& book, coded_store::vectors all) {
  std::vector<std::uint8_t> codes(book.parts());
  for (auto& [id, v] : all)
    if (!v.empty())
      book.decode(codes.data(), book.encode(v, codes.data()).norm, v);
  return all;
}

} // namespace cmem::test
