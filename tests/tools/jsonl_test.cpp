#include "tests/catch.hpp"
#include "tools/dataset.hpp"

#include <sstream>

using namespace cmem;
using namespace cmem::tools;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::string hex = "000102030405060708090a0b0c0d0e0f";

result<dataset> read(const std::string& text) {
  std::istringstream in(text);
  return read_jsonl(in, "facts.jsonl");
}

std::string error_of(const std::string& line) {
  const auto d = read(R"({"type":"concept","id":"a","vector":[1,2]})"
                      "\n\n"
                      + line);
  REQUIRE_FALSE(d);
  CHECK(d.error().code == errc::parse_error);
  return d.error().detail;
}

} // namespace

TEST_CASE("every field is read") {
  const auto d = read(R"({"type":"concept","id":")" + hex
                      + R"(","content":"sea","strength":2.5,"confidence":0.9,)"
                        R"("vector":[1,-2.5],"attributes":{"k":"v","a":"b"}})"
                        "\n"
                        R"({"type":"concept","id":"ship"})"
                        "\r\n"
                        R"({"type":"association","source":"ship","target":")"
                      + hex
                      + R"(","kind":"sails","confidence":0.5,"weight":3})"
                        "\n");
  REQUIRE(d);
  REQUIRE(d->concepts.size() == 2);
  CHECK(d->learnable == 2);
  CHECK(d->vector_dimension == 2);
  const auto& sea = d->concepts[0];
  CHECK(sea.id.hex() == hex);
  CHECK(sea.name.empty());
  CHECK(sea.content == "sea");
  CHECK(sea.strength == 2.5F);
  CHECK(sea.confidence == 0.9F);
  CHECK(sea.vector == std::vector<float>{1, -2.5F});
  CHECK(sea.attributes == std::vector<std::pair<std::string, std::string>>{{"a", "b"}, {"k", "v"}});
  const auto& ship = d->concepts[1];
  CHECK(ship.id == concept_id::from_name("ship"));
  CHECK(ship.name == "ship");
  CHECK(ship.strength == 1.0F);
  CHECK(ship.confidence == 1.0F);
  CHECK(d->kinds == std::vector<std::string>{"sails"});
  CHECK(d->associations == std::vector<data_association>{{1, 0, 0, 0.5F, 3.0F}});
}

TEST_CASE("bytes that are no text are read from base64") {
  const auto id = concept_id::from_name("\xFF").hex();
  const auto d = read(R"({"type":"concept","id":")" + id
                      + R"(","name_base64":"/w==","content_base64":"AP8=",)"
                        R"("attributes":{"k":"v"},"attributes_base64":{"/w==":"/g=="}})"
                        "\n"
                        R"({"type":"association","source":")"
                      + id + R"(","target":"b","kind_base64":"/w=="})");
  REQUIRE(d);
  const auto& c = d->concepts[0];
  CHECK(c.name == "\xFF");
  CHECK(c.content == std::string("\0\xFF", 2));
  CHECK(c.attributes
        == std::vector<std::pair<std::string, std::string>>{{"k", "v"}, {"\xFF", "\xFE"}});
  CHECK(d->kinds == std::vector<std::string>{"\xFF"});
}

TEST_CASE("ends that are never learned come last and keep their names") {
  const auto d = read(R"({"type":"association","source":"x","target":"y"})"
                      "\n"
                      R"({"type":"concept","id":"y"})"
                      "\n"
                      R"({"type":"association","source":"y","target":"z","kind":"semantic"})");
  REQUIRE(d);
  CHECK(d->learnable == 1);
  REQUIRE(d->concepts.size() == 3);
  CHECK(d->concepts[0].name == "y");
  CHECK(d->concepts[1].name == "x");
  CHECK(d->concepts[2].name == "z");
  CHECK(d->kinds == std::vector<std::string>{"semantic"});
  CHECK(d->associations == std::vector<data_association>{{1, 0, 0, 1, 1}, {0, 2, 0, 1, 1}});
}

TEST_CASE("a bad line is named by its number") {
  const std::vector<std::pair<std::string, std::string>> all = {
    {"{", "facts.jsonl:3: not JSON: "},
    {"[1]", "facts.jsonl:3: must be a JSON object"},
    {R"({"id":"b"})", "facts.jsonl:3: needs \"type\""},
    {R"({"type":7})", "\"type\" is 7: must be a text"},
    {R"({"type":"thing"})", "type is \"thing\": must be \"concept\" or \"association\""},
    {R"({"type":"concept"})", "needs \"id\""},
    {R"({"type":"concept","id":""})", "\"id\" is empty"},
    {R"({"type":"concept","id":"a"})", "concept \"a\" is there already"},
    {R"({"type":"concept","id":"b","colour":"red"})", "unknown key \"colour\""},
    {R"({"type":"concept","id":"b","content":1})", "\"content\" is 1: must be a text"},
    {R"({"type":"concept","id":"b","strength":-1})",
     "\"strength\" is -1: must be a number from 0.0 to"},
    {R"({"type":"concept","id":"b","confidence":1.5})",
     "\"confidence\" is 1.5: must be a number from 0.0 to 1.0"},
    {R"({"type":"concept","id":"b","strength":1e999})", "facts.jsonl:3: not JSON: "},
    {R"({"type":"concept","id":"b","content_base64":"?"})", "\"content_base64\" is no base64"},
    {R"({"type":"concept","id":"b","content_base64":7})",
     "\"content_base64\" is 7: must be a text"},
    {R"({"type":"concept","id":"b","content":"","content_base64":""})",
     "has both \"content\" and \"content_base64\""},
    {R"({"type":"concept","id":"b","name_base64":"Yg=="})", "one must be enough"},
    {R"({"type":"concept","id":"000102030405060708090a0b0c0d0e0f","name_base64":"Yg=="})",
     "is not the name of this \"id\""},
    {R"({"type":"concept","id":"b","attributes_base64":{"k":"v"}})",
     "\"attributes_base64\" is no base64"},
    {R"({"type":"association","source":"a","target":"b","kind_base64":""})", "\"kind\" is empty"},
    {R"({"type":"concept","id":"b","content":[1]})", "\"content\" is an array: must be a text"},
    {R"({"type":"concept","id":"b","vector":[1]})",
     "\"vector\" has 1 numbers, the first one had 2"},
    {R"({"type":"concept","id":"b","vector":[]})", "\"vector\" must be a list of numbers"},
    {R"({"type":"concept","id":"b","vector":[1,"x"]})", "\"vector\" is \"x\": must be a number"},
    {R"({"type":"concept","id":"b","attributes":[]})", "\"attributes\" must be an object of texts"},
    {R"({"type":"concept","id":"b","attributes":{"k":1}})", "attribute \"k\" is 1: must be a text"},
    {R"({"type":"association","source":"a"})", "needs \"target\""},
    {R"({"type":"association","target":"a"})", "needs \"source\""},
    {R"({"type":"association","source":"a","target":"b","kind":""})", "\"kind\" is empty"},
    {R"({"type":"association","source":"a","target":"b","weight":-1})", "\"weight\" is -1"},
    {R"({"type":"association","source":"a","target":"b","id":"c"})", "unknown key \"id\""},
  };
  for (const auto& [line, error] : all) {
    CAPTURE(line);
    CHECK_THAT(error_of(line), ContainsSubstring(error));
    CHECK_THAT(error_of(line), ContainsSubstring("facts.jsonl:3: "));
  }
}

TEST_CASE("a line nested as deep as anybody likes is an error") {
  const std::size_t depth = 1'000'000;
  const std::string nested = std::string(depth, '[') + std::string(depth, ']');
  CHECK_THAT(error_of(R"({"type":)" + nested + "}"),
             ContainsSubstring("\"type\" is an array: must be a text"));
  CHECK_THAT(error_of(R"({"type":"concept","id":"b","vector":[)" + nested + "]}"),
             ContainsSubstring("\"vector\" is an array: must be a number"));
}

TEST_CASE("a file without concepts is refused") {
  const auto d = read("\n");
  REQUIRE_FALSE(d);
  CHECK_THAT(d.error().detail, ContainsSubstring("has no concepts"));
}

TEST_CASE("a file that is not there is refused by name") {
  data_spec spec;
  spec.source = data_source::jsonl;
  spec.path = "no/such.jsonl";
  const auto d = load_dataset(spec, "");
  REQUIRE_FALSE(d);
  CHECK(d.error().code == errc::io_error);
  CHECK_THAT(d.error().detail, ContainsSubstring("no/such.jsonl"));
}

TEST_CASE("a synthetic graph has the size asked for and is the same for equal seeds") {
  data_spec spec;
  spec.concepts = 1'000;
  spec.degree = 2.5;
  spec.content_bytes = 10;
  const auto a = make_synthetic(spec);
  const auto b = make_synthetic(spec);
  CHECK(a.learnable == 1'000);
  CHECK(a.associations.size() == 2'500);
  CHECK(a.associations == b.associations);
  CHECK(a.concepts[7].content.size() == 10);
  CHECK(a.concepts[7].content == b.concepts[7].content);
  for (const auto& e : a.associations) {
    REQUIRE(e.source < 1'000);
    REQUIRE(e.target < 1'000);
    REQUIRE(e.kind < a.kinds.size());
  }
  spec.seed = 2;
  CHECK(make_synthetic(spec).associations != a.associations);
}
