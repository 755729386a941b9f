# cmake -D BUG=<name> -D PROGRAMS=<folder> -P seeded_bugs.cmake
# Runs the tests that are to find a seeded bug (storage/seeded_bug.hpp), in order, and fails unless
# one does; with BUG=none, all tests that find one, and fails unless all pass.
# Included, it gives the table: `seeded_bugs`, and for each of them seeded_bug_<name>, its tests.

macro(seeded_bug name)
  list(APPEND seeded_bugs ${name})
  set(seeded_bug_${name} ${ARGN})
endmacro()

# -- log: what is on the disk when it is said to be
seeded_bug(log_sync_skipped wal_power_cut) # durable without an fsync
seeded_bug(acknowledged_before_sync engine_store) # a written commit is taken for a synced one
seeded_bug(failed_sync_tried_again wal) # and believed: Linux has dropped the pages by then
seeded_bug(log_directory_sync_skipped wal_power_cut) # a new file's name is in memory only
seeded_bug(full_log_file_unsynced wal_power_cut) # the next file begins before it is on the disk
seeded_bug(record_claims_too_much wal_power_cut) # "durable up to here" before it is
seeded_bug(unsure_records_believed wal_power_cut) # not written anew after a process died
seeded_bug(log_file_released_early wal) # reused though records in it are still needed
seeded_bug(short_write_believed env) # a write that took a part
seeded_bug(reservation_not_kept engine_store) # numbers shown that no root has reserved

# -- log: what is read from it
seeded_bug(log_checksum_unchecked wal_damage)
seeded_bug(torn_tail_accepted wal_damage) # as a record, where it is longer than a sector
seeded_bug(log_generation_unchecked wal) # records of a file's former use
seeded_bug(lost_records_unreported wal_damage) # a log that ends before what was durable
seeded_bug(replayed_out_of_order engine_crash) # two entries of a batch change places

# -- segments
seeded_bug(segment_sync_skipped checkpoint)
seeded_bug(segment_directory_sync_skipped checkpoint)
seeded_bug(segment_checksum_unchecked segment_damage)
seeded_bug(segment_piece_trusted_unseen segment_damage) # only the first of several is checked
seeded_bug(tombstone_ignored cold_reader) # what older segments say shows through
seeded_bug(content_of_placeholder_shown cold_reader) # taken from a former life
seeded_bug(tombstone_not_written engine_flush) # by a flush
seeded_bug(compaction_tombstone_dropped compaction) # with segments below the run
seeded_bug(compaction_older_payload_dropped compaction) # a record loses what the run does not have
seeded_bug(codes_coded_again vector_coding) # where they could have been copied
seeded_bug(drifted_codebook_kept vector_coding) # vectors have become others
seeded_bug(coded_vector_not_noticed engine_coding) # an index goes on with bounds of the original
seeded_bug(coded_vector_flushed engine_coding) # as floats, as if it had been learned
seeded_bug(unfinished_segment_left compaction) # by a merge that failed or was stopped

# -- manifest
seeded_bug(manifest_sync_skipped manifest)
seeded_bug(manifest_directory_sync_skipped manifest)
seeded_bug(manifest_renamed_before_sync manifest)
seeded_bug(manifest_newer_root_overwritten manifest) # the only one that stands meanwhile
seeded_bug(manifest_body_over_newest manifest) # the body that the other root leads to
seeded_bug(manifest_checksum_unchecked manifest)

seeded_bug(checkpoint_beyond_snapshot engine_crash engine_flush) # the log behind it is passed over
seeded_bug(log_released_before_checkpoint engine_flush) # no segment is named yet

# -- backups
seeded_bug(backup_copy_unsynced backup_crash) # named before its bytes are on the disk
seeded_bug(backup_names_unsynced backup_crash) # the manifest is there before what it names
seeded_bug(backup_draft_unsynced backup_crash) # a first one that was cut looks like a damaged store
seeded_bug(backup_cleaned_first backup_crash) # what the backup before needs goes too early
seeded_bug(backup_unverified backup backup_crash) # damage is copied
seeded_bug(backup_manifest_unsettled backup_crash) # the store may give a number out again

# -- memory
seeded_bug(published_relaxed interleavings) # a pointer may be seen before what it points to
seeded_bug(pin_not_checked interleavings) # a snapshot may go between its load and its pin
seeded_bug(freed_while_seen reclaimer) # a retired page of the snapshot that it was made in
seeded_bug(unmapped_while_seen engine_compaction) # a segment that a held snapshot reads
seeded_bug(inputs_removed_before_manifest engine_crash) # of a compaction: the old manifest names them
seeded_bug(failed_merge_not_discarded heap_failures) # half of it is published with the next one
seeded_bug(gap_of_tickets_not_dropped settlement_log) # dropped entries count as applied

# -- time: what fades and what is due
seeded_bug(half_life_changed_without_flush engine_retention) # the log is merged with another one
seeded_bug(due_not_judged_again engine_retention retention_model) # touched meanwhile, and gone

if(NOT CMAKE_SCRIPT_MODE_FILE)
  return()
endif()

set(tests ${seeded_bug_${BUG}})
if(BUG STREQUAL "none")
  foreach(bug IN LISTS seeded_bugs)
    list(APPEND tests ${seeded_bug_${bug}})
  endforeach()
  list(REMOVE_DUPLICATES tests)
endif()

# RapidCheck is kept from looking for a smaller example, which takes long and is not wanted here.
set(ENV{RC_PARAMS} "noshrink=1")
set(ENV{CMEM_SWEEP} "0.2")
set(ENV{CMEM_SEEDED_BUG} "${BUG}")
foreach(test IN LISTS tests)
  execute_process(COMMAND "${PROGRAMS}/${test}_test" --abort
    TIMEOUT 60 RESULT_VARIABLE answer OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(BUG STREQUAL "none")
    if(NOT answer STREQUAL "0")
      message(FATAL_ERROR "${test} fails without a bug (${answer}):\n${said}")
    endif()
  elseif(answer MATCHES "timeout")
    message(FATAL_ERROR "${test} does not end with this bug:\n${said}")
  elseif(NOT answer STREQUAL "0")
    string(SUBSTRING "${said}" 0 4000 said)
    message(STATUS "${test} finds it (${answer}):\n${said}")
    return()
  endif()
endforeach()
if(NOT BUG STREQUAL "none")
  list(JOIN tests ", " tests)
  message(FATAL_ERROR "not found by ${tests}: there is a hole in the tests")
endif()
