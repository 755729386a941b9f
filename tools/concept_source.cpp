#include "tools/concept_source.hpp"

#include "tools/store_files.hpp"

namespace cmem::tools {
namespace {

class cold_source final : public concept_source {
public:
  cold_source(cold_reader from, std::unique_ptr<kind_registry> kinds)
    : from_(std::move(from)), kinds_(std::move(kinds)) {}

  result<std::optional<concept_record>> get(const concept_id& id) const override {
    return from_.get(id);
  }
  result<std::uint64_t> outgoing(const concept_id& id) const override { return from_.outgoing(id); }
  result<std::vector<found_neighbor>> neighbors(const concept_id& id, direction d,
                                                const neighbor_filter& f) const override {
    if (d != direction::outgoing)
      return failure{errc::unsupported, "segments have associations by their source alone"};
    const auto list = from_.neighbors(id, f);
    if (!list)
      return list.error();
    std::vector<found_neighbor> all;
    for (const association_record& a : *list) {
      auto name = from_.name(a.target);
      if (!name)
        return name.error();
      if (!kinds_->contains(a.kind))
        return failure{errc::corrupt, "an association of " + id.hex() + " has kind "
                                        + std::to_string(a.kind) + ", which MANIFEST lacks"};
      all.push_back(
        {a.target, std::move(*name), std::string(kinds_->name_of(a.kind)), a.confidence, a.weight});
    }
    return all;
  }
  [[nodiscard]] const kind_registry& kinds() const noexcept override { return *kinds_; }

private:
  const cold_reader from_;
  const std::unique_ptr<kind_registry> kinds_;
};

class graph_source final : public concept_source {
public:
  explicit graph_source(std::unique_ptr<concurrent_memory> from)
    : from_(std::move(from)), snapshot_(from_->share()) {}

  result<std::optional<concept_record>> get(const concept_id& id) const override {
    const auto found = snapshot_->find(id);
    return found ? std::optional(found->copy()) : std::nullopt;
  }
  result<std::uint64_t> outgoing(const concept_id& id) const override {
    const auto index = snapshot_->index_of(id);
    return index ? std::uint64_t{snapshot_->out(*index).size()} : 0;
  }
  result<std::vector<found_neighbor>> neighbors(const concept_id& id, direction d,
                                                const neighbor_filter& f) const override {
    const auto list = cmem::neighbors(*snapshot_, id, d, f);
    if (!list)
      return list.error();
    std::vector<found_neighbor> all;
    for (const neighbor& n : *list) {
      const concept_view other = snapshot_->at(n.index);
      all.push_back({other.id(), std::string(other.name()), std::string(kinds().name_of(n.kind)),
                     n.confidence, n.weight});
    }
    return all;
  }
  [[nodiscard]] const kind_registry& kinds() const noexcept override {
    return from_->known_kinds();
  }

private:
  const std::unique_ptr<concurrent_memory> from_;
  const snapshot_handle snapshot_;
};

} // namespace

result<std::unique_ptr<concept_source>> make_cold_source(cold_reader from) {
  auto kinds = std::make_unique<kind_registry>();
  for (const std::string& name : from.store().kinds)
    if (const auto added = kinds->add(name); !added)
      return failure{errc::corrupt, "MANIFEST has a kind that cannot be: " + added.error().detail};
  return std::unique_ptr<concept_source>(
    std::make_unique<cold_source>(std::move(from), std::move(kinds)));
}

std::unique_ptr<concept_source> make_graph_source(std::unique_ptr<concurrent_memory> from) {
  return std::make_unique<graph_source>(std::move(from));
}

result<std::unique_ptr<concept_source>> open_source(const std::string& directory, direction d,
                                                    const console& c) {
  if (d == direction::outgoing) {
    auto cold = cold_reader::open(c.files, directory);
    if (!cold) {
      const auto there = list_store(c.files, directory);
      return there ? cold.error() : there.error();
    }
    if (holds_everything(cold->store()))
      return make_cold_source(std::move(*cold));
    const auto still = hold_still(c.files, directory);
    if (!still)
      return still.error();
    if (!*still) {
      note_beside(c, directory, cold->store().checkpoint);
      return make_cold_source(std::move(*cold));
    }
  }
  auto memory = open_store(directory, {}, c);
  if (!memory)
    return memory.error();
  return make_graph_source(std::move(*memory));
}

} // namespace cmem::tools
