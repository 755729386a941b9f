#pragma once
// A memory and its node in this process, and clients of it.

#include "actors/concurrent_memory.hpp"
#include "actors/io_system.hpp"
#include "actors/node.hpp"
#include "actors/remote_memory.hpp"
#include "tests/catch.hpp"

#include <memory>
#include <string>

namespace cmem::test {

struct served_memory {
  explicit served_memory(config c = {}, node_options o = {}) : system(2) {
    c.log = [](log_level, std::string_view) {};
    auto opened = concurrent_memory::open(system.get(), std::move(c));
    REQUIRE(opened);
    memory = std::move(opened).value();
    start(std::move(o));
  }
  ~served_memory() {
    served.reset();
    memory.reset();
  }

  void start(node_options o) {
    served.reset();
    o.port = port;
    auto made = node::open(system.get(), *memory, o);
    INFO((made ? "" : to_string(made.error())));
    REQUIRE(made);
    served = std::move(made).value();
    port = served->port();
  }
  [[nodiscard]] remote_options to_here() const {
    remote_options o;
    o.node = "127.0.0.1:" + std::to_string(port);
    return o;
  }
  [[nodiscard]] std::unique_ptr<remote_memory> client() const { return client(to_here()); }
  [[nodiscard]] static std::unique_ptr<remote_memory> client(const remote_options& o) {
    auto made = remote_memory::connect(o);
    INFO((made ? "" : to_string(made.error())));
    REQUIRE(made);
    return std::move(made).value();
  }

  io_system system;
  std::unique_ptr<concurrent_memory> memory;
  std::unique_ptr<node> served;
  std::uint16_t port = 0;
};

} // namespace cmem::test
