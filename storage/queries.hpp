#pragma once
// Questions to a snapshot (R5). All are functions of the snapshot and their arguments: equal
// snapshots give equal answers, whatever order things were stored in. Answers hold indices into the
// snapshot, not copies (R6). Only learned concepts, and associations between them, take part (W6).

#include "storage/activation.hpp"
#include "storage/breadth_first.hpp"
#include "storage/find_path.hpp"
#include "storage/nearest.hpp"
#include "storage/neighbors.hpp"
#include "storage/path_query.hpp"
#include "storage/paths.hpp"
#include "storage/search.hpp"
#include "storage/subgraph.hpp"
#include "storage/traversal.hpp"
