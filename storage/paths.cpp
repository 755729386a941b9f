#include "storage/paths.hpp"

#include "storage/path_search.hpp"

namespace cmem {

path_scratch::path_scratch() : impl_(std::make_unique<impl>()) {}
path_scratch::~path_scratch() = default;
path_scratch::path_scratch(path_scratch&&) noexcept = default;
path_scratch& path_scratch::operator=(path_scratch&&) noexcept = default;

} // namespace cmem
