#include "tools/dataset.hpp"

#include "tools/random.hpp"
#include "tools/wordnet.hpp"

#include <cmath>
#include <fstream>

namespace cmem::tools {
namespace {

result<dataset> load_wordnet(const std::string& folder) {
  auto read = read_wordnet(folder.empty() ? std::string(wordnet_folder_default) : folder);
  if (!read)
    return read.error();
  wordnet& w = *read;
  dataset d;
  d.title = "WordNet";
  d.concepts.reserve(w.synsets.size());
  for (auto& s : w.synsets) {
    data_concept c;
    for (const auto& word : s.words)
      c.content += (c.content.empty() ? "" : ", ") + word;
    c.content += ": " + s.gloss;
    c.id = concept_id::from_name(s.name);
    c.name = std::move(s.name);
    d.concepts.push_back(std::move(c));
  }
  d.learnable = d.concepts.size();
  d.associations.reserve(w.pointers.size());
  for (const auto& p : w.pointers)
    d.associations.push_back({p.source, p.target, p.kind, 1.0F, 1.0F});
  for (const auto& kind : wordnet_kinds)
    d.kinds.emplace_back(kind.name);
  return d;
}

} // namespace

dataset make_synthetic(const data_spec& spec) {
  random_numbers random(spec.seed);
  dataset d;
  d.title = "synthetic";
  d.kinds = {"semantic", "causal", "temporal", "hierarchical", "compositional"};
  d.concepts.resize(spec.concepts);
  d.learnable = d.concepts.size();
  for (std::size_t i = 0; i < d.concepts.size(); ++i) {
    auto& c = d.concepts[i];
    c.id = concept_id::from_halves(spec.seed, i + 1);
    c.content.resize(spec.content_bytes);
    for (auto& letter : c.content)
      letter = static_cast<char>('a' + random.below(26));
    c.confidence = random.unit();
  }
  const auto count =
    static_cast<std::size_t>(std::llround(static_cast<double>(spec.concepts) * spec.degree));
  d.associations.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    data_association a;
    a.source = static_cast<std::uint32_t>(i * spec.concepts / count);
    const auto even = static_cast<std::uint32_t>(random.below(spec.concepts));
    a.target = random.below(2) == 0 ? even : static_cast<std::uint32_t>(random.below(even + 1ULL));
    a.kind = static_cast<std::uint16_t>(random.below(d.kinds.size()));
    a.confidence = random.unit();
    d.associations.push_back(a);
  }
  return d;
}

result<dataset> load_dataset(const data_spec& spec, const std::string& wordnet_folder) {
  switch (spec.source) {
    case data_source::wordnet: return load_wordnet(spec.path.empty() ? wordnet_folder : spec.path);
    case data_source::synthetic: return make_synthetic(spec);
    case data_source::jsonl: break;
  }
  std::ifstream in(spec.path);
  if (!in)
    return failure{errc::io_error, spec.path
                                     + ": cannot be read; `path` of [data] must name a file "
                                       "of JSON lines"};
  return read_jsonl(in, spec.path);
}

} // namespace cmem::tools
