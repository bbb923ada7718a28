/* The oracles: what must hold in every run, whatever the liars do. Each finding is typed, has one
 * line for a person, and ends the run; the first one stays. */
#include <stdarg.h>
#include <stdio.h>

#include "sim/bare_state.h"

static const char *const oracle_names[ORACLE_COUNT] = {[ORACLE_NONE] = "none",
                                                       [ORACLE_AGREEMENT] = "agreement",
                                                       [ORACLE_PREFIX] = "prefix",
                                                       [ORACLE_VALIDITY] = "validity",
                                                       [ORACLE_PROOF] = "proof",
                                                       [ORACLE_CONFLICT] = "conflict",
                                                       [ORACLE_DURABILITY] = "durability",
                                                       [ORACLE_ACCUSATION] = "accusation",
                                                       [ORACLE_FORGERY] = "forgery",
                                                       [ORACLE_LIVENESS] = "liveness",
                                                       [ORACLE_IDLE] = "idle",
                                                       [ORACLE_BOUNDS] = "bounds",
                                                       [ORACLE_PURITY] = "purity",
                                                       [ORACLE_HALT] = "halt"};

static const char *const fault_names[FAULT_COUNT] = {
    [FAULT_LOSS] = "loss",         [FAULT_DUPLICATE] = "duplicate",
    [FAULT_WILD_DELAY] = "delay",  [FAULT_CUT] = "partition",
    [FAULT_CRASH] = "crash",       [FAULT_POWER_CUT] = "power cut",
    [FAULT_SILENT] = "silent",     [FAULT_WITHHOLD] = "withhold",
    [FAULT_TWINS] = "twins",       [FAULT_EQUIVOCATE] = "equivocate",
    [FAULT_VOTE_ALL] = "vote all", [FAULT_STALE] = "stale",
    [FAULT_RELABEL] = "relabel",   [FAULT_SIDE_FIELD] = "side field",
    [FAULT_INVALID] = "invalid"};

const char *bare_oracle_name(bare_oracle_t oracle) {
    return oracle_names[oracle];
}

const char *bare_fault_name(bare_fault_t fault) {
    return fault_names[fault];
}

void bare_violated(bare_t *world, bare_oracle_t oracle, member_t member, const char *format, ...) {
    bare_report_t *report = &world->report;
    if (report->violated != ORACLE_NONE)
        return;
    report->violated = oracle;
    report->at_ns = world->now_ns;
    char what[BARE_TEXT_MAX / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    char who[8] = "all";
    if (member != BARE_ALL)
        snprintf(who, sizeof who, "%c", (char)('A' + member));
    snprintf(report->text, sizeof report->text, "seed %llu, %.3f ms, member %s, %s: %s",
             (unsigned long long)world->options.seed, (double)world->now_ns / 1e6, who,
             oracle_names[oracle], what);
    bare_note(world, member, "violation", oracle, 0, 0, 0);
}

/* ---- what leaves a node ---- */

/* Said before: true. Forbidden beside something said before: reported. */
static bool said_before(node_t *node, const phase_t *phase, const statement_t *statement) {
    said_t *said = &node->world->said[node->member];
    for (uint32_t i = said->count; i-- > 0;) {
        const statement_t *old = &said->statements[i];
        if (old->phase != statement->phase)
            continue;
        if (statement_equal(old, statement, false))
            return true;
        if (phase_conflict(phase, old, statement)) {
            bare_violated(node->world, ORACLE_CONFLICT, node->member,
                          "said two things as %s of view %llu: %016llx and %016llx", phase->name,
                          (unsigned long long)statement->view,
                          (unsigned long long)digest_prefix(&old->digest),
                          (unsigned long long)digest_prefix(&statement->digest));
            return false;
        }
    }
    said->statements =
        bare_grow(said->statements, &said->capacity, said->count, sizeof *said->statements);
    said->statements[said->count++] = *statement;
    return false;
}

/* What a record promises is read as a restart reads it: the latest counts, and it never takes back
 * what one before it promised. */
void bare_oracle_record(node_t *node, const record_t *record) {
    bare_t *world = node->world;
    promised_t promises;
    effects_reset(&node->effects_copy); /* no step is under way */
    if (!node->honest || world->protocol->promises == NULL ||
        !world->protocol->promises(record->bytes, world->committee.size,
                                   &node->effects_copy.scratch, &promises))
        return;
    promise_kind_t lower = promises_short(&promises, &node->promised);
    if (lower != PROMISE_COUNT)
        bare_violated(world, ORACLE_DURABILITY, node->member,
                      "a record takes back a %s: %llu after %llu", promise_name(lower),
                      (unsigned long long)promises.of[lower],
                      (unsigned long long)node->promised.of[lower]);
    node->promised = promises;
}

static void judge_promises(node_t *node, const phase_t *phase, const statement_t *statement,
                           bool again) {
    bare_t *world = node->world;
    promised_t needed;
    if (world->protocol->needs == NULL)
        return;
    world->protocol->needs(statement, &needed);
    promise_kind_t missing = promises_short(&node->promised, &needed);
    if (missing != PROMISE_COUNT)
        bare_violated(world, ORACLE_DURABILITY, node->member,
                      "a %s of view %llu needs a %s of %llu, durable is %llu", phase->name,
                      (unsigned long long)statement->view, promise_name(missing),
                      (unsigned long long)needed.of[missing],
                      (unsigned long long)node->promised.of[missing]);
    const char *how =
        again ? NULL : promises_say(&world->said[node->member].needed, phase, statement, &needed);
    if (how != NULL)
        bare_violated(world, ORACLE_CONFLICT, node->member, "a %s of view %llu %s", phase->name,
                      (unsigned long long)statement->view, how);
}

/* Counted anew here, not taken from the queue that enforces it: a promise leaves after everything
 * that was asked for before it, and every new vote or time-out has a record of its own. Proposals
 * may rest on an older record (a lease). What the records say is judged apart. */
void bare_oracle_departure(node_t *node, const outgoing_t *outgoing) {
    bare_t *world = node->world;
    const statement_t *statement = &outgoing->shared->message.statement;
    const phase_t *phase = &world->protocol->phases[statement->phase];
    if (phase->slot == SLOT_NONE || phase->authentication != AUTH_SIGNATURE)
        return;
    bool again = said_before(node, phase, statement);
    if (!outgoing->early && node->durable < outgoing->barrier)
        bare_violated(world, ORACLE_DURABILITY, node->member, "a %s of view %llu overtook the disk",
                      phase->name, (unsigned long long)statement->view);
    judge_promises(node, phase, statement, again);
    if (again || phase->body == BODY_PROPOSAL)
        return;
    if (outgoing->early || outgoing->persists <= node->persists_at_promise)
        bare_violated(world, ORACLE_DURABILITY, node->member,
                      "a %s of view %llu left without a record", phase->name,
                      (unsigned long long)statement->view);
    node->persists_at_promise = outgoing->persists;
}

void bare_oracle_accusation(node_t *node, const evidence_t *evidence) {
    bare_t *world = node->world;
    const protocol_t *protocol = world->protocol;
    if (!node->honest || evidence_judge(evidence, &world->committee, protocol->phases,
                                        protocol->phase_count) != SYNOD_OK)
        return;
    bare_note(world, node->index, "convicts", evidence->member, evidence->first.phase,
              evidence->first.view, 0);
    if (world->options.behaviours[evidence->member] != 0)
        world->report.convictions++;
    else
        bare_violated(world, ORACLE_ACCUSATION, node->member,
                      "%c is honest and convicted of two %s", (char)('A' + evidence->member),
                      protocol->phases[evidence->first.phase].name);
}

/* ---- what becomes final ---- */

static void check_proof(node_t *node, height_t position, const digest_t *id,
                        const certificate_t *proof) {
    bare_t *world = node->world;
    const protocol_t *protocol = world->protocol;
    if (protocol->final_proof == NULL)
        return;
    const phase_t *phase =
        proof == NULL ? NULL : &protocol->phases[proof->statement.phase % protocol->phase_count];
    if (proof == NULL ||
        certificate_judge(proof, &world->committee, phase->quorum, &world->anchor) != SYNOD_OK ||
        certificate_verify(proof, &world->committee, NULL) != SYNOD_OK ||
        protocol->final_proof(&node->env, proof, position, id) != SYNOD_OK)
        bare_violated(world, ORACLE_PROOF, node->member, "the proof for height %llu does not hold",
                      (unsigned long long)position);
}

/* A height that nobody had final before: its payload must be new and asked for. */
static void judge_first_final(node_t *node, uint32_t block) {
    bare_t *world = node->world;
    const facts_t *facts = &world->blocks[block].block;
    payload_t payload;
    if (!bare_payload_find(world, &facts->payload, facts->payload_count, &payload)) {
        bare_violated(world, ORACLE_VALIDITY, node->member, "block %llu has an unknown payload",
                      (unsigned long long)facts->height);
        return;
    }
    for (uint32_t i = 0; i < payload.count; i++) {
        uint32_t request = world->payload_requests[payload.first + i];
        if (request >= world->request_count || world->final_requests[request] != 0) {
            bare_violated(world, ORACLE_VALIDITY, node->member, "block %llu: request %u %s",
                          (unsigned long long)facts->height, request,
                          request >= world->request_count ? "was never asked for"
                                                          : "is there twice");
            return;
        }
        world->final_requests[request] = 1;
        world->report.requests_delivered++;
    }
    world->report.blocks++;
    world->report.blocks_empty += payload.count == 0;
}

/* From `block` down to what this node had: at each height the block that all others have. */
static void check_branch(node_t *node, uint32_t block) {
    bare_t *world = node->world;
    height_t top = world->blocks[block].block.height, known = world->final_count;
    while (world->final_capacity <= top)
        world->final = bare_grow(world->final, &world->final_capacity, world->final_capacity,
                                 sizeof *world->final);
    for (height_t height = top; height > node->delivered; height--) {
        if (height >= known)
            world->final[height] = block;
        if (world->final[height] != block) {
            bare_violated(
                world, ORACLE_AGREEMENT, node->member,
                "height %llu: %016llx here, %016llx elsewhere", (unsigned long long)height,
                (unsigned long long)digest_prefix(&world->blocks[block].id),
                (unsigned long long)digest_prefix(&world->blocks[world->final[height]].id));
            return;
        }
        block = world->blocks[block].parent;
    }
    if (block != node->delivered_block) {
        bare_violated(world, ORACLE_PREFIX, node->member,
                      "what is final now does not extend what was final at height %llu",
                      (unsigned long long)node->delivered);
        return;
    }
    for (height_t height = known; height <= top; height++) {
        world->final_count = (uint32_t)height + 1;
        judge_first_final(node, world->final[height]);
    }
}

void bare_oracle_delivery(node_t *node, height_t position, uint32_t block,
                          const certificate_t *proof) {
    bare_t *world = node->world;
    if (block == NOTHING || world->blocks[block].block.height != position) {
        bare_violated(world, ORACLE_VALIDITY, node->member, "delivered %s at height %llu",
                      block == NOTHING ? "an unknown block" : "a block of another height",
                      (unsigned long long)position);
        return;
    }
    check_proof(node, position, &world->blocks[block].id, proof);
    if (position > node->delivered)
        check_branch(node, block);
}

/* ---- the step itself ---- */

#define REHEARSE_EVERY                                                                             \
    61 /* steps: seldom enough to cost little, prime so that it meets all kinds */

bool bare_oracle_rehearse(node_t *node, const event_t *event) {
    bare_t *world = node->world;
    if (world->report.steps % REHEARSE_EVERY != 0)
        return false;
    size_t bytes = world->protocol->state_bytes(&world->options.parameters, world->committee.size);
    memcpy(node->core_copy, node->core, bytes);
    effects_reset(&node->effects_copy);
    world->protocol->step(node->core_copy, &node->env, event, &node->effects_copy);
    return true;
}

void bare_oracle_purity(node_t *node, const event_t *event) {
    const protocol_t *protocol = node->world->protocol;
    bool same = node->effects.count == node->effects_copy.count;
    for (uint32_t i = 0; same && i < node->effects.count; i++)
        same = node->effects.items[i].kind == node->effects_copy.items[i].kind;
    if (!same || protocol->fingerprint(node->core, &node->env, event->now_ns) !=
                     protocol->fingerprint(node->core_copy, &node->env, event->now_ns))
        bare_violated(node->world, ORACLE_PURITY, node->member,
                      "a copy of the state did not do the same at an event of kind %d",
                      (int)event->kind);
}

void bare_oracle_views(bare_t *world) {
    for (uint32_t i = 0; i < world->node_count; i++) {
        const node_t *node = &world->nodes[i];
        if (!node->honest || !node->up)
            continue;
        progress_t progress;
        world->protocol->progress(node->core, &node->env, &progress);
        if (progress.view > world->report.views)
            world->report.views = progress.view;
        if (progress.views_failed > world->report.views_failed)
            world->report.views_failed = progress.views_failed;
    }
}
