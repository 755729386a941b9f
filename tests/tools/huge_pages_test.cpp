#include "bench/huge_pages.hpp"

#include "bench/csr_graph.hpp"
#include "bench/workbench.hpp"
#include "tests/catch.hpp"

#include <fstream>
#include <sstream>
#include <sys/mman.h>

using namespace cmem;
using namespace cmem::bench;

namespace {

/// Whether the kernel was advised to use huge pages there; its flags of a mapping say `hg` then.
bool advised(const void* at) {
  std::ifstream maps("/proc/self/smaps");
  const auto address = reinterpret_cast<std::uintptr_t>(at);
  bool here = false;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t from = 0, to = 0;
    char dash = 0;
    std::istringstream words(line);
    if (words >> std::hex >> from >> dash >> to && dash == '-')
      here = from <= address && address < to;
    else if (here && line.starts_with("VmFlags:"))
      return line.find(" hg") != std::string::npos;
  }
  return false;
}

/// Whether this kernel knows the advice, and says so.
bool can_tell() {
  constexpr std::size_t bytes = std::size_t{4} << 20;
  void* const p =
    ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(p != MAP_FAILED);
  const bool yes = ::madvise(p, bytes, MADV_HUGEPAGE) == 0 && advised(p);
  ::munmap(p, bytes);
  return yes;
}

bool at_huge_page(const void* p) {
  return reinterpret_cast<std::uintptr_t>(p) % (std::uintptr_t{2} << 20) == 0;
}

} // namespace

TEST_CASE("large arrays begin at a huge page and ask for such, small ones do neither") {
  for (const std::size_t n : {huge_bytes_min, std::size_t{3} << 20, std::size_t{4} << 20}) {
    huge_vector<char> large(n, 'x');
    CHECK(at_huge_page(large.data()));
    CHECK(large.back() == 'x');
    if (can_tell())
      CHECK(advised(large.data()));
  }
  huge_vector<char> growing;
  for (std::size_t i = 0; i < 3 * huge_bytes_min; ++i)
    growing.push_back(static_cast<char>(i % 100));
  for (std::size_t i = 0; i < growing.size(); ++i)
    REQUIRE(growing[i] == static_cast<char>(i % 100));
  const huge_vector<char> moved = std::move(growing);
  CHECK(moved.size() == 3 * huge_bytes_min);
  CHECK_THROWS_AS(huge_vector<char>(std::size_t{1} << 60), std::bad_alloc);
}

TEST_CASE("the rows that the memory is compared with ask for huge pages, as it does") {
  const auto memory = make_engine();
  constexpr std::uint32_t n = 200;
  learn_concepts(*memory, n, 0);
  for (std::uint32_t i = 0; i < n * n; ++i)
    (void) or_throw(memory->write(
      op::learn_association{.source = id_of(i / n), .target = id_of(i % n), .confidence = 0.5F}));
  while (memory->reconcile().more_pending) {}
  const csr_graph rows(*memory->share());
  const csr_list list = rows.out(0);
  REQUIRE(list.size() == n);
  REQUIRE(rows.edge_count() * sizeof(kind_id) >= huge_bytes_min); // the least array of all
  CHECK(at_huge_page(list.targets().data()));
  CHECK(at_huge_page(list.confidences().data()));
  if (can_tell()) {
    CHECK(advised(list.targets().data()));
    CHECK(advised(list.confidences().data()));
    CHECK(advised(list.kinds().data()));
  }
}
