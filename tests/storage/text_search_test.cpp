#include "storage/text_search.hpp"

#include "tests/storage/text_fixture.hpp"

#include <deque>

using namespace cmem;
using namespace cmem::test;

namespace {

std::string found(const text_memory& m, const text_query& query) {
  const text_view v = m.view();
  const auto hits = search_text(*v.snapshot, v.index.get(), v.changed, query);
  if (!hits)
    return to_string(hits.error());
  std::string s;
  for (const text_hit& h : *hits)
    s += (s.empty() ? "" : " ") + std::string(v.snapshot->at(h.index).name());
  return s;
}

std::uint32_t below(std::mt19937& random, std::uint32_t bound) {
  return static_cast<std::uint32_t>(random() % bound);
}

std::string random_name(std::mt19937& random) {
  return "n" + std::to_string(below(random, 90)) + (below(random, 3) == 0 ? " common" : "");
}

// Few words, some of them everywhere, so that weights have their floor, and ties are many.
std::string random_words(std::mt19937& random, std::uint32_t most) {
  static const std::vector<std::string> all = {"the", "the", "the", "of",  "of", "Cat", "cät",
                                               "dog", "DOG", "ox",  "emu", "n7", "жук", "x1"};
  std::string text;
  for (std::uint32_t n = below(random, most + 1); n > 0; --n) {
    const std::size_t i = std::min(below(random, static_cast<std::uint32_t>(all.size())),
                                   below(random, static_cast<std::uint32_t>(all.size())));
    text += all[i] + (below(random, 5) == 0 ? ", " : " ");
  }
  return text;
}

std::string random_content(std::mt19937& random) {
  const std::string text = random_words(random, 12);
  return below(random, 40) == 0 ? text + '\xFF' : text; // binary
}

void ask_attributes(const text_view& v, std::mt19937& random) {
  const std::string value = std::to_string(below(random, 3));
  REQUIRE(v.with("kind", value) == v.model.with("kind", value));
  const std::string large = value + std::string(300, 'l');
  REQUIRE(v.with("kind", large) == v.model.with("kind", large));
}

void ask(const text_view& v, std::mt19937& random, text_scratch& scratch) {
  const std::string text = random_words(random, 4) + "cat";
  text_query query{.text = text, .k = 1 + below(random, 120), .all_words = below(random, 2) == 0};
  const auto expected = v.model.search(query);
  const auto answer = v.search(query, scratch);
  if (answer != expected) {
    std::string both;
    for (const auto* list : {&answer, &expected}) {
      both += "\n ";
      for (const auto& [id, score] : *list)
        both += " " + v.model.learned.at(id).name + ":" + std::to_string(score);
    }
    FAIL("'" << text << "' all " << query.all_words << " k " << query.k << both);
  }
  const std::string prefix = std::string("n1 common").substr(0, below(random, 4));
  const std::size_t k = below(random, 50);
  REQUIRE(v.names(prefix, k) == v.model.names(prefix, k));
  ask_attributes(v, random);
}

void ask_in_all_ways(const text_view& v, std::mt19937& random, text_scratch& scratch) {
  ask(v, random, scratch);
  text_view without = v;
  without.index = nullptr;
  without.changed.clear();
  ask(without, random, scratch);
}

void change_some(text_memory& m, std::mt19937& random) {
  for (std::uint32_t n = 1 + below(random, 12); n > 0; --n) {
    const std::string name = random_name(random);
    const bool known = m.model().learned.contains(concept_id::from_name(name));
    switch (below(random, 10)) {
      case 0:
      case 1: m.forget(name); break;
      case 2: m.learn_by_id(name, random_content(random)); break;
      case 3:
        if (known)
          m.set(name, "kind",
                std::to_string(below(random, 3)) + std::string(below(random, 2) * 300, 'l'));
        break;
      case 4:
        if (known)
          m.set(name, "kind", std::nullopt);
        break;
      case 5:
        if (known)
          m.write(op::strengthen{concept_id::from_name(name), 1.0F});
        break;
      case 6: // an end that nobody learned
        m.write(op::learn_association{.source = concept_id::from_name(name),
                                      .target = concept_id::from_name("placeholder")});
        break;
      default: m.learn(name, random_content(random));
    }
  }
  if (below(random, 300) == 0)
    for (int i = 0; i < 90; ++i)
      for (const char* tail : {"", " common"})
        m.forget("n" + std::to_string(i) + tail);
}

} // namespace

TEST_CASE("Words of content and name are found, the best first") {
  text_memory m;
  m.learn("one", "a cat and a dog");
  m.learn("two", "a Cat");
  m.learn("cat", "no more");
  m.learn("three", "birds, all kinds of birds and nothing else");
  for (int i = 0; i < 8; ++i)
    m.learn("other " + std::to_string(i), "something else that has words");
  m.publish();
  for (int indexed = 0; indexed < 2; ++indexed) {
    CHECK(found(m, {.text = "cat"}) == "cat two one"); // "cat no more" and "two a cat" have 3 words
    CHECK(found(m, {.text = "CÄT?", .k = 1}) == "cat");
    CHECK(found(m, {.text = "dog cat"}) == "one cat two");
    CHECK(found(m, {.text = "dog cat", .all_words = true}) == "one");
    CHECK(found(m, {.text = "dog bird", .all_words = true}).empty());
    CHECK(found(m, {.text = "horse"}).empty());
    CHECK(found(m, {.text = "birds", .k = 1000}) == "three");
    CHECK(found(m, {.text = "cat", .k = 0}).empty());
    m.update();
  }
}

TEST_CASE("Scores are those of FTS5") {
  // CREATE VIRTUAL TABLE t USING fts5(x); these rows, each a content, a blank and a name; SELECT
  // -bm25(t) ... MATCH 'cat OR dog'
  text_memory m;
  m.learn("r1", "a cat and a dog");
  m.learn("r2", "a cat cat");
  m.learn("r3", "birds");
  m.learn("r4", "");
  m.learn("r5", "the one who has the most words of all, and none that matters");
  m.publish();
  m.update();
  const auto hits = m.view().search({.text = "cat dog"});
  REQUIRE(hits.size() == 2);
  CHECK(hits[0].first == concept_id::from_name("r1"));
  CHECK(hits[0].second == Approx(1.3726895459289175).epsilon(1e-6));
  CHECK(hits[1].second == Approx(0.499037474539327).epsilon(1e-6));
}

TEST_CASE("Queries without words or with too many are refused") {
  text_memory m;
  CHECK(found(m, {.text = "cat"}).empty()); // nothing learned
  m.learn("one", "a cat");
  m.publish();
  m.update();
  const std::string none =
    "invalid_argument: text query has no words: it must be valid UTF-8 with a letter or a digit";
  CHECK(found(m, {.text = ""}) == none);
  CHECK(found(m, {.text = " ,;\u2014"}) == none);
  CHECK(found(m, {.text = "cat \xFF"}) == none);
  CHECK(found(m, {.text = "", .k = 0}) == none);
  std::string many = "cat";
  for (std::size_t i = 1; i < query_words_max; ++i)
    many += " cat w" + std::to_string(i);
  CHECK(found(m, {.text = many}) == "one");
  CHECK(found(m, {.text = many + " more"})
        == "invalid_argument: text query has more than 64 different words: ask for fewer");
}

TEST_CASE("Binary and very long contents") {
  text_memory m;
  std::string large;
  while (large.size() + 10 < content_bytes_max)
    large += "long" + std::to_string(large.size() % 77) + " ";
  m.learn("large", large + "end");
  m.learn("binary", std::string("cat\0cat", 7));
  m.learn("torn", "cat \xE2\x82");
  m.learn("empty", "");
  for (int i = 0; i < 5; ++i)
    m.learn("cat " + std::to_string(i), "");
  m.publish();
  for (int indexed = 0; indexed < 2; ++indexed) {
    CHECK(found(m, {.text = "end"}) == "large");
    CHECK(found(m, {.text = "cat", .k = 9}).find("binary") == std::string::npos);
    CHECK(found(m, {.text = "binary torn", .k = 9}).size() == 11); // their names
    std::mt19937 random(1);
    text_scratch scratch;
    for (int i = 0; i < 5; ++i)
      ask(m.view(), random, scratch);
    m.update();
  }
}

TEST_CASE("A generation after nothing is the same one") {
  text_memory m;
  m.learn("one", "a cat");
  m.publish();
  m.update();
  const auto before = m.index();
  m.update();
  CHECK(m.index() == before);
  m.also_changed(17); // nobody
  m.update();
  CHECK(m.index() == before);
  m.learn("two", "a dog");
  m.publish();
  m.update();
  CHECK(m.index() != before);
}

TEST_CASE("Generations share parts, and few of them") {
  text_memory m(2000);
  for (int i = 0; i < 4000; ++i)
    m.learn("n" + std::to_string(i), "word" + std::to_string(i % 50) + " the");
  m.publish();
  m.update();
  const auto first = m.index()->pieces()[0].part;
  std::size_t most = 0;
  bool merged = false;
  for (int i = 0; i < 400; ++i) {
    m.learn("n" + std::to_string(i * 7), "the new word");
    m.publish();
    m.update();
    merged = merged || m.indexer().merging();
    most = std::max(most, m.index()->pieces().size());
    if (i == 0)
      REQUIRE(m.index()->pieces()[0].part == first);
  }
  CHECK(most <= 14);
  CHECK(m.index()->documents() == 4000);
  std::uint64_t words = 0;
  for (const auto& [id, c] : m.model().learned)
    words += text_model::words_of(c.content).size() + text_model::words_of(c.name).size();
  CHECK(m.index()->words() == words);
  for (int i = 0; i < 4000; ++i)
    m.forget("n" + std::to_string(i));
  m.publish();
  m.update();
  CHECK(m.index()->documents() == 0);
  CHECK(m.index()->words() == 0);
  while (m.indexer().merging())
    m.merge(1000);
  CHECK(m.index()->pieces().empty());
}

// Every answer is that of the snapshot: nothing forgotten, nothing missing, statistics to the
// digit.
TEST_CASE("Whatever the index holds, answers are those of looking at everything") {
  std::mt19937 random(21);
  std::size_t merging = 0;
  for (std::size_t round = 0; round < sweep(10); ++round) {
    text_memory m(40 + below(random, 400), 30 + below(random, 500));
    std::deque<text_view> held;
    text_scratch scratch;
    for (int step = 0; step < 150; ++step) {
      change_some(m, random);
      m.publish();
      for (std::uint32_t n = below(random, 4); n > 0; --n)
        m.also_changed(below(random, 120));
      if (below(random, 3) == 0)
        m.update();
      else if (below(random, 60) == 0)
        m.rebuild();
      if (below(random, 3) == 0)
        m.merge(1 + below(random, 100));
      merging += m.indexer().merging() ? 1U : 0U;
      ask_in_all_ways(m.view(), random, scratch);
      if (below(random, 6) == 0)
        held.push_back(m.view());
      if (held.size() > 5)
        held.pop_front();
      if (!held.empty())
        ask(held[below(random, static_cast<std::uint32_t>(held.size()))], random, scratch);
    }
  }
  CHECK(merging > 0); // else large merges were not tried
}

TEST_CASE("Large parts: windows, blocks and skipping") {
  std::mt19937 random(22);
  text_memory m(5000, 20'000);
  text_scratch scratch;
  const std::uint32_t concepts = 9'500;
  for (std::uint32_t n = 0; n < concepts; ++n)
    m.learn("n" + std::to_string(n),
            random_words(random, 9) + " r" + std::to_string(below(random, 700)) + " cat");
  m.publish();
  m.rebuild();
  for (std::size_t i = 0; i < sweep(4); ++i) {
    ask(m.view(), random, scratch);
    const text_view v = m.view();
    for (const std::string text : {"r1 r2 the emu", "r3 the", "the of cat", "r5 cat the ox"})
      for (const bool all : {false, true}) {
        const text_query q{.text = text, .k = 1 + below(random, 300), .all_words = all};
        REQUIRE(v.search(q, scratch) == v.model.search(q));
      }
    for (std::uint32_t n = 0; n < 100; ++n)
      m.forget("n" + std::to_string(below(random, concepts)));
    for (std::uint32_t n = 0; n < 100; ++n)
      m.learn("n" + std::to_string(below(random, concepts)), random_words(random, 9));
    m.publish();
    if (i % 2 == 0)
      m.update();
  }
}

TEST_CASE("An index of attributes alone finds who has them, and has no other documents") {
  std::mt19937 random(23);
  for (std::size_t round = 0; round < sweep(5); ++round) {
    text_memory m(40 + below(random, 400), 30 + below(random, 500), text_fields::attributes);
    for (int step = 0; step < 150; ++step) {
      change_some(m, random);
      m.publish();
      if (below(random, 3) == 0)
        m.update();
      else if (below(random, 60) == 0)
        m.rebuild();
      ask_attributes(m.view(), random);
    }
    m.update();
    CHECK(m.index()->words() == 0);
    std::size_t with_attributes = 0;
    for (const auto& [id, c] : m.model().learned)
      with_attributes += c.attributes.empty() ? 0U : 1U;
    CHECK(m.index()->documents() == with_attributes);
    CHECK(with_attributes < m.model().learned.size());
  }
}
