#pragma once
// Every benchmark: bench/NAME.cpp defines `outcome NAME(const options&)`, bench.cpp lists it.

#include "bench/bench.hpp"

namespace cmem::bench {

/// What a writer pays for an append.
outcome append(const options& o);
/// Associations made visible per second by one reconciler.
outcome ingest(const options& o);
/// What a second thread brings to the merge of large batches.
outcome merge2(const options& o);
/// What a snapshot costs, at 100,000, 1M and 10M concepts.
outcome publish(const options& o);
/// What a reader pays for the newest snapshot.
outcome load(const options& o);
/// id -> record.
outcome lookup(const options& o);
/// All associations of random concepts, beside static arrays.
outcome neighbors(const options& o);
/// Hops from one concept to all others, beside static arrays.
outcome bfs(const options& o);
/// What writing does to the latency of reading.
outcome interference(const options& o);
/// From append to visible.
outcome staleness(const options& o);
/// The scenario learn_reason_learn as it stands, in real time, on WordNet.
outcome headline(const options& o);
/// Paths asked for while learning, beside a map behind a mutex, LMDB, RocksDB and SQLite.
outcome burst(const options& o);
/// Bytes a concept and an association take.
outcome memory(const options& o);
/// What packing settled associations saves, and what it does to searches.
outcome compressed(const options& o);
/// What a snapshot that is held for long costs.
outcome held(const options& o);
/// What a memory costs that nobody uses.
outcome idle(const options& o);
/// Acknowledged writes per second, beside RocksDB, LMDB and SQLite.
outcome durable(const options& o);
/// `append` and `interference` again, of memories that are stored.
outcome burst_durable(const options& o);
/// Opening a store.
outcome recover(const options& o);
/// What a flush writes.
outcome flush(const options& o);
/// What a backup writes, and what it does to writers.
outcome backup(const options& o);
/// Ten minutes of updates, with compaction and without.
outcome soak(const options& o);
/// Bytes written for each byte learned, beside RocksDB.
outcome write_amp(const options& o);
/// Memory that an opened store takes. Forks: other threads of the process are not in its children.
outcome mapped(const options& o);
/// Look-ups in the segments of a store that nobody opened.
outcome cold(const options& o);
/// The path of fewest hops between random concepts.
outcome path(const options& o);
/// The most confident path between random concepts.
outcome weighted(const options& o);
/// The nearest of 50,000 vectors, exactly, beside a plain loop over their floats.
outcome vectors_small(const options& o);
/// The nearest vectors while others are learned, beside hnswlib.
outcome vectors(const options& o);
/// The nearest of those that pass a filter.
outcome filtered(const options& o);
/// Concepts by the words of their content and name, beside SQLite's FTS5.
outcome text(const options& o);
/// Vectors in a few bytes each: what is found, and how fast, beside faiss.
outcome pq(const options& o);
/// A store that keeps codes of vectors alone: how large it is, and what is found in it.
outcome codes(const options& o);
/// Opening a store with an index of vectors, which is read or made again.
outcome stored_index(const options& o);
/// What one client of a node learns per second, beside Redis.
outcome remote(const options& o);
/// What the network adds to a question, beside a bare echo of CAF.
outcome remote_read(const options& o);
/// What a mailbox adds to a question, beside a bare request of CAF.
outcome local_actors(const options& o);
/// What a few clients that ask as fast as they can do to a thousand others.
outcome crowd(const options& o);

} // namespace cmem::bench
