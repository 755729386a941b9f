#include "actors/tcp_socket.hpp"

#include "tests/catch.hpp"

#include <sys/socket.h>

using namespace cmem;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string parsed(const std::string& text) {
  const auto e = parse_endpoint(text, 4747);
  return e ? e->host + " " + std::to_string(e->port) : e.error().detail;
}

} // namespace

TEST_CASE("an endpoint is HOST:PORT, and an IPv6 address stands in brackets") {
  CHECK(parsed("127.0.0.1:80") == "127.0.0.1 80");
  CHECK(parsed("localhost") == "localhost 4747");
  CHECK(parsed("node.example:0") == "node.example 0");
  CHECK(parsed("[::1]:65535") == "::1 65535");
  CHECK(parsed("[::1]") == "::1 4747");
  CHECK(to_string(*parse_endpoint("[::1]:5", 1)) == "[::1]:5");
  CHECK(to_string(*parse_endpoint("here:5", 1)) == "here:5");
  CHECK_THAT(parsed("::1"), ContainsSubstring("brackets"));
  CHECK_THAT(parsed("[::1"), ContainsSubstring("`]` is missing"));
  CHECK_THAT(parsed("[::1]5"), ContainsSubstring("`:` has to follow"));
  CHECK_THAT(parsed("host:"), ContainsSubstring("no port"));
  CHECK_THAT(parsed(":80"), ContainsSubstring("no host"));
  CHECK_THAT(parsed(""), ContainsSubstring("no host"));
  for (const char* port : {"65536", "x", "1x", "-1", "000001", "99999999999"})
    CHECK_THAT(parsed(std::string("host:") + port), ContainsSubstring("up to 65535"));
}

TEST_CASE("loopback is 127.0.0.0/8, ::1 and localhost") {
  for (const char* yes : {"127.0.0.1", "127.255.0.9", "::1", "localhost"})
    CHECK(is_loopback(yes));
  for (const char* no : {"0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "example.org", ""})
    CHECK_FALSE(is_loopback(no));
}

TEST_CASE("who listens is connected to, and who does not is told of in time") {
  auto listener = listen_tcp("127.0.0.1", 0);
  REQUIRE(listener);
  const std::uint16_t port = port_of(*listener);
  REQUIRE(port != 0);
  const auto there = connect_tcp("127.0.0.1", port, 1s);
  REQUIRE(there);
  CHECK(there->get() >= 0);

  const auto taken = listen_tcp("127.0.0.1", port);
  REQUIRE_FALSE(taken);
  CHECK(taken.error().code == errc::io_error);
  CHECK_THAT(taken.error().detail, ContainsSubstring("another process does"));
  CHECK(listen_tcp("192.0.2.1", 0).error().code == errc::invalid_argument);

  listener = tcp_socket(); // closed
  const auto nobody = connect_tcp("127.0.0.1", port, 1s);
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().code == errc::unavailable);
  CHECK_THAT(nobody.error().detail, ContainsSubstring("Connection refused"));
}
