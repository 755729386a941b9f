#include "tools/base64.hpp"

#include "tests/catch.hpp"

#include <rapidcheck.h>

using namespace cmem::tools;

TEST_CASE("the examples of RFC 4648 are encoded and read back") {
  const std::pair<std::string, std::string> all[] = {{"", ""},
                                                     {"f", "Zg=="},
                                                     {"fo", "Zm8="},
                                                     {"foo", "Zm9v"},
                                                     {"foob", "Zm9vYg=="},
                                                     {"fooba", "Zm9vYmE="},
                                                     {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : all) {
    CHECK(to_base64(bytes) == text);
    CHECK(from_base64(text) == bytes);
  }
  CHECK(to_base64("\xFB\xFF\xBF") == "+/+/");
}

TEST_CASE("any bytes come back") {
  REQUIRE(rc::check("from_base64(to_base64(x)) == x", [](const std::string& bytes) {
    RC_ASSERT(from_base64(to_base64(bytes)) == bytes);
  }));
}

TEST_CASE("what no encoder writes is refused") {
  for (const char* text : {"Z", "Zg", "Zg=", "Zg==Zg==", "Z===", "====", "=", "Zm9v\n", "Zm 9",
                           "Zm9-", "Zh==", "Zm9=", "Zg==\n\n\n\n", "=Zg=", "Zm9v\xC3\xA4=="})
    CHECK_FALSE(from_base64(text));
}
