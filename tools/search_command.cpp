// search finds concepts by words, by vector, by name and by what they are near to.

#include "storage/search.hpp"

#include "tools/jsonl_writer.hpp"
#include "tools/shown.hpp"
#include "tools/store_commands.hpp"
#include "tools/store_opening.hpp"
#include "tools/vector_file.hpp"

#include <array>
#include <utility>

namespace cmem::tools {
namespace {

using nlohmann::ordered_json;

constexpr std::array ways{
  std::pair{"text", &search_hit::by_text}, std::pair{"name", &search_hit::by_name},
  std::pair{"vector", &search_hit::by_vector}, std::pair{"near", &search_hit::by_graph}};

ordered_json answer_json(const graph_snapshot& s, const std::vector<search_hit>& found) {
  ordered_json j;
  j["hits"] = ordered_json::array();
  for (const search_hit& h : found) {
    const concept_view v = s.at(h.index);
    ordered_json one;
    one["id"] = v.id().hex();
    if (!v.name().empty())
      put_text(one, "name", v.name());
    one["score"] = h.score;
    for (const auto& [name, rank] : ways)
      if ((h.*rank).rank != 0)
        one["by"][name] = {{"rank", (h.*rank).rank}, {"score", (h.*rank).score}};
    put_text(one, "content", v.content());
    j["hits"].push_back(std::move(one));
  }
  j["sequence"] = s.sequence();
  return j;
}

/// One line of it.
std::string beginning(std::string_view content) {
  constexpr std::size_t bytes_max = 200;
  if (content.size() <= bytes_max)
    return show_text(content);
  std::size_t bytes = bytes_max;
  while (bytes > bytes_max - 4 && (static_cast<unsigned char>(content[bytes]) & 0xC0U) == 0x80U)
    --bytes; // not within a character
  return show_text(content.substr(0, bytes)) + " …";
}

void print_answer(std::ostream& out, const graph_snapshot& s,
                  const std::vector<search_hit>& found) {
  for (const search_hit& h : found) {
    const concept_view v = s.at(h.index);
    out << show_float(static_cast<float>(h.score)) << "  " << show_name(v.id(), v.name());
    for (const auto& [name, rank] : ways)
      if ((h.*rank).rank != 0) {
        out << "  " << name << " #" << (h.*rank).rank;
        if (rank != &search_hit::by_name)
          out << ' ' << show_product((h.*rank).score);
      }
    out << '\n';
    if (!v.content().empty())
      out << "    " << beginning(v.content()) << '\n';
  }
  if (found.empty())
    out << "nothing is found\n";
}

result<concept_filter> to_filter(const search_arguments& a) {
  concept_filter f;
  f.confidence_min = a.min_confidence;
  f.strength_min = a.min_strength;
  for (const std::string& text : a.attributes) {
    const auto at = text.find('=');
    if (at == std::string::npos || at == 0)
      return failure{errc::invalid_argument,
                     "--attribute " + show_text(text) + ": give KEY=VALUE, e.g. kind=noun"};
    f.attributes.emplace_back(text.substr(0, at), text.substr(at + 1));
  }
  if (!a.ids.empty()) {
    auto& ids = f.ids.emplace();
    for (const std::string& id : a.ids)
      ids.push_back(parse_id(id));
  }
  return f;
}

result<vector_metric> to_metric(const std::string& name) {
  if (name == "cosine")
    return vector_metric::cosine;
  if (name == "inner-product")
    return vector_metric::inner_product;
  if (name == "l2")
    return vector_metric::l2;
  return failure{errc::invalid_argument,
                 "--metric " + show_text(name) + ": one of cosine, inner-product, l2"};
}

result<basic_search_query<concept_id>> to_query(const search_arguments& a, const console& c) {
  basic_search_query<concept_id> q;
  for (const std::string& word : a.words)
    q.text += (q.text.empty() ? "" : " ") + word;
  q.all_words = a.all_words;
  q.prefix = a.prefix;
  q.k = a.limit;
  q.exact = a.exact;
  for (const std::string& id : a.near)
    q.near.push_back(parse_id(id));
  if (q.text.empty() && q.prefix.empty() && a.vector.empty() && q.near.empty())
    return failure{errc::invalid_argument,
                   "nothing to search for: give WORDS, --vector, --prefix or --near"};
  if (!a.vector.empty()) {
    auto v = read_vector(a.vector, c);
    if (!v)
      return v.error();
    q.vector = std::move(*v);
  }
  const auto metric = to_metric(a.metric);
  if (!metric)
    return metric.error();
  q.metric = *metric;
  auto filter = to_filter(a);
  if (!filter)
    return filter.error();
  q.filter = std::move(*filter);
  return q;
}

} // namespace

int search_command(const search_arguments& a, const console& c) {
  const auto query = to_query(a, c);
  if (!query)
    return fail(c, query.error(), exit_usage);
  const auto memory = open_store(a.store, {}, c);
  if (!memory)
    return fail(c, memory.error());
  const auto s = (*memory)->share();
  for (const auto* ids : {&a.near, &a.ids})
    for (const std::string& id : *ids)
      if (!s->find(parse_id(id)))
        return fail(c, not_there(id));
  search_scratch scratch;
  const auto found = search(*s, *query, scratch);
  if (!found)
    return fail(c, found.error(),
                found.error().code == errc::invalid_argument ? exit_usage : exit_missed);
  if (a.json)
    c.out << dump(answer_json(*s, *found)) << '\n';
  else
    print_answer(c.out, *s, *found);
  return exit_ok;
}

} // namespace cmem::tools
