#include "tools/jsonl_line.hpp"

#include <algorithm>
#include <limits>
#include <unordered_map>

namespace cmem::tools {
namespace {

/// Ids in order of their first sight; sorted into learned ones and mere ends when all is read.
class collector {
public:
  result<void> add(data_concept c) {
    if (!c.vector.empty()) {
      const auto dimension = static_cast<std::uint32_t>(c.vector.size());
      if (out_.vector_dimension == 0)
        out_.vector_dimension = dimension;
      if (out_.vector_dimension != dimension)
        return bad("\"vector\" has " + std::to_string(dimension) + " numbers, the first one had "
                   + std::to_string(out_.vector_dimension) + ": all must have as many");
    }
    const std::uint32_t index = index_of({c.id, c.name});
    if (learned_[index])
      return bad("concept \"" + (c.name.empty() ? c.id.hex() : c.name)
                 + "\" is there already: ids must differ");
    learned_[index] = true;
    c.name = std::move(found_[index].name);
    found_[index] = std::move(c);
    return {};
  }

  result<void> add(line_association a) {
    data_association d;
    d.confidence = a.confidence;
    d.weight = a.weight;
    const auto [at, added] =
      kinds_.try_emplace(std::move(a.kind), static_cast<std::uint16_t>(out_.kinds.size()));
    if (added) {
      if (out_.kinds.size() == std::numeric_limits<std::uint16_t>::max())
        return bad("too many kinds");
      out_.kinds.push_back(at->first);
    }
    d.kind = at->second;
    d.source = index_of(std::move(a.source));
    d.target = index_of(std::move(a.target));
    out_.associations.push_back(d);
    return {};
  }

  dataset finish() && {
    // Concepts to learn first, each part in its order; associations follow them to their new
    // places.
    std::vector<std::uint32_t> place(found_.size());
    std::uint32_t next = 0;
    for (const bool learned : {true, false})
      for (std::size_t i = 0; i < found_.size(); ++i)
        if (learned_[i] == learned)
          place[i] = next++;
    out_.concepts.resize(found_.size());
    for (std::size_t i = 0; i < found_.size(); ++i)
      out_.concepts[place[i]] = std::move(found_[i]);
    out_.learnable = static_cast<std::size_t>(std::count(learned_.begin(), learned_.end(), true));
    for (auto& a : out_.associations) {
      a.source = place[a.source];
      a.target = place[a.target];
    }
    return std::move(out_);
  }

private:
  static failure bad(std::string what) { return {errc::parse_error, std::move(what)}; }

  std::uint32_t index_of(line_end end) {
    const auto [at, added] = index_.try_emplace(end.id, static_cast<std::uint32_t>(found_.size()));
    if (added) {
      found_.emplace_back().id = end.id;
      learned_.push_back(false);
    }
    auto& name = found_[at->second].name;
    if (name.empty())
      name = std::move(end.name);
    return at->second;
  }

  dataset out_;
  std::vector<data_concept> found_;
  std::vector<bool> learned_; // parallel to found_
  std::unordered_map<concept_id, std::uint32_t> index_;
  std::unordered_map<std::string, std::uint16_t> kinds_;
};

} // namespace

result<dataset> read_jsonl(std::istream& in, const std::string& file) {
  collector all;
  std::string text;
  std::size_t number = 0;
  while (std::getline(in, text)) {
    ++number;
    if (text.find_first_not_of(" \t\r") == std::string::npos)
      continue;
    auto item = parse_line(text);
    const auto added = item ? std::visit([&](auto& i) { return all.add(std::move(i)); }, *item)
                            : result<void>(item.error());
    if (!added)
      return failure{errc::parse_error,
                     file + ":" + std::to_string(number) + ": " + added.error().detail};
  }
  if (in.bad())
    return failure{errc::io_error, file + ": reading stopped after line " + std::to_string(number)};
  dataset d = std::move(all).finish();
  d.title = file;
  if (d.learnable == 0)
    return failure{errc::parse_error, file + ": has no concepts: add lines of type \"concept\""};
  return d;
}

} // namespace cmem::tools
