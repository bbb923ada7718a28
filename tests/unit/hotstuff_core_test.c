/* A core of the family by itself, one event after another: what depends on the order in which
 * answers of the host and messages of others come in. Member A of four leads where it matters. */
#include <stdlib.h>

#include "model_world.h"
#include "protocol/hotstuff/state.h"
#include "protocol/registry.h"

#define BASE_NS UINT64_C(100000000)
enum { A = 0 };

typedef struct core {
    world_t world;
    parameters_t parameters;
    env_t env;
    const protocol_t *protocol;
    hotstuff_t *state;
    effects_t effects;
    uint64_t now_ns;
} core_t;

typedef union certificate_room {
    certificate_t certificate;
    uint8_t bytes[4096];
} certificate_room_t;

static void core_open(core_t *core, const char *name) {
    *core = (core_t){.now_ns = 5 * BASE_NS};
    world_open(&core->world, SUITE_SYMBOLIC, 4, NULL);
    const protocol_t *protocol = protocol_find(name);
    assert_non_null(protocol);
    core->protocol = protocol;
    core->parameters = (parameters_t){.view_timeout_ns = BASE_NS, .leader_views = 1};
    core->env = (env_t){.committee = &core->world.committee,
                        .parameters = &core->parameters,
                        .self = A,
                        .anchor = digest_of(0x01)};
    core->state = calloc(1, protocol->state_bytes(&core->parameters, 4));
    core->effects.items = calloc(protocol->effects_max, sizeof(effect_t));
    core->effects.capacity = protocol->effects_max;
    size_t size = protocol->scratch_bytes(4);
    core->effects.scratch = arena_of(calloc(1, size), size);
}

static void core_close(core_t *core) {
    free(core->state);
    free(core->effects.items);
    free(core->effects.scratch.base);
}

static void step(core_t *core, event_t event) {
    event.now_ns = event.time_ns = core->now_ns;
    effects_reset(&core->effects);
    core->protocol->step(core->state, &core->env, &event, &core->effects);
}

/* The first effect of this kind in the last step, of this phase if it is something said. */
static const effect_t *done(const core_t *core, effect_kind_t kind, uint8_t phase) {
    for (uint32_t i = 0; i < core->effects.count; i++) {
        const effect_t *effect = &core->effects.items[i];
        if (effect->kind == kind &&
            (kind != EFFECT_SEND || effect->send.message.statement.phase == phase))
            return effect;
    }
    return NULL;
}

static void start(core_t *core) {
    step(core, (event_t){.kind = EVENT_START});
}

/* A certificate by B, C and D; the core believes what the host verified. */
static const certificate_t *certify(core_t *core, certificate_room_t *room, uint8_t phase,
                                    view_t view, height_t height, const digest_t *id,
                                    claim_t claim) {
    *room = (certificate_room_t){0};
    const phase_t *row = &core->protocol->phases[phase];
    statement_t statement = {.epoch = 7,
                             .view = view,
                             .height = height,
                             .subject = MEMBER_NONE,
                             .phase = phase,
                             .body = (uint8_t)row->body,
                             .claim_count = row->claim_count,
                             .digest = *id};
    if (!row->claims_differ && row->claim_count > 0)
        statement.claims[0] = claim;
    certificate_begin(&room->certificate, &statement, 4, 3, row->claims_differ);
    signature_t signature = {0};
    for (member_t m = 1; m < 4; m++)
        certificate_put(&room->certificate, m - 1, m, &signature,
                        row->claims_differ ? &claim : NULL);
    return &room->certificate;
}

static void show(core_t *core, uint8_t phase, const certificate_t *first,
                 const certificate_t *second) {
    message_t message = {.author = 1};
    message.statement = (statement_t){.epoch = 7, .view = first->statement.view, .phase = phase};
    message.statement.subject = MEMBER_NONE;
    message.statement.body = BODY_CERTIFICATE;
    message.certificates[0] = first;
    message.certificates[1] = second;
    step(core, (event_t){.kind = EVENT_MESSAGE, .message = {.message = &message, .link = 1}});
}

/* HS 19, HS 5: eight certified blocks are not final, and A asks for the last one. Before it comes,
 * some of them turn out to be final: A asks for a payload, and what comes too late is nothing. */
static void what_was_uncertain_became_final(void **state) {
    (void)state;
    core_t core;
    certificate_room_t room;
    block_t *block = calloc(1, block_bytes(1));
    core_open(&core, "hotstuff");
    start(&core);
    block->epoch = 7;
    block->height = 8;
    block->birth_view = 12;
    block->justify_view = 10;
    block->parent_count = 1;
    digest_t id = block_id(block);
    claim_t gap = {.view = 10, .digest = digest_of(0x07)};
    show(&core, PHASE_CERTIFICATE, certify(&core, &room, PHASE_VOTE, 12, 8, &id, gap), NULL);
    step(&core, (event_t){.kind = EVENT_PENDING, .pending = {.bytes = 100, .oldest_ns = 1}});
    const effect_t *fetch = done(&core, EFFECT_FETCH, 0);
    assert_non_null(fetch);
    assert_true(digest_equal(&fetch->fetch.id, &id));
    step(&core, (event_t){.kind = EVENT_JUMP, .jump = {.height = 3, .id = digest_of(0x03)}});
    const effect_t *want = done(&core, EFFECT_WANT, 0);
    assert_non_null(want);
    assert_true(digest_equal(&want->want.parent, &id));
    step(&core, (event_t){.kind = EVENT_BLOCK, .block = {.block = block}});
    assert_null(done(&core, EFFECT_WANT, 0)); /* asked once is enough */
    assert_null(done(&core, EFFECT_SEND, PHASE_PROPOSAL));
    step(&core, (event_t){.kind = EVENT_PAYLOAD,
                          .payload = {.parent = id,
                                      .payload = digest_of(0x0a),
                                      .size_bytes = 10,
                                      .count = 1,
                                      .time_ns = 1}});
    const effect_t *proposal = done(&core, EFFECT_SEND, PHASE_PROPOSAL);
    assert_non_null(proposal);
    assert_int_equal(proposal->send.message.statement.height, 9);
    core_close(&core);
    free(block);
}

/* HS2 1, HS 15: A is called by time-outs to lead view 5, times out before it has spoken, and its
 * process begins anew. What the others sent to it is lost, so it asks, and waits like any leader
 * that is called; where no leader waits, it wants a payload at once. */
static void starts_with_a_call(const char *name, bool waits) {
    core_t core;
    certificate_room_t room, genesis;
    core_open(&core, name);
    start(&core);
    certificate_genesis(&genesis.certificate, core.env.committee, &core.env.anchor, PHASE_VOTE);
    digest_t none = {{0}};
    claim_t claim = {.view = 0, .digest = core.env.anchor};
    show(&core, PHASE_CERTIFICATE, &genesis.certificate,
         certify(&core, &room, PHASE_TIMEOUT, 4, 0, &none, claim));
    assert_int_equal(core.state->view, 5);
    step(&core, (event_t){.kind = EVENT_DEADLINE, .deadline = {.id = DEADLINE_PATIENCE}});
    const effect_t *persist = done(&core, EFFECT_PERSIST, 0);
    assert_non_null(persist);
    uint8_t bytes[8192];
    size_t size = persist->persist.bytes.size;
    assert_in_range(size, 1, sizeof bytes);
    memcpy(bytes, persist->persist.bytes.data, size);
    record_t record = {.bytes = bytes_of(bytes, size)};
    core.now_ns += 20 * BASE_NS;
    step(&core, (event_t){.kind = EVENT_START, .start = {.records = &record, .count = 1}});
    assert_int_equal(core.state->view, 5);
    assert_true((done(&core, EFFECT_WANT, 0) == NULL) == waits);
    assert_true((done(&core, EFFECT_SEND, PHASE_STATUS) != NULL) == waits);
    core.now_ns += BASE_NS / 8 - 1;
    step(&core, (event_t){.kind = EVENT_PENDING, .pending = {.bytes = 1, .oldest_ns = 1}});
    assert_null(done(&core, EFFECT_WANT, 0));
    core.now_ns += 1;
    step(&core, (event_t){.kind = EVENT_DEADLINE, .deadline = {.id = DEADLINE_LEAD}});
    assert_true((done(&core, EFFECT_WANT, 0) != NULL) == waits);
    core_close(&core);
}

static void a_leader_that_restarts_waits(void **state) {
    (void)state;
    starts_with_a_call("hotstuff-2", true);
    starts_with_a_call("hotstuff", false);
}

/* HSB 1: A hears that view 4 was decided, with an older certificate beside the proof than that of
 * view 4, on which it has to propose. It asks the others, once, and leads when that comes. */
static void what_was_certified_is_asked_for(void **state) {
    (void)state;
    core_t core;
    certificate_room_t room, genesis;
    core_open(&core, "hotstuff-basic");
    start(&core);
    certificate_genesis(&genesis.certificate, core.env.committee, &core.env.anchor, PHASE_VOTE);
    digest_t id = digest_of(0x04);
    claim_t claim = {.view = 0, .digest = core.env.anchor};
    show(&core, PHASE_DECIDE, &genesis.certificate,
         certify(&core, &room, PHASE_COMMIT_VOTE, 4, 1, &id, claim));
    assert_int_equal(core.state->view, 5);
    assert_non_null(done(&core, EFFECT_SEND, PHASE_STATUS));
    step(&core, (event_t){.kind = EVENT_PENDING, .pending = {.bytes = 1, .oldest_ns = 1}});
    assert_null(done(&core, EFFECT_SEND, PHASE_STATUS));
    assert_null(done(&core, EFFECT_WANT, 0));
    show(&core, PHASE_CERTIFICATE, certify(&core, &room, PHASE_VOTE, 4, 1, &id, claim), NULL);
    assert_null(done(&core, EFFECT_SEND, PHASE_STATUS));
    assert_non_null(done(&core, EFFECT_WANT, 0));
    core_close(&core);
}

/* Two situations that differ in one thing have different prints; `touch` makes the difference. */
static void differs(core_t *core, uint8_t *touch, size_t size) {
    uint64_t before = core->protocol->fingerprint(core->state, &core->env, core->now_ns);
    for (size_t i = 0; i < size; i++) {
        touch[i] ^= 1;
        assert_true(core->protocol->fingerprint(core->state, &core->env, core->now_ns) != before);
        touch[i] ^= 1;
    }
    assert_true(core->protocol->fingerprint(core->state, &core->env, core->now_ns) == before);
}
#define DIFFERS(field) differs(core, (uint8_t *)&(field), sizeof(field))

/* What decides what a core does next is in its print. */
static void all_of_the_state_is_in_the_print(void **state) {
    (void)state;
    core_t it, *core = &it;
    certificate_room_t room, genesis;
    core_open(core, "hotstuff");
    start(core);
    certificate_genesis(&genesis.certificate, core->env.committee, &core->env.anchor, PHASE_VOTE);
    digest_t none = {{0}};
    claim_t claim = {.view = 0, .digest = core->env.anchor};
    show(core, PHASE_CERTIFICATE, &genesis.certificate,
         certify(core, &room, PHASE_TIMEOUT, 4, 0, &none, claim));
    step(core, (event_t){.kind = EVENT_PENDING, .pending = {.bytes = 1, .oldest_ns = 1}});
    hotstuff_t *s = core->state;
    DIFFERS(s->leader_since_ns);
    DIFFERS(s->pending_oldest_ns);
    DIFFERS(s->payload_was_empty);
    DIFFERS(s->wants_block);
    DIFFERS(s->left_claim.view);
    DIFFERS(s->left_claim.digest.bytes[0]);
    s->candidate.present = true;
    for (uint32_t i = 0; i < CLAIMS_MAX; i++) {
        DIFFERS(s->candidate.claims[i].view);
        DIFFERS(s->candidate.claims[i].digest.bytes[0]);
    }
    DIFFERS(s->candidate.accused);
    for (uint32_t i = 0; i < high_tc(s)->signers; i++) {
        claim_t *of = (claim_t *)(uintptr_t)certificate_claim(high_tc(s), i, 0);
        DIFFERS(of->view);
        DIFFERS(of->digest.bytes[0]);
    }
    core_close(core);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_uncertain_became_final),
        cmocka_unit_test(a_leader_that_restarts_waits),
        cmocka_unit_test(what_was_certified_is_asked_for),
        cmocka_unit_test(all_of_the_state_is_in_the_print),
    };
    return cmocka_run_group_tests_name("hotstuff: one core", tests, NULL, NULL);
}
