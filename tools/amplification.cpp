#include "tools/amplification.hpp"

#include "storage/segment_writer.hpp"
#include "tools/random.hpp"

namespace cmem::tools {
namespace {

constexpr std::size_t sample_max = 1'000;
constexpr std::uint64_t sample_seed = 20'260'101;

/// Each learned concept is among them with the same probability (Vitter 1985, algorithm R).
std::vector<concept_id> sample_of(const graph_snapshot& s) {
  random_numbers random(sample_seed);
  std::vector<concept_id> chosen;
  std::uint64_t seen = 0;
  for (std::uint32_t i = 0; i != s.index_count(); ++i) {
    if (!s.is_learned(i))
      continue;
    ++seen;
    if (chosen.size() != sample_max)
      chosen.push_back(s.node(i).id);
    else if (const std::uint64_t place = random.below(seen); place < sample_max)
      chosen[static_cast<std::size_t>(place)] = s.node(i).id;
  }
  return chosen;
}

} // namespace

std::uint64_t live_bytes(const graph_snapshot& s, const std::vector<std::string>& kinds) {
  segment_plan plan;
  for (std::uint32_t i = 0; i != s.index_count(); ++i) {
    const concept_node& n = s.node(i);
    if (n.state == node_vacant)
      continue;
    segment_entry_size size;
    size.list = s.out(i).size();
    const concept_view v = s.at(i);
    if (const auto attributes = v.encoded_attributes(); !v.name().empty() || !attributes.empty())
      size.extras = sizeof(node_extras) + v.name().size() + attributes.size();
    if (n.state == node_learned) {
      size.content = v.content().size();
      size.vector = v.vector().bytes();
    } else if (size.list == 0 && size.extras == 0) {
      continue; // nothing but the end of others' associations: it has no record
    }
    plan.add(size);
  }
  return plan.concepts() == 0 ? 0 : segment_file_bytes(plan, kinds);
}

std::optional<double> write_amplification(const write_totals& t) noexcept {
  if (t.learned_bytes == 0)
    return std::nullopt;
  return static_cast<double>(t.log_bytes + t.flushed_bytes + t.compacted_bytes)
         / static_cast<double>(t.learned_bytes);
}

result<std::optional<double>> read_amplification(const cold_reader& from, const graph_snapshot& s) {
  std::uint64_t searched = 0;
  std::uint64_t found = 0;
  for (const concept_id& id : sample_of(s)) {
    const auto before = from.counted();
    if (const auto done = from.outgoing(id); !done) // all that get() looks for, without the content
      return done.error();
    const auto after = from.counted();
    if (after.found == before.found)
      continue; // the log alone has it
    ++found;
    searched += after.passed - before.passed;
  }
  if (found == 0)
    return std::optional<double>();
  return std::optional(static_cast<double>(searched) / static_cast<double>(found));
}

} // namespace cmem::tools
