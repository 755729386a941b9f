#include "storage/text_part.hpp"

#include "storage/text_index.hpp"
#include "storage/text_merge.hpp"
#include "storage/text_part_writer.hpp"
#include "tests/catch.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>

using namespace cmem;

namespace {

using postings = std::vector<posting>;
using dictionary = std::map<std::string, postings>;

postings read(const posting_list& list) {
  postings all;
  posting_reader reader(list);
  while (reader.next_block())
    for (std::uint32_t i = 0; i < reader.size(); ++i)
      all.push_back({reader.documents()[i], reader.times()[i]});
  return all;
}

struct model_part {
  std::vector<text_document> documents;
  dictionary terms;
};

std::uint32_t below(std::mt19937& random, std::uint32_t bound) {
  return static_cast<std::uint32_t>(random() % bound);
}

model_part random_model(std::mt19937& random, std::uint32_t documents, std::uint32_t terms) {
  model_part m;
  std::uint32_t index = below(random, 1000);
  for (std::uint32_t i = 0; i < documents; ++i) {
    m.documents.push_back({index, below(random, 300)});
    index += 1 + (below(random, 50) == 0 ? below(random, 5000) : 0);
  }
  for (std::uint32_t i = 0; i < terms; ++i) {
    std::string key;
    for (std::uint32_t n = 1 + below(random, 6); n > 0; --n)
      key += static_cast<char>("abz\xE9\xFF"[below(random, 5)]);
    postings& list = m.terms[key];
    list.clear();
    const std::uint32_t one_of = 1 + below(random, below(random, 3) == 0 ? 2 : documents + 1);
    for (std::uint32_t d = 0; d < documents; ++d)
      if (below(random, one_of) == 0)
        list.push_back({d, 1 + (below(random, 20) == 0 ? below(random, 70'000) : 0)});
    if (list.empty())
      list.push_back({below(random, documents), 1});
  }
  return m;
}

std::shared_ptr<const text_part> write(const model_part& m) {
  text_part_writer w;
  for (const text_document& d : m.documents)
    w.add_document(d);
  for (const auto& [key, list] : m.terms)
    w.add_term(key, list);
  return w.finish();
}

void check(const text_part& part, const model_part& m) {
  REQUIRE(part.documents() == m.documents.size());
  REQUIRE(part.terms() == m.terms.size());
  std::uint64_t words = 0;
  for (std::uint32_t i = 0; i < part.documents(); ++i) {
    REQUIRE(part.document(i) == m.documents[i]);
    REQUIRE(part.number_of(m.documents[i].index) == i);
    words += m.documents[i].words;
  }
  REQUIRE(part.words() == words);
  term_walk walk(part);
  for (const auto& [key, list] : m.terms) {
    REQUIRE(!walk.done());
    REQUIRE(walk.key() == key);
    REQUIRE(read(walk.postings()) == list);
    REQUIRE(read(part.find(key)) == list);
    walk.next();
  }
  REQUIRE(walk.done());
}

} // namespace

TEST_CASE("A part gives back what was put in") {
  std::mt19937 random(3);
  for (const std::uint32_t documents : {1U, 2U, 127U, 128U, 129U, 1000U, 5000U})
    for (const std::uint32_t terms : {1U, 15U, 16U, 17U, 400U}) {
      const model_part m = random_model(random, documents, terms);
      check(*write(m), m);
    }
}

TEST_CASE("An empty part has nothing") {
  const auto part = write({});
  CHECK(part->documents() == 0);
  CHECK(part->number_of(0) == text_part::none);
  CHECK(part->find("a").count == 0);
  CHECK(term_walk(*part).done());
}

TEST_CASE("What is not in a part is not found") {
  std::mt19937 random(4);
  for (int round = 0; round < 20; ++round) {
    const model_part m = random_model(random, 1 + below(random, 600), 1 + below(random, 200));
    const auto part = write(m);
    std::set<std::uint32_t> indices;
    for (const text_document& d : m.documents)
      indices.insert(d.index);
    for (std::uint32_t i = 0; i < m.documents.back().index + 10; ++i)
      if (!indices.contains(i))
        REQUIRE(part->number_of(i) == text_part::none);
    REQUIRE(part->number_of(text_part::none) == text_part::none);
    for (int i = 0; i < 500; ++i) {
      std::string key;
      for (std::uint32_t n = below(random, 7); n > 0; --n)
        key += static_cast<char>("abyz\xE9\xFF"[below(random, 6)]);
      const auto known = m.terms.find(key);
      REQUIRE(read(part->find(key)) == (known == m.terms.end() ? postings{} : known->second));
      const term_walk walk(*part, key);
      const auto next = m.terms.lower_bound(key);
      REQUIRE(walk.done() == (next == m.terms.end()));
      if (!walk.done())
        REQUIRE(walk.key() == next->first);
    }
  }
}

TEST_CASE("Blocks are skipped to the one that may have a document") {
  std::mt19937 random(6);
  for (int round = 0; round < 200; ++round) {
    std::set<std::uint32_t> some;
    const std::uint32_t most = 10 + below(random, 100'000);
    for (std::uint32_t n = 129 + below(random, 3000); n > 0; --n)
      some.insert(below(random, most));
    if (some.size() <= postings_a_block)
      continue;
    model_part m;
    m.documents.resize(most);
    for (std::uint32_t i = 0; i < most; ++i)
      m.documents[i].index = i;
    for (const std::uint32_t d : some)
      m.terms["a"].push_back({d, 1});
    const auto part = write(m);
    posting_reader reader(part->find("a"));
    REQUIRE(reader.next_block());
    for (std::uint32_t wanted = 0; wanted < most; wanted += 1 + below(random, most / 5)) {
      const auto next = some.lower_bound(wanted);
      REQUIRE(reader.skip_to(wanted) == (next != some.end()));
      if (next == some.end())
        break;
      REQUIRE(reader.last() >= wanted);
      REQUIRE((reader.before() == ~0U || reader.before() < wanted));
      const auto all = reader.documents();
      REQUIRE(std::find(all.begin(), all.end(), *next) != all.end());
    }
  }
}

TEST_CASE("Dead documents are shared by page, and older ones stay as they are") {
  const dead_documents none(10'000);
  const std::uint32_t some[] = {0, 4095, 4096, 9999};
  const dead_documents first = none.with(some);
  const std::uint32_t more[] = {63, 64};
  const dead_documents second = first.with(more);
  CHECK(none.count() == 0);
  CHECK(first.count() == 4);
  CHECK(second.count() == 6);
  for (std::uint32_t n = 0; n < 10'000; ++n) {
    const bool in_some = std::find(std::begin(some), std::end(some), n) != std::end(some);
    const bool in_more = n == 63 || n == 64;
    REQUIRE(!none.test(n));
    REQUIRE(first.test(n) == in_some);
    REQUIRE(second.test(n) == (in_some || in_more));
  }
  CHECK(first.at(1) == second.at(1));
  CHECK(first.at(0) != second.at(0));
}

TEST_CASE("A merge has what lives in its parts, in whatever steps it goes") {
  std::mt19937 random(8);
  for (std::size_t round = 0; round < 60; ++round) {
    std::vector<text_index::piece> pieces;
    std::vector<model_part> models;
    const std::uint32_t count = 1 + below(random, 5);
    std::set<std::uint32_t> taken; // indices that live somewhere
    for (std::uint32_t i = 0; i < count; ++i) {
      models.push_back(random_model(random, 1 + below(random, 300), 1 + below(random, 60)));
      const auto part = write(models.back());
      std::vector<std::uint32_t> dead;
      for (std::uint32_t n = 0; n < part->documents(); ++n)
        if (below(random, 4) == 0 || !taken.insert(part->index_of(n)).second)
          dead.push_back(n);
      pieces.push_back({part, dead_documents(part->documents()).with(dead)});
    }
    text_merge merge(pieces);
    const std::size_t budget = 1 + below(random, 500);
    while (!merge.step(budget)) {}
    std::vector<text_index::piece> now = pieces; // some die meanwhile
    std::set<std::uint32_t> died;
    for (auto& p : now) {
      std::vector<std::uint32_t> dead;
      for (std::uint32_t n = 0; n < p.part->documents(); ++n)
        if (!p.dead.test(n) && below(random, 10) == 0) {
          dead.push_back(n);
          died.insert(p.part->index_of(n));
        }
      p.dead = p.dead.with(dead);
    }
    const text_index::piece made = merge.finish(now);

    std::map<std::uint32_t, text_document> documents;
    for (std::size_t i = 0; i < pieces.size(); ++i)
      for (std::uint32_t n = 0; n < pieces[i].part->documents(); ++n)
        if (!pieces[i].dead.test(n))
          documents[pieces[i].part->index_of(n)] = pieces[i].part->document(n);
    model_part m;
    std::map<std::uint32_t, std::uint32_t> numbers;
    for (const auto& [index, d] : documents) {
      numbers[index] = static_cast<std::uint32_t>(m.documents.size());
      m.documents.push_back(d);
    }
    for (std::size_t i = 0; i < pieces.size(); ++i)
      for (const auto& [key, list] : models[i].terms)
        for (const posting& p : list)
          if (!pieces[i].dead.test(p.document))
            m.terms[key].push_back({numbers[pieces[i].part->index_of(p.document)], p.times});
    for (auto& [key, list] : m.terms)
      std::sort(list.begin(), list.end(),
                [](const posting& a, const posting& b) { return a.document < b.document; });
    check(*made.part, m);
    REQUIRE(made.dead.count() == died.size());
    for (std::uint32_t n = 0; n < made.part->documents(); ++n)
      REQUIRE(made.dead.test(n) == died.contains(made.part->index_of(n)));
  }
}
