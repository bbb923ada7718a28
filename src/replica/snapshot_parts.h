/* What the files of snapshots, space and state transfer offer to the rest of the replica; who does
 * what: snapshot.h. */
#ifndef REPLICA_SNAPSHOT_PARTS_H
#define REPLICA_SNAPSHOT_PARTS_H

#include "replica/journal.h"
#include "replica/replica.h"
#include "replica/snapshot.h"

struct replica_link;

/* ---- snapshot_save.c ---- */
/* Is a snapshot due, and is there a root of this very state, or one under way? */
void save_consider(replica_t *r);
/* The root that was under way is there. */
void save_rooted(replica_t *r);
void save_attested(replica_t *r, member_t member, height_t height, const digest_t *root,
                   const signature_t *signature);
/* Goes on when the last attestation was missing. */
void save_finish(replica_t *r);
void save_abandon(replica_t *r, const char *why);
/* False: not its job. */
bool save_on_job(replica_t *r, const job_t *job);
void save_on_stored(replica_t *r, synod_status status);
void snapshot_put(replica_t *r, uint32_t slot, uint64_t offset, bytes_t bytes, unsigned flags);
void snapshot_write_header(replica_t *r, uint32_t slot);
void snapshot_stored(replica_t *r, uint32_t slot, size_t manifest_size, uint64_t keep,
                     uint64_t position);

/* ---- snapshot_read.c ---- */
void snapshot_recover(replica_t *r);
void snapshot_on_loaded(replica_t *r, uint64_t token, synod_status status);
void snapshot_read_start(replica_t *r, uint32_t slot, ledger_t *into);
synod_status snapshot_judge(replica_t *r, const snapshot_manifest_t *manifest);
void snapshot_adopt(replica_t *r, const snapshot_manifest_t *manifest);
/* What the root has for the order state: the id of the block, with which it names the chain as
 * well, and what the payload strategy orders by. */
digest_t snapshot_order(const digest_t *id, bytes_t order);
digest_t snapshot_root(replica_t *r, ledger_t *ledger, const digest_t *order,
                       digest_t *application);

/* ---- snapshot_serve.c ---- */
void snapshot_ask_on_frame(replica_t *r, struct replica_link *link, bytes_t body);
/* False: not its read. */
bool serve_on_loaded(replica_t *r, uint64_t token, synod_status status);

/* ---- transfer.c ---- */
void snapshot_on_frame(replica_t *r, struct replica_link *link, bytes_t body);
/* False: not its store. */
bool transfer_on_stored(replica_t *r, synod_status status);
void transfer_loaded(replica_t *r, synod_status status);
void transfer_on_sync_ask(replica_t *r);
void transfer_pruned(replica_t *r, member_t member);
void transfer_tick(replica_t *r);

/* ---- space.c ---- */
bool space_append_record(replica_t *r, const record_t *record);
/* The newest of its key, in memory; not written yet. */
void space_keep_record(replica_t *r, const record_t *record);
/* Writes those that are not, as far as there is room. */
void space_write_records(replica_t *r);
/* The journal has less room than the largest block needs. */
bool space_short(const replica_t *r);
/* May a block be added, or does it wait? */
bool space_for_block(replica_t *r, size_t size);
/* Segments of the journal that what a release writes again may take, with batches of their own. */
uint64_t space_reserve(const replica_config_t *config);
/* The first record of the journal that somebody who starts from this height needs. */
uint64_t space_first_above(const replica_t *r, height_t height);
void space_mark(replica_t *r, uint32_t slot);
void space_on_mark(replica_t *r, const journal_entry_t *entry);
/* Recovery: a block was read from the journal; all was. */
void space_on_block(replica_t *r, height_t height, uint64_t sequence);
void space_recovered(replica_t *r);
void space_release(replica_t *r);

#endif
