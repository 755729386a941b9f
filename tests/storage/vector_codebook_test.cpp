#include "storage/vector_codebook.hpp"

#include "storage/code_table.hpp"
#include "storage/codebook_training.hpp"
#include "tests/catch.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <limits>
#include <random>
#include <thread>

// Of the OpenMP run time, which comes with faiss.
extern "C" {
void omp_set_num_threads(int);
int omp_get_max_threads(void);
}

using namespace cmem;

namespace {

using floats = std::vector<float>;
using codes_of_vector = std::vector<std::uint8_t>;

constexpr float largest = std::numeric_limits<float>::max();
constexpr float tiniest = std::numeric_limits<float>::denorm_min();

/// Without std::normal_distribution, whose numbers are the library's affair.
class some_floats {
public:
  explicit some_floats(std::uint32_t seed) : random_(seed) {}
  float unit() { return static_cast<float>(random_() % 20'001) / 10'000.0F - 1.0F; }
  floats row(std::size_t dimension) {
    floats all(dimension);
    for (float& x : all)
      x = unit();
    return all;
  }
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }

private:
  std::mt19937 random_;
};

floats some_rows(std::size_t count, std::size_t dimension, std::uint32_t seed = 7) {
  return some_floats(seed).row(count * dimension);
}

std::span<const float> row_of(const floats& rows, std::size_t i, std::size_t dimension) {
  return std::span(rows).subspan(i * dimension, dimension);
}

vector_codebook trained(const floats& rows, std::size_t dimension, codebook_options options = {}) {
  options.rounds = std::min(options.rounds, 4U); // how good they are is no matter to most tests
  auto made = vector_codebook::train(rows, dimension, options);
  if (!made)
    FAIL(to_string(made.error()));
  return *std::move(made);
}

codes_of_vector codes_of(const vector_codebook& codebook, std::span<const float> v) {
  codes_of_vector codes(codebook.parts());
  (void) codebook.encode(v, codes.data());
  return codes;
}

floats decoded(const vector_codebook& codebook, const codes_of_vector& codes, double norm) {
  floats v(codebook.dimension());
  codebook.decode(codes.data(), norm, v);
  return v;
}

double product(std::span<const float> a, std::span<const float> b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i)
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

double squared_distance(std::span<const float> a, std::span<const float> b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += d * d;
  }
  return sum;
}

std::string error_of(const floats& rows, std::size_t dimension, codebook_options options = {}) {
  const auto made = vector_codebook::train(rows, dimension, options);
  return made ? "none" : to_string(made.error());
}

/// Codes of many vectors in blocks. Exactly the bytes that whole blocks take, so that a read
/// beyond is seen under AddressSanitizer.
struct coded_rows {
  coded_rows(const vector_codebook& codebook, const floats& rows)
    : count(rows.size() / codebook.dimension()), blocks(block_bytes(count, codebook.parts())) {
    for (std::size_t i = 0; i < count; ++i) {
      codes.push_back(codes_of(codebook, row_of(rows, i, codebook.dimension())));
      for (std::size_t p = 0; p < codebook.parts(); ++p)
        blocks[block_code_at(i, p, codebook.parts())] = codes.back()[p];
    }
  }
  std::size_t count;
  std::vector<codes_of_vector> codes;
  std::vector<std::uint8_t> blocks;
};

} // namespace

TEST_CASE("any dimension is cut into parts that differ by one component at most") {
  for (const std::size_t dimension : {1U, 2U, 3U, 7U, 13U, 100U})
    for (std::uint32_t parts = 1; parts <= dimension; parts += 1 + parts / 8) {
      const auto codebook = trained(some_rows(40, dimension), dimension, {.parts = parts});
      REQUIRE(codebook.parts() == parts);
      std::size_t components = 0;
      for (std::size_t p = 0; p < parts; ++p) {
        CHECK(codebook.part_begin(p) == components);
        components += codebook.part(p).width;
        CHECK(codebook.part(p).width >= dimension / parts);
        CHECK(codebook.part(p).width <= dimension / parts + 1);
      }
      CHECK(components == dimension);
    }
}

TEST_CASE("the ratio decides how many parts there are") {
  const auto parts = [](std::size_t dimension, std::uint32_t ratio) {
    return trained(some_rows(20, dimension), dimension, {.ratio = ratio}).parts();
  };
  CHECK(parts(100, 8) == 50);
  CHECK(parts(100, 4) == 100);
  CHECK(parts(100, 32) == 12);
  CHECK(parts(7, 8) == 3);
  CHECK(parts(1, 8) == 1);
}

TEST_CASE("up to 256 different rows come back as they were") {
  const std::size_t dimension = 9;
  for (const std::size_t different : {1U, 40U, 256U}) {
    const floats rows = some_rows(different, dimension);
    floats many; // the same ones again and again, in another order
    for (std::size_t i = 0; i < 2'000; ++i)
      for (const float x : row_of(rows, i * 31 % different, dimension))
        many.push_back(x);
    const auto codebook = trained(many, dimension);
    CHECK(codebook.trained_rows() == 2'000);
    CHECK(codebook.trained_error() == 0.0);
    for (std::size_t i = 0; i < different; ++i) {
      const auto v = row_of(rows, i, dimension);
      codes_of_vector codes(codebook.parts());
      const coded_vector coded = codebook.encode(v, codes.data());
      CHECK(coded.error == 0.0);
      const floats back = decoded(codebook, codes, coded.norm);
      for (std::size_t j = 0; j < dimension; ++j)
        CHECK(back[j] == Approx(v[j]).epsilon(1e-6));
    }
    // Others too have none but the codes of these.
    const floats others = some_rows(200, dimension, 8);
    for (std::size_t i = 0; i < 200; ++i)
      for (const unsigned code : codes_of(codebook, row_of(others, i, dimension)))
        CHECK(code < different);
  }
}

TEST_CASE("each part has the code of its nearest centroid") {
  const std::size_t dimension = 23;
  const auto codebook = trained(some_rows(700, dimension), dimension, {.parts = 5});
  const floats others = some_rows(50, dimension, 8);
  for (std::size_t i = 0; i < 50; ++i) {
    const auto v = row_of(others, i, dimension);
    codes_of_vector codes(codebook.parts());
    const coded_vector coded = codebook.encode(v, codes.data());
    CHECK(coded.norm == Approx(std::sqrt(product(v, v))));
    double error = 0.0;
    for (std::size_t p = 0; p < codebook.parts(); ++p) {
      const part_centroids part = codebook.part(p);
      double least = 1e9;
      double chosen = 0.0;
      for (std::size_t c = 0; c < codebook_centroids; ++c) {
        double apart = 0.0;
        for (std::size_t j = 0; j < part.width; ++j) {
          const double d = static_cast<double>(v[codebook.part_begin(p) + j]) / coded.norm
                           - static_cast<double>(part.centroids[j * codebook_centroids + c]);
          apart += d * d;
        }
        least = std::min(least, apart);
        if (c == codes[p])
          chosen = apart;
      }
      CHECK(chosen == Approx(least).margin(1e-7));
      error += chosen;
    }
    CHECK(coded.error == Approx(error).margin(1e-6));
    const floats direction = decoded(codebook, codes, 1.0);
    floats unit(v.begin(), v.end());
    for (float& x : unit)
      x = static_cast<float>(static_cast<double>(x) / coded.norm);
    CHECK(coded.error == Approx(squared_distance(unit, direction)).margin(1e-6));
  }
}

TEST_CASE("more parts and more rounds of training code vectors better") {
  const std::size_t dimension = 16;
  const floats rows = some_rows(3'000, dimension);
  const auto error = [&](codebook_options options) {
    auto made = vector_codebook::train(rows, dimension, options);
    REQUIRE(made);
    return made->trained_error();
  };
  const double rough = error({.parts = 4, .rounds = 1});
  const double eight_smaller = error({.ratio = 8});
  const double four_smaller = error({.ratio = 4});
  CHECK(error({.parts = 4, .rounds = 20}) < 0.97 * rough);
  CHECK(eight_smaller < 0.3 * rough);
  CHECK(four_smaller < 0.02 * eight_smaller);
  CHECK(eight_smaller
        < 0.02); // five bits a component: what a uniform quantizer is off is 1/1024 of it
}

TEST_CASE("the error to expect is that of rows that were not trained with") {
  const std::size_t dimension = 8;
  const floats rows = some_rows(2'048, dimension);
  const auto few = trained(floats(rows.begin(), rows.end() - 8), dimension);
  const auto enough = trained(rows, dimension);
  const auto error_on = [&](const vector_codebook& codebook, auto&& chosen) {
    codes_of_vector codes(codebook.parts());
    double sum = 0.0;
    double count = 0.0;
    for (std::size_t i = 0; i < codebook.trained_rows(); ++i)
      if (chosen(i)) {
        sum += codebook.encode(row_of(rows, i, dimension), codes.data()).error;
        ++count;
      }
    return sum / count;
  };
  CHECK(few.trained_error() == Approx(error_on(few, [](std::size_t) { return true; })));
  CHECK(enough.trained_error()
        == Approx(error_on(enough, [](std::size_t i) { return i % 8 == 7; })));
  CHECK(enough.trained_error() > 1.1 * error_on(enough, [](std::size_t i) { return i % 8 != 7; }));
}

TEST_CASE("the same sample gives the same codebook on any thread") {
  const std::size_t dimension = 12;
  const floats rows = some_rows(1'500, dimension);
  const auto first = trained(rows, dimension);
  std::vector<std::vector<std::byte>> others(2);
  {
    std::vector<std::thread> threads;
    for (auto& other : others)
      threads.emplace_back([&] { other = trained(rows, dimension).to_bytes(); });
    for (auto& t : threads)
      t.join();
  }
  for (const auto& other : others)
    CHECK(other == first.to_bytes());
  CHECK_FALSE(trained(rows, dimension, {.seed = 2}) == first);
}

TEST_CASE("training leaves no threads behind and no setting of the caller's changed") {
  const auto threads = [] {
    const std::filesystem::directory_iterator all("/proc/self/task");
    return std::distance(begin(all), end(all));
  };
  const auto before = threads();
  omp_set_num_threads(3);
  (void) trained(some_rows(2'000, 8), 8);
  CHECK(omp_get_max_threads() == 3);
  CHECK(threads() == before);
}

TEST_CASE("lengths do not matter to what is learned of directions") {
  const std::size_t dimension = 10;
  const floats rows = some_rows(900, dimension);
  floats scaled = rows;
  const float lengths[] = {0x1p+100F, 0x1p-100F, 1.0F,
                           0x1p+3F}; // exact, so that nothing is rounded
  for (std::size_t i = 0; i < scaled.size(); ++i)
    scaled[i] *= lengths[i / dimension % 4];
  CHECK(trained(rows, dimension) == trained(scaled, dimension));
}

TEST_CASE("the largest and the tiniest components are coded as others are") {
  const std::size_t dimension = 8;
  floats rows = some_rows(600, dimension);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t row = i / dimension;
    if (row % 5 == 0)
      rows[i] = rows[i] < 0 ? -largest : largest;
    if (row % 5 == 1)
      rows[i] = rows[i] < 0 ? -tiniest : tiniest;
    if (row % 5 == 2 && i % dimension != 3)
      rows[i] = tiniest;
    if (row % 5 == 3 && i % dimension != 3)
      rows[i] *= 1e-20F;
  }
  const auto codebook = trained(rows, dimension, {.parts = 4});
  CHECK(std::isfinite(codebook.trained_error()));
  CHECK(codebook.trained_error() < 0.05);
  for (const float length : {largest, tiniest}) {
    const floats v(dimension, length);
    codes_of_vector codes(codebook.parts());
    const coded_vector coded = codebook.encode(v, codes.data());
    CHECK(coded.norm == Approx(std::sqrt(8.0) * static_cast<double>(length)));
    CHECK(coded.error < 0.05);
    for (const float x : decoded(codebook, codes, coded.norm)) {
      CHECK(std::isfinite(x));
      if (length == largest) // the tiniest float has no half
        CHECK(std::abs(static_cast<double>(x) / static_cast<double>(length) - 1.0) < 0.5);
    }
    const code_table table(codebook, v);
    CHECK(table.cosine(codes.data()) == Approx(1.0).margin(0.2));
  }
}

TEST_CASE("a vector of zeros has the norm 0 and no error, and no part in training") {
  const std::size_t dimension = 6;
  floats rows = some_rows(300, dimension);
  const auto without = trained(rows, dimension);
  rows.insert(rows.begin() + 60, 120, 0.0F);
  const auto codebook = trained(rows, dimension);
  CHECK(codebook == without);
  codes_of_vector codes(codebook.parts());
  const coded_vector coded = codebook.encode(floats(dimension), codes.data());
  CHECK(coded.norm == 0.0);
  CHECK(coded.error == 0.0);
  CHECK(decoded(codebook, codes, coded.norm) == floats(dimension));
  const code_table table(codebook, floats(dimension));
  CHECK(table.cosine(codes.data()) == 0.0);
  CHECK(table.cosine_of(0) == 0.0);
  CHECK(table.score(vector_metric::l2, 0.0, 3.0) == 3.0);
}

TEST_CASE("what cannot be trained with is refused") {
  CHECK(error_of({}, 3) == "invalid_argument: codebook: rows has none that is not all zero");
  CHECK(error_of(floats(9), 3) == "invalid_argument: codebook: rows has none that is not all zero");
  CHECK(error_of({1, 2}, 0) == "invalid_argument: codebook: dimension is 0: must be 1 to 4096");
  CHECK(error_of(floats(4'097, 1.0F), 4'097)
        == "invalid_argument: codebook: dimension is 4097: must be 1 to 4096");
  CHECK(error_of({1, 2, 3, 4}, 3)
        == "invalid_argument: codebook: rows has 4 floats: not a multiple of dimension 3");
  CHECK(error_of({1, 2, 3}, 3, {.parts = 4})
        == "invalid_argument: codebook: parts is 4: must be no more than the dimension, 3");
  CHECK(error_of({1, 2, 3}, 3, {.ratio = 3})
        == "invalid_argument: codebook: ratio is 3: must be at least 4");
  CHECK(error_of({1, 2, 3, 4, NAN, 6}, 3)
        == "invalid_argument: codebook: rows[1][1] is nan: must be finite");
  CHECK(error_of({1, 2, 3, 4, 5, -INFINITY}, 3)
        == "invalid_argument: codebook: rows[1][2] is -inf: must be finite");
}

TEST_CASE("a training in steps comes to the same, a part at a time") {
  const std::size_t dimension = 10;
  auto rows = some_rows(3'000, dimension);
  std::fill_n(rows.begin() + 5 * static_cast<std::ptrdiff_t>(dimension), dimension, 0.0F);
  const codebook_options options{.parts = 4, .rounds = 3};
  auto training = codebook_training::start(rows, dimension, options);
  REQUIRE(training);
  for (int part = 1; part <= 4; ++part)
    CHECK(training->step() == (part == 4));
  const auto made = std::move(*training).take();
  CHECK(made.trained_rows() == 2'999);
  CHECK(made == trained(rows, dimension, options));
  CHECK(!codebook_training::start(floats(dimension), dimension, options));
}

TEST_CASE("a codebook is read where it lies as it is from a copy") {
  const std::size_t dimension = 7;
  const auto codebook = trained(some_rows(400, dimension), dimension, {.parts = 3});
  const auto bytes = codebook.to_bytes();
  CHECK(bytes.size() == vector_codebook::bytes_of(dimension));
  const auto view = codebook_view::of(bytes);
  REQUIRE(view);
  CHECK(view->dimension() == dimension);
  CHECK(view->parts() == 3);
  CHECK(view->trained_rows() == codebook.trained_rows());
  CHECK(view->trained_error() == codebook.trained_error());
  CHECK(view->directions());
  CHECK(vector_codebook(*view) == codebook);
  CHECK(vector_codebook(codebook_view::trusted(bytes.data())) == codebook);
  const std::uint8_t codes[] = {1, 77, 255};
  floats here(dimension);
  floats there(dimension);
  view->decode(codes, 2.5, here);
  codebook.decode(codes, 2.5, there);
  CHECK(here == there);
  auto broken = bytes;
  const float nan = NAN;
  std::memcpy(broken.data() + bytes.size() - sizeof nan, &nan, sizeof nan);
  REQUIRE(codebook_view::of(broken));
  CHECK_FALSE(codebook_view::of(broken)->directions());
}

TEST_CASE("a codebook comes back from its bytes, and other bytes are refused") {
  const std::size_t dimension = 5;
  const auto codebook = trained(some_rows(400, dimension), dimension);
  const auto bytes = codebook.to_bytes();
  CHECK(bytes.size() == 32 + 4 * 256 * dimension);
  CHECK(std::memcmp(bytes.data(), "CMQB\1\0\0\0\5\0\0\0\2\0\0\0\x90\1\0\0\0\0\0\0", 24) == 0);
  const auto back = vector_codebook::from_bytes(bytes);
  REQUIRE(back);
  CHECK(*back == codebook);

  const auto refused = [&](std::size_t at, const auto& value) {
    auto broken = bytes;
    std::memcpy(broken.data() + at, &value, sizeof value);
    const auto made = vector_codebook::from_bytes(broken);
    return !made && made.error().code == errc::corrupt;
  };
  CHECK(refused(0, std::uint32_t{1}));
  CHECK(refused(4, std::uint32_t{2}));
  CHECK(refused(8, std::uint32_t{0}));
  CHECK(refused(8, std::uint32_t{6}));
  CHECK(refused(8, ~std::uint32_t{0}));
  CHECK(refused(12, std::uint32_t{0}));
  CHECK(refused(12, std::uint32_t{6}));
  CHECK(refused(24, double{NAN}));
  CHECK(refused(24, -1.0));
  CHECK(refused(32 + 400, NAN));
  CHECK(refused(32 + 400, 3.0F));
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{31}, std::size_t{32}, bytes.size() - 1})
    CHECK(!vector_codebook::from_bytes(std::span(bytes).first(size)));
  auto longer = bytes;
  longer.push_back(std::byte{0});
  CHECK(!vector_codebook::from_bytes(longer));
}

TEST_CASE("scores from the table are those of the decoded vectors, by all metrics") {
  const std::size_t dimension = 29;
  const auto codebook = trained(some_rows(800, dimension), dimension, {.parts = 9});
  const coded_rows coded(codebook, some_rows(150, dimension, 9));
  some_floats random(10);
  for (int q = 0; q < 10; ++q) {
    floats query = random.row(dimension);
    for (float& x : query)
      x *= 3.0F;
    const code_table table(codebook, query);
    CHECK(table.query_norm() == Approx(std::sqrt(product(query, query))));
    for (std::size_t i = 0; i < coded.count; ++i) {
      const double norm = 0.25 * static_cast<double>(i);
      const double cosine = table.cosine(coded.codes[i].data());
      const floats v = decoded(codebook, coded.codes[i], norm);
      CHECK(table.cosine(coded.blocks.data(), i) == cosine);
      CHECK(table.score(vector_metric::cosine, cosine, norm)
            == Approx(product(query, decoded(codebook, coded.codes[i], 1.0)) / table.query_norm())
                 .margin(1e-6));
      CHECK(table.score(vector_metric::inner_product, cosine, norm)
            == Approx(product(query, v)).margin(1e-4));
      // The norm is known exactly, while what is decoded is as a rule shorter.
      const double apart = product(query, query) + norm * norm - 2.0 * product(query, v);
      CHECK(table.score(vector_metric::l2, cosine, norm)
            == Approx(std::sqrt(std::max(0.0, apart))).margin(1e-3));
    }
  }
}

TEST_CASE("sums of bytes tell cosines as exactly as they say") {
  for (const std::uint32_t parts : {1U, 3U, 40U}) {
    const std::size_t dimension = 40;
    const auto codebook = trained(some_rows(500, dimension), dimension, {.parts = parts});
    const coded_rows coded(codebook, some_rows(200, dimension, 11));
    some_floats random(12);
    for (int q = 0; q < 10; ++q) {
      const code_table table(codebook, random.row(dimension));
      std::vector<std::uint32_t> sums(coded.count);
      table.sum(coded.blocks.data(), coded.count, sums.data());
      double off = 0.0;
      for (std::size_t i = 0; i < coded.count; ++i)
        off =
          std::max(off, std::abs(table.cosine_of(sums[i]) - table.cosine(coded.codes[i].data())));
      CHECK(off <= table.cosine_slack() + 1e-12);
      CHECK(table.cosine_slack() < 0.05);
    }
  }
}

TEST_CASE("all ways to sum codes give the same, and read the codes of no other vector") {
  some_floats random(13);
  for (const std::size_t parts : {std::size_t{1}, std::size_t{2}, std::size_t{50}, std::size_t{255},
                                  std::size_t{256}, std::size_t{257}, std::size_t{700}}) {
    std::vector<std::uint8_t> table(parts * codebook_centroids);
    for (auto& entry : table) // many of the largest: sums must not overflow
      entry = static_cast<std::uint8_t>(random.below(4) == 0 ? random.below(256) : 255);
    for (const std::size_t count :
         {std::size_t{0}, std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{65},
          std::size_t{255}, std::size_t{256}, std::size_t{300}}) {
      std::vector<std::uint8_t> blocks(block_bytes(count, parts));
      for (auto& code : blocks)
        code = static_cast<std::uint8_t>(random.below(256));
      std::vector<std::uint32_t> expected(count);
      for (std::size_t v = 0; v < count; ++v)
        for (std::size_t p = 0; p < parts; ++p)
          expected[v] += table[p * codebook_centroids + blocks[block_code_at(v, p, parts)]];
      for (const codebook_kernels& way : codebook_kernels_here()) {
        INFO(way.name << ", " << parts << " parts, " << count << " vectors");
        std::vector<std::uint32_t> sums(count, 77);
        way.sum(table.data(), parts, blocks.data(), count, sums.data());
        CHECK(sums == expected);
      }
    }
  }
}

TEST_CASE("codes of later vectors are written while those of earlier ones are summed") {
  const std::size_t parts = 20;
  const std::size_t known = 100; // in the middle of a block
  std::vector<std::uint8_t> table(parts * codebook_centroids, 3);
  std::vector<std::uint8_t> blocks(block_bytes(128, parts));
  std::thread writer([&] {
    for (std::size_t v = known; v < 128; ++v)
      for (std::size_t p = 0; p < parts; ++p)
        blocks[block_code_at(v, p, parts)] = static_cast<std::uint8_t>(v);
  });
  std::vector<std::uint32_t> sums(known);
  for (const codebook_kernels& way : codebook_kernels_here())
    way.sum(table.data(), parts, blocks.data(), known, sums.data());
  writer.join();
  CHECK(sums == std::vector<std::uint32_t>(known, 60));
}

TEST_CASE("all ways to find the nearest centroid give the same, bit by bit") {
  some_floats random(14);
  for (const std::size_t width : {1U, 2U, 3U, 8U, 31U}) {
    floats centroids = random.row(width * codebook_centroids);
    if (width == 2) // so coarse that many are equally near
      for (float& x : centroids)
        x = std::round(x * 4.0F);
    const part_centroids part{centroids.data(), width};
    for (std::size_t i = 0; i < test::sweep(2'000); ++i) {
      floats v = random.row(width);
      if (width == 2)
        v = {std::round(v[0] * 4.0F), std::round(v[1] * 4.0F) + 0.5F};
      nearest_centroid expected{0, std::numeric_limits<float>::infinity()};
      for (std::size_t c = 0; c < codebook_centroids; ++c) {
        float sum = 0.0F;
        for (std::size_t j = 0; j < width; ++j) {
          const float apart = centroids[j * codebook_centroids + c] - v[j];
          const volatile float square = apart * apart; // rounded before it is added
          sum += square;
        }
        if (sum < expected.distance)
          expected = {static_cast<std::uint8_t>(c), sum};
      }
      for (const codebook_kernels& way : codebook_kernels_here())
        if (way.nearest(part, v.data()) != expected)
          FAIL(way.name << ": not the nearest of width " << width);
    }
  }
}

TEST_CASE("drift is seen where vectors come from elsewhere, and only there") {
  const std::size_t dimension = 24;
  const auto around = [&](float x, std::uint32_t seed) { // one half of the components leans there
    floats rows = some_rows(3'000, dimension, seed);
    for (std::size_t i = 0; i < rows.size(); ++i)
      rows[i] = i % dimension < 12 ? x + 0.2F * rows[i] : rows[i] * (x > 0 ? 0.1F : 1.0F);
    return rows;
  };
  const auto codebook = trained(around(1.0F, 20), dimension);
  const auto fed = [&](const floats& rows, std::size_t count) {
    codebook_drift drift;
    codes_of_vector codes(codebook.parts());
    for (std::size_t i = 0; i < count; ++i)
      drift.add(codebook.encode(row_of(rows, i, dimension), codes.data()).error);
    return drift;
  };
  const auto alike = fed(around(1.0F, 21), 3'000);
  CHECK(alike.vectors() == 3'000);
  CHECK(alike.mean_error() == Approx(codebook.trained_error()).epsilon(0.1));
  CHECK_FALSE(alike.is_due(codebook));
  CHECK(fed(around(-1.0F, 22), 3'000).is_due(codebook));
  CHECK_FALSE(fed(around(-1.0F, 22), 500).is_due(codebook)); // too few to tell
  CHECK_FALSE(codebook_drift().is_due(codebook));
  CHECK(codebook_drift().mean_error() == 0.0);
}
