#pragma once
// (completed with graph_builder)
namespace cmem { class id_table; }
