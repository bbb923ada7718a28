/* Checkpoints: each member computes the state root at the same heights, signs it and compares. A
 * replica that finds f + 1 others of another opinion stops with a reason, it never repairs silently
 * (attack P23). */
#include "crypto/hash.h"
#include "replica/state.h"

/* Nothing to do for this long: the root of the state as it stands is computed. */
#define IDLE_ROOT_NS UINT64_C(100000000)
/* 2^6: a claim that nothing stands behind costs a question every 32 s. */
#define CLAIM_TRIES_MAX 6
/* A root is told again after so long, then after twice that, up to 2^5 of it: its lane drops what
 * is too much, and where nothing executes, for want of this very word, no other root comes. */
#define TELL_NS UINT64_C(2000000000)
#define TELL_TRIES_MAX 5

digest_t committee_root(const replica_t *r) {
    const committee_t *committee = r->config.committee;
    digest_t root = committee->domain;
    for (member_t m = 0; m < committee->size; m++) {
        uint8_t numbers[16];
        store_u64(numbers, committee->members[m].weight);
        store_u64(numbers + 8, committee->members[m].incarnation);
        bytes_t parts[3] = {bytes_of(root.bytes, sizeof root.bytes),
                            bytes_of(committee->members[m].key.bytes, SYNOD_KEY_BYTES),
                            bytes_of(numbers, sizeof numbers)};
        root = hash_parts(parts, 3);
    }
    return root;
}

/* Where a checkpoint of this member goes: in place of its own oldest, so that a liar takes nobody
 * else's room. NULL when it says nothing new. */
static checkpoint_said_t *place_for(replica_t *r, member_t member, height_t height) {
    checkpoint_said_t *said = &r->checkpoints[(size_t)member * CHECKPOINTS_KEPT];
    checkpoint_said_t *oldest = &said[0];
    for (uint32_t i = 0; i < CHECKPOINTS_KEPT; i++) {
        if (said[i].height == height)
            return NULL;
        if (said[i].height < oldest->height)
            oldest = &said[i];
    }
    return oldest->height > height ? NULL : oldest;
}

/* Another root of the height for which we have one; NULL: there is none. */
static const digest_t *other_root(const replica_t *r, member_t member) {
    const checkpoint_said_t *said = &r->checkpoints[(size_t)member * CHECKPOINTS_KEPT];
    for (uint32_t i = 0; i < CHECKPOINTS_KEPT; i++)
        if (said[i].height == r->root_height && !digest_equal(&said[i].root, &r->root))
            return &said[i].root;
    return NULL;
}

/* The first bytes, in the order in which people see them elsewhere. */
static unsigned long long root_name(const digest_t *root) {
    unsigned long long name = 0;
    for (uint32_t i = 0; i < 8; i++)
        name = name << 8 | root->bytes[i];
    return name;
}

/* Others that said something else about the height for which we have a root. */
static void compare(replica_t *r) {
    const committee_t *committee = r->config.committee;
    const digest_t *other = NULL;
    uint64_t weight = 0;
    for (member_t m = 0; m < committee->size && r->root_height > 0; m++) {
        const digest_t *said = m == r->config.self ? NULL : other_root(r, m);
        weight += said == NULL ? 0 : committee_weight(committee, m);
        other = said == NULL ? other : said;
    }
    if (weight == 0)
        return;
    unsigned long long height = r->root_height, ours = root_name(&r->root),
                       theirs = root_name(other);
    replica_log(r, 1, "attest", "differs", "height=%llu weight=%llu root=%016llx theirs=%016llx",
                height, (unsigned long long)weight, ours, theirs);
    if (weight < quorum_weight(committee, QUORUM_ONE_HONEST))
        return;
    char reason[240];
    snprintf(
        reason, sizeof reason,
        "at height %llu the state root here is %016llx, that of f + 1 others is not (%016llx): "
        "the application, memory or disk of this validator is at fault",
        height, ours, theirs);
    replica_halt(r, SYNOD_CONFLICT, reason);
}

static void send_checkpoint(replica_t *r, link_t link, const checkpoint_t *checkpoint) {
    writer_t writer = frame_writer(r);
    checkpoint_encode(checkpoint, &writer);
    link_send(r, link, LANE_CLIENT, FRAME_CHECKPOINT, writer.at);
}

/* Our word on the root at hand, signed. */
static checkpoint_t own_checkpoint(const replica_t *r) {
    checkpoint_t checkpoint = {.epoch = r->config.committee->epoch,
                               .height = r->root_height,
                               .root = r->root,
                               .member = r->config.self};
    uint8_t bytes[CHECKPOINT_SIGNED_BYTES];
    checkpoint_signed_bytes(&checkpoint, &r->config.committee->domain, bytes);
    r->config.signer->sign(r->config.signer->context, bytes_of(bytes, sizeof bytes),
                           &checkpoint.signature);
    return checkpoint;
}

/* Whoever was away may need our word for a snapshot, and nothing new may come for long. */
void attest_greet(replica_t *r, const replica_link_t *link) {
    if (r->root_height == 0)
        return;
    checkpoint_t checkpoint = own_checkpoint(r);
    send_checkpoint(r, link->link, &checkpoint);
    if (r->tell_at == 0)
        r->tell_at = r->now.now_ns + TELL_NS;
}

static void tell_all(replica_t *r, const checkpoint_t *checkpoint) {
    for (member_t m = 0; m < r->config.committee->size; m++) {
        if (m == r->config.self || r->member_links[m] == LINK_NONE)
            continue;
        send_checkpoint(r, r->member_links[m], checkpoint);
    }
    r->tell_at = r->now.now_ns + (TELL_NS << r->tell_tries);
}

/* Also when a quorum's word is here: somebody else may lack ours. */
static void tell_again(replica_t *r) {
    if (r->tell_at == 0 || r->tell_at > r->now.now_ns)
        return;
    checkpoint_t checkpoint = own_checkpoint(r);
    r->tell_tries += r->tell_tries < TELL_TRIES_MAX ? 1 : 0;
    tell_all(r, &checkpoint);
}

void attest_tell(replica_t *r) {
    checkpoint_t checkpoint = own_checkpoint(r);
    r->tell_tries = 0;
    tell_all(r, &checkpoint);
    checkpoint_said_t *own = place_for(r, r->config.self, r->root_height);
    if (own != NULL)
        *own = (checkpoint_said_t){r->root_height, r->root, checkpoint.signature};
    compare(r);
}

/* The root that was begun is there. */
static void rooted(replica_t *r) {
    r->root_height = r->rooting;
    r->root_order = r->rooting_order;
    r->rooting = 0;
    if (r->phase != REPLICA_RUNNING)
        return;
    attest_tell(r);
    if (r->phase == REPLICA_RUNNING)
        save_rooted(r);
}

/* Where nothing else turns the loop, the next piece of a root comes after so long. */
#define ROOT_PAUSE_NS UINT64_C(1000000)

void attest_on(replica_t *r) {
    if (r->rooting == 0)
        return;
    digest_t root, application;
    stage_t before = host_stage(r->config.host, STAGE_ROOT);
    bool whole = ledger_root_next(r->ledger, &root, &application);
    host_stage(r->config.host, before);
    r->root_at = whole ? 0 : r->now.now_ns + ROOT_PAUSE_NS;
    if (!whole)
        return;
    r->root = root;
    r->application_root = application;
    rooted(r);
}

/* What is left of it, at once. */
static void root_rest(replica_t *r) {
    while (r->rooting != 0 && r->phase != REPLICA_HALTED)
        attest_on(r);
}

/* The root of the state as it is now, a piece in each turn of the loop: it takes a microsecond or
 * more for each entry that changed, and a replica that stood still so long would be late for its
 * views. While blocks are replayed nobody waits. */
static void attest(replica_t *r) {
    root_rest(r);
    if (r->phase == REPLICA_HALTED)
        return;
    stage_t before = host_stage(r->config.host, STAGE_ROOT);
    digest_t committee = committee_root(r);
    r->rooting = ledger_height(r->ledger);
    r->rooting_order = snapshot_order(&r->executed_id, lanes_order(r));
    ledger_root_begin(r->ledger, &committee,
                      bytes_of(r->rooting_order.bytes, sizeof r->rooting_order.bytes));
    host_stage(r->config.host, before);
    r->root_at = r->now.now_ns + ROOT_PAUSE_NS;
    if (r->phase == REPLICA_RUNNING)
        save_consider(r);
    else
        root_rest(r);
}

/* Who attested the root of the snapshot that begins, before it did. */
void attest_collect(replica_t *r) {
    for (member_t m = 0; m < r->config.committee->size; m++) {
        const checkpoint_said_t *said = &r->checkpoints[(size_t)m * CHECKPOINTS_KEPT];
        for (uint32_t i = 0; i < CHECKPOINTS_KEPT; i++)
            save_attested(r, m, said[i].height, &said[i].root, &said[i].signature);
    }
}

void attest_executed(replica_t *r) {
    height_t height = ledger_height(r->ledger);
    if (height % r->config.chain.checkpoint_blocks == 0)
        attest(r);
    if (r->phase == REPLICA_RUNNING)
        r->idle_root_at = r->now.now_ns + IDLE_ROOT_NS;
}

void attest_tick(replica_t *r) {
    tell_again(r);
    if (r->idle_root_at == 0 || r->idle_root_at > r->now.now_ns)
        return;
    r->idle_root_at = 0;
    height_t height = ledger_height(r->ledger);
    if (height > r->root_height && height != r->rooting)
        attest(r);
}

synod_status checkpoint_verify(const checkpoint_t *checkpoint, const committee_t *committee) {
    uint8_t bytes[CHECKPOINT_SIGNED_BYTES];
    checkpoint_signed_bytes(checkpoint, &committee->domain, bytes);
    return committee->verifier->verify(committee->verifier->context,
                                       &committee->members[checkpoint->member].key,
                                       bytes_of(bytes, sizeof bytes), &checkpoint->signature);
}

void attest_on_frame(replica_t *r, replica_link_t *link, bytes_t body) {
    reader_t reader = reader_of(body);
    checkpoint_t checkpoint;
    const committee_t *committee = r->config.committee;
    synod_status status = checkpoint_decode(&reader, &checkpoint);
    if (status == SYNOD_OK && !reader_done(&reader))
        status = SYNOD_MALFORMED;
    if (status == SYNOD_OK && checkpoint.epoch != committee->epoch)
        status = SYNOD_WRONG_EPOCH;
    if (status == SYNOD_OK && checkpoint.member >= committee->size)
        status = SYNOD_NOT_MEMBER;
    checkpoint_said_t *said =
        status == SYNOD_OK ? place_for(r, checkpoint.member, checkpoint.height) : NULL;
    if (status == SYNOD_OK && said == NULL)
        return; /* attack N3: known or too old, before a signature is looked at */
    if (status == SYNOD_OK)
        status = checkpoint_verify(&checkpoint, committee);
    if (status != SYNOD_OK) {
        gate_drop(r, link, status, "checkpoint", 1);
        return;
    }
    *said = (checkpoint_said_t){checkpoint.height, checkpoint.root, checkpoint.signature};
    save_attested(r, checkpoint.member, checkpoint.height, &checkpoint.root, &checkpoint.signature);
    save_finish(r);
    attest_heard(r, checkpoint.member, checkpoint.height);
    if (checkpoint.height == r->root_height)
        compare(r);
}

/* ---- what others attest and is not here ---- */

/* A leader that leaves us out while nothing more is asked for goes unnoticed by the core (schedule
 * X2), but the others attest what they executed. Who is asked in vain is asked less and less. */
void attest_follow(replica_t *r) {
    uint32_t size = r->config.committee->size;
    for (uint32_t i = 1; i <= size; i++) {
        member_t m = (r->sync_peer + i) % size;
        if (m == r->config.self || r->claims[m] <= ledger_height(r->ledger))
            continue;
        r->claims_at = r->now.now_ns + (SYNC_PATIENCE_NS << r->claims_tries);
        if (r->sync_end != 0 || r->member_links[m] == LINK_NONE)
            continue;
        r->claims_tries += r->claims_tries < CLAIM_TRIES_MAX ? 1 : 0;
        sync_ask_run(r, m);
        return;
    }
}

void attest_heard(replica_t *r, member_t member, height_t height) {
    if (height <= r->claims[member] || height <= ledger_height(r->ledger))
        return;
    r->claims[member] = height;
    r->claims_tries = 0;
    if (r->claims_at == 0) /* normally it comes here by itself in a moment */
        r->claims_at = r->now.now_ns + SYNC_PATIENCE_NS;
}
