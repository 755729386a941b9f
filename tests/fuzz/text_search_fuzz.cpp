// Any sequence of writes, generations and queries: with an index, whatever it holds, answers are
// those without one.

#include "storage/engine.hpp"
#include "storage/text_filters.hpp"
#include "storage/text_indexer.hpp"
#include "storage/text_search.hpp"
#include "tests/fuzz/input.hpp"

#include <vector>

using namespace cmem;
using cmem::fuzz::require;

namespace {

class fuzzed_memory {
public:
  explicit fuzzed_memory(fuzz::input& in) : in_(in), indexer_(1 + in.below(64), 1 + in.below(64)) {
    engine_options o;
    o.arena_bytes = std::size_t{64} << 20;
    o.log_capacity = log_entries;
    o.merge_threads = 1;
    o.overflow = overflow_policy::reject;
    memory_ = std::move(engine::create(std::move(o))).value();
    snapshot_ = memory_->share();
  }

  void step() {
    const std::string name(1, static_cast<char>('a' + in_.below(16)));
    const concept_id id = concept_id::from_name(name);
    switch (in_.below(10)) {
      case 0: note(memory_->write(op::forget_concept{id}), id); break;
      case 1: note(memory_->write(op::learn_concept{.id = id, .content = in_.text(20)}), id); break;
      case 2: {
        const attribute_update a{"k",
                                 in_.below(2) == 0 ? std::optional(in_.text(160)) : std::nullopt};
        note(memory_->write(op::set_attributes{.id = id, .attributes = std::span(&a, 1)}), id);
        break;
      }
      case 3: publish(); break;
      case 4:
        publish();
        (void) indexer_.update(*snapshot_, changed_);
        changed_.clear();
        break;
      case 5: (void) indexer_.merge(1 + in_.below(64)); break;
      case 6: changed_.push_back(in_.below(40)); break;
      case 7: ask(); break;
      default:
        note(
          memory_->write(op::learn_concept{.id = std::string_view(name), .content = in_.text(40)}),
          id);
    }
  }
  void ask() {
    publish();
    const text_index* index = indexer_.last().get();
    const auto text = in_.text(30);
    const text_query query{.text = text, .k = in_.below(20), .all_words = in_.below(2) == 0};
    const auto plain = search_text(*snapshot_, nullptr, {}, query, scratch_);
    const auto indexed = search_text(*snapshot_, index, changed_, query, scratch_);
    require(plain.has_value() == indexed.has_value(), "refused or not, whatever the index");
    if (plain)
      require(*plain == *indexed, "the index finds what is there");
    const std::size_t k = in_.below(20);
    require(find_names(*snapshot_, index, changed_, text, k)
              == find_names(*snapshot_, nullptr, {}, text, k),
            "the index has the names");
    const auto with = attribute_postings(*snapshot_, nullptr, {}, "k", text);
    require(with == attribute_postings(*snapshot_, index, changed_, "k", text),
            "the index has the attributes");
    require(with.size() <= attribute_estimate(*snapshot_, index, changed_, "k", text),
            "no more than was estimated");
  }

private:
  static constexpr std::size_t log_entries = 64;

  void note(const result<ticket>& written, const concept_id& id) {
    require(written.has_value(), "written");
    touched_.push_back(id);
    if (touched_.size() == log_entries)
      publish();
  }
  void note_indices() {
    for (const concept_id& id : touched_)
      if (const auto i = snapshot_->index_of(id))
        changed_.push_back(*i);
  }
  void publish() {
    note_indices();
    while (memory_->reconcile().entries > 0) {}
    snapshot_ = memory_->share();
    note_indices();
    touched_.clear();
  }

  fuzz::input& in_;
  std::unique_ptr<engine> memory_;
  snapshot_handle snapshot_;
  text_indexer indexer_;
  text_scratch scratch_;
  std::vector<std::uint32_t> changed_;
  std::vector<concept_id> touched_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  fuzzed_memory m(in);
  while (!in.empty())
    m.step();
  m.ask();
  return 0;
}
