// The command line of search.

#include "storage/limits.hpp"
#include "tools/number_within.hpp"
#include "tools/store_cli.hpp"

#include <CLI/CLI.hpp>

namespace cmem::tools {

namespace {

const CLI::Validator not_empty([](const std::string& text)
                                 -> std::string { return text.empty() ? "is empty" : ""; },
                               "", "not empty");

} // namespace

void add_search_command(CLI::App& app, search_arguments& a) {
  auto* search =
    app.add_subcommand("search", "Find concepts by words, vector, name and nearness, best first");
  search->add_option("STORE", a.store, "Directory of the store")->required();
  search->add_option("WORDS", a.words, "Words of content and name, any of them (BM25)");
  search->add_flag("--all-words", a.all_words, "Only what has all of the words");
  search
    ->add_option("--vector", a.vector,
                 "File with the numbers of a vector: a JSON array, or apart by blanks or "
                 "commas; - for standard input")
    ->check(not_empty);
  search->add_option("--metric", a.metric, "How vectors are compared")
    ->check(CLI::IsMember({"cosine", "inner-product", "l2"}))
    ->capture_default_str();
  search->add_option("--prefix", a.prefix, "Names that begin so, ascending")->check(not_empty);
  search
    ->add_option("--near", a.near,
                 "32 hex digits, or the name of a concept that it should be near to; may be "
                 "repeated")
    ->allow_extra_args(false);
  search
    ->add_option("--attribute", a.attributes,
                 "KEY=VALUE: only concepts that have it; may be repeated, all must hold")
    ->allow_extra_args(false);
  search->add_option("--min-confidence", a.min_confidence, "Only concepts from this confidence on")
    ->check(number_within(0, 1));
  search
    ->add_option("--min-strength", a.min_strength, "Only concepts from this strength on, as of now")
    ->check(number_within(0, std::numeric_limits<float>::max()));
  search->add_option("--id", a.ids, "Only this concept; may be repeated: any of them")
    ->allow_extra_args(false);
  search->add_option("--limit", a.limit, "So many hits at most")
    ->check(CLI::Range(std::size_t{1}, std::size_t{10'000}))
    ->capture_default_str();
  search->add_flag("--exact", a.exact, "By vector: look at every one, whatever indexes there are");
  search->add_flag("--json", a.json, "Print one JSON object");
  search->footer("Several ways at once are fused into one ranking (reciprocal rank fusion); each "
                 "way's rank and score is shown.\n"
                 "Examples: cmem search kept slow traffic --near rain\n"
                 "          cmem search kept --vector query.json --attribute kind=noun --json");
}

} // namespace cmem::tools
