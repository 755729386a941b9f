#include "storage/context_scratch.hpp"

#include "storage/context_search.hpp"

namespace cmem {

context_scratch::context_scratch() : impl_(std::make_unique<impl>()) {}
context_scratch::~context_scratch() = default;
context_scratch::context_scratch(context_scratch&&) noexcept = default;
context_scratch& context_scratch::operator=(context_scratch&&) noexcept = default;

} // namespace cmem
