/* What the tests of src/model share: a committee with its signers under either suite, statements,
 * signed votes, and a way to see that a broken precondition stops the program. */
#ifndef TESTS_MODEL_WORLD_H
#define TESTS_MODEL_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/prng.h"
#include "model/evidence.h"
#include "model/tally.h"

#define WORLD_MAX 100

typedef struct world {
    symbolic_world_t symbolic;
    symbolic_identity_t identities[WORLD_MAX];
    sign_secret_t secrets[WORLD_MAX];
    signer_t signers[WORLD_MAX];
    member_info_t members[WORLD_MAX];
    verifier_t verifier;
    digest_t domain;
    committee_t committee;
} world_t;

static inline digest_t digest_of(uint8_t fill) {
    digest_t digest;
    memset(digest.bytes, fill, sizeof digest.bytes);
    return digest;
}

static inline signer_t world_signer(world_t *world, suite_id_t suite, uint32_t i) {
    if (suite == SUITE_SYMBOLIC) {
        world->identities[i] =
            (symbolic_identity_t){.world = &world->symbolic, .key = symbolic_key(1000 + i)};
        return signer_symbolic(&world->identities[i]);
    }
    uint8_t seed[SIGN_SEED_BYTES] = {0x5e, (uint8_t)i};
    return signer_ed25519(seed, &world->secrets[i]);
}

/* A committee of epoch 7; `weights` may be NULL for 1 each. */
static inline void world_open(world_t *world, suite_id_t suite, uint32_t size,
                              const uint64_t *weights) {
    assert_true(sign_open());
    assert_in_range(size, 1, WORLD_MAX);
    memset(world, 0, sizeof *world);
    memset(world->symbolic.secret, 0x31, sizeof world->symbolic.secret);
    world->domain = digest_of(0xd0);
    world->verifier =
        suite == SUITE_SYMBOLIC ? verifier_symbolic(&world->symbolic) : verifier_ed25519();
    for (uint32_t i = 0; i < size; i++) {
        world->signers[i] = world_signer(world, suite, i);
        world->members[i] = (member_info_t){.key = world->signers[i].key,
                                            .weight = weights != NULL ? weights[i] : 1};
    }
    member_t culprit;
    assert_int_equal(committee_make(&world->committee, &world->domain, 7, world->members, size,
                                    &world->verifier, &culprit),
                     SYNOD_OK);
}

static inline signature_t world_sign(const world_t *world, member_t member,
                                     const statement_t *statement) {
    uint8_t encoded[STATEMENT_BYTES];
    statement_encode(statement, &world->committee.domain, encoded);
    const signer_t *signer = &world->signers[member];
    signature_t signature;
    signer->sign(signer->context, bytes_of(encoded, sizeof encoded), &signature);
    return signature;
}

/* A vote of view 5 at height 9 of epoch 7. */
static inline statement_t statement_sample(void) {
    return (statement_t){.epoch = 7,
                         .path = {.parts = {1, 2}, .length = 2},
                         .view = 5,
                         .height = 9,
                         .subject = MEMBER_NONE,
                         .phase = 1,
                         .body = BODY_VOTE,
                         .claim_count = 1,
                         .digest = digest_of(0xaa),
                         .claims = {{.view = 4, .digest = digest_of(0xbb)}}};
}

static inline message_t world_vote(const world_t *world, member_t author,
                                   const statement_t *statement) {
    return (message_t){.statement = *statement,
                       .author = author,
                       .signature = world_sign(world, author, statement)};
}

/* The ways to say another thing: each changes one signed field of a statement with room for it. */
enum {
    CHANGE_EPOCH,
    CHANGE_PATH_PART,
    CHANGE_PATH_LENGTH,
    CHANGE_VIEW,
    CHANGE_HEIGHT,
    CHANGE_SUBJECT,
    CHANGE_PHASE,
    CHANGE_BODY,
    CHANGE_CLAIM_COUNT,
    CHANGE_DIGEST,
    CHANGE_CLAIM_VIEW,
    CHANGE_CLAIM_DIGEST,
    CHANGES
};

static inline void statement_change(statement_t *statement, int change) {
    switch (change) {
    case CHANGE_EPOCH:
        statement->epoch ^= 1;
        break;
    case CHANGE_PATH_PART:
        statement->path.parts[1] ^= 1;
        break;
    case CHANGE_PATH_LENGTH:
        statement->path.length++; /* by a part that is zero: only the length tells */
        break;
    case CHANGE_VIEW:
        statement->view = 1000000;
        break;
    case CHANGE_HEIGHT:
        statement->height++;
        break;
    case CHANGE_SUBJECT:
        statement->subject = 0;
        break;
    case CHANGE_PHASE:
        statement->phase++;
        break;
    case CHANGE_BODY:
        statement->body = BODY_NEW_VIEW;
        break;
    case CHANGE_CLAIM_COUNT:
        statement->claim_count++; /* by a claim that is zero: only the count tells */
        break;
    case CHANGE_DIGEST:
        statement->digest.bytes[31] ^= 0x80;
        break;
    case CHANGE_CLAIM_VIEW:
        statement->claims[0].view++;
        break;
    default:
        statement->claims[0].digest.bytes[31] ^= 0x80;
    }
}

/* Does `broken(context)` stop the program? In a child, with its complaint unseen. */
static inline bool stops(void (*broken)(void *context), void *context) {
    fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)signal(SIGABRT, SIG_DFL); /* not cmocka's handler */
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(2);
        broken(context);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

#endif
