#pragma once
// How a store keeps vectors, once their segments are merged: as floats, or as codes.
//
// Where originals are kept, nothing is lost: codes of the codebook that tells most of the vectors
// are copied with it, and all other vectors become floats, decoded where they were codes. Where
// they are not, all vectors are coded as soon as there is a codebook for them: the one that tells
// most of them already, or, where there is none or they have become others (codebook_drift), one
// that is trained with a sample of them, once there are enough. Codes of an equal codebook are
// copied; those of another one are decoded and coded again, which loses a little each time.

#include "storage/vector_codebook.hpp"

#include <cstdint>

namespace cmem {

struct vector_coding_options {
  bool keep_originals = true;
  /// Of what is trained: 4 or 8. A block takes one byte in so many of the floats' block; a
  /// dimension for which that is no room at all is never coded (parts_for).
  std::uint32_t ratio = 4;
  std::uint32_t rounds = codebook_options().rounds;                ///< of k-means
  std::uint64_t vectors_min = vector_codebook::sample_rows_enough; ///< to train with
};

} // namespace cmem
