#include "tools/jsonl_writer.hpp"
#include "tools/report.hpp"
#include "tools/status_line.hpp"
#include "tools/store_commands.hpp"
#include "tools/store_opening.hpp"

#include <algorithm>

namespace cmem::tools {
namespace {

constexpr std::size_t chunk_bytes = std::size_t{1} << 20;

struct sorted_node {
  concept_id id;
  std::uint32_t index;
};

class exporter {
public:
  exporter(const graph_snapshot& s, const kind_registry& kinds, const console& c)
    : snapshot_(s), kinds_(kinds), console_(c), status_(c) {
    for (std::uint32_t i = 0; i < s.index_count(); ++i)
      if (s.node(i).state != node_vacant)
        nodes_.push_back({s.node(i).id, i});
    std::sort(nodes_.begin(), nodes_.end(),
              [](const auto& a, const auto& b) { return a.id < b.id; });
  }

  result<void> run() {
    for (const auto& n : nodes_) {
      if (snapshot_.is_learned(n.index))
        append_concept(out_, snapshot_.at(n.index));
      if (auto written = flush(chunk_bytes); !written)
        return written;
    }
    // Ends that are not learned are sources, too: what is pending in a store stays so.
    for (const auto& n : nodes_) {
      append_associations(n.index);
      if (auto written = flush(chunk_bytes); !written)
        return written;
    }
    return flush(0);
  }

private:
  struct edge {
    std::uint32_t target;
    kind_id kind;
    float confidence;
    float weight;
  };

  void append_associations(std::uint32_t source) {
    edges_.clear();
    snapshot_.out(source).for_each_chunk([this](const adjacency_chunk& part) {
      for (std::size_t k = 0; k < part.targets.size(); ++k)
        edges_.push_back({part.targets[k], part.kind[k], part.confidence[k], part.weight[k]});
    });
    if (edges_.empty())
      return;
    // By name: the numbers of kinds depend on what was learned first.
    std::sort(edges_.begin(), edges_.end(), [this](const edge& a, const edge& b) {
      const auto order = snapshot_.node(a.target).id <=> snapshot_.node(b.target).id;
      return order != 0 ? order < 0 : kinds_.name_of(a.kind) < kinds_.name_of(b.kind);
    });
    const std::string from = line_name(snapshot_.at(source));
    for (const edge& e : edges_)
      append_association(out_, from, line_name(snapshot_.at(e.target)), kinds_.name_of(e.kind),
                         e.confidence, e.weight);
  }

  result<void> flush(std::size_t at_least) {
    if (out_.size() < at_least)
      return {};
    console_.out.write(out_.data(), static_cast<std::streamsize>(out_.size()));
    bytes_ += out_.size();
    out_.clear();
    if (at_least == 0)
      console_.out.flush();
    if (!console_.out)
      return failure{errc::io_error, "the output cannot be written: is the disk full?"};
    if (status_.due())
      status_.show("export: " + show_count(bytes_ >> 20) + " MiB");
    return {};
  }

  const graph_snapshot& snapshot_;
  const kind_registry& kinds_;
  const console& console_;
  status_line status_;
  std::vector<sorted_node> nodes_;
  std::vector<edge> edges_;
  std::string out_;
  std::uint64_t bytes_ = 0;
};

} // namespace

int export_command(const export_arguments& a, const console& c) {
  const auto memory = open_store(a.store, {}, c);
  if (!memory)
    return fail(c, memory.error());
  const auto snapshot = (*memory)->share();
  const auto done = exporter(*snapshot, (*memory)->known_kinds(), c).run();
  return done ? exit_ok : fail(c, done.error());
}

} // namespace cmem::tools
