#pragma once
// Training of a codebook in steps, for those who have other things to do meanwhile.

#include "storage/vector_codebook.hpp"

namespace cmem {

/// vector_codebook::train(), a part at a time: hundreds of them take a second or more. Threads: one
/// at a time. Throws std::bad_alloc: of no use then.
class codebook_training {
public:
  /// Fails: as vector_codebook::train() does.
  static result<codebook_training> start(std::vector<float> rows, std::size_t dimension,
                                         const codebook_options& options);

  /// Finds the centroids of the next part. True: that was the last one. Precondition: there is one.
  bool step();
  /// Precondition: step() said that it was the last one.
  [[nodiscard]] vector_codebook take() &&;

private:
  codebook_training(std::vector<float> directions, std::size_t dimension, std::size_t parts,
                    const codebook_options& options);
  [[nodiscard]] bool is_held_out(std::size_t row) const noexcept;

  std::vector<float> directions_; // const
  codebook_options options_;      // const
  vector_codebook made_;
  std::size_t part_ = 0; // the next one
};

} // namespace cmem
