#pragma once
// All messages, and their numbers. Structs of our own namespace, for `using namespace caf` brings
// in atoms of common names. A host whose own block would meet these numbers compiles this library
// and itself with another CMEM_TYPE_ID_BASE (a setting of the build, which hands it on). A node
// that talks to others adds the block `cmem` to its system's config.

#include "messages/internal.hpp"
#include "messages/requests.hpp"
#include "messages/writes.hpp"

#ifndef CMEM_TYPE_ID_BASE
// Leaves a thousand to a host that starts at the first custom one.
#  define CMEM_TYPE_ID_BASE (caf::first_custom_type_id + 1000)
#endif

static_assert(CMEM_TYPE_ID_BASE >= caf::first_custom_type_id, "numbers below are CAF's own");

CAF_BEGIN_TYPE_ID_BLOCK(cmem, CMEM_TYPE_ID_BASE)

CAF_ADD_TYPE_ID(cmem, (cmem::errc))
CAF_ADD_TYPE_ID(cmem, (cmem::fate))
CAF_ADD_TYPE_ID(cmem, (cmem::direction))
CAF_ADD_TYPE_ID(cmem, (cmem::concept_id))
CAF_ADD_TYPE_ID(cmem, (cmem::ticket))
CAF_ADD_TYPE_ID(cmem, (cmem::settlement))
CAF_ADD_TYPE_ID(cmem, (cmem::concept_record))
CAF_ADD_TYPE_ID(cmem, (cmem::neighbor_record))
CAF_ADD_TYPE_ID(cmem, (cmem::path_hop))
CAF_ADD_TYPE_ID(cmem, (cmem::path_record))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::concept_key))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::learn_concept))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::learn_association))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::strengthen))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::strengthen_association))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::record_access))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::record_use))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::attribute))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::set_attributes))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::forget_concept))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::forget_association))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::batch_item))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::learn_batch))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::register_kind))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::await_visible))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::await_durable))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::settled))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::find))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::neighbors))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::neighbor_list))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::find_path))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::path_answer))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::reconcile_now))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::tick))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::go_on))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::count_respawns))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::commit_now))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::flush_now))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::compact_some))
// New ones go to the end: those above keep their numbers.
CAF_ADD_TYPE_ID(cmem, (cmem::path_order))
CAF_ADD_TYPE_ID(cmem, (cmem::traversal_end))
CAF_ADD_TYPE_ID(cmem, (cmem::association_record))
CAF_ADD_TYPE_ID(cmem, (cmem::paths_record))
CAF_ADD_TYPE_ID(cmem, (cmem::distant_concept))
CAF_ADD_TYPE_ID(cmem, (cmem::subgraph_record))
CAF_ADD_TYPE_ID(cmem, (cmem::activated_concept))
CAF_ADD_TYPE_ID(cmem, (cmem::activation_record))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::traversal_bounds))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::find_paths))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::path_list))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::subgraph))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::subgraph_found))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::activation_seed))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::activate))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::activation_found))
CAF_ADD_TYPE_ID(cmem, (cmem::vector_metric))
CAF_ADD_TYPE_ID(cmem, (cmem::search_rank))
CAF_ADD_TYPE_ID(cmem, (cmem::found_concept))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::search_filter))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::search))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::search_found))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::acknowledged))
CAF_ADD_TYPE_ID(cmem, (cmem::msg::drain))

CAF_END_TYPE_ID_BLOCK(cmem)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cmem::msg::newer_snapshot)
CMEM_ERROR_ENUM(cmem::errc, "cmem")
