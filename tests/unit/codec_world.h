/* What the tests of the codec share: random values of every format, and sweeps that every decoder
 * must survive. The decoders themselves are reached through tests/fuzz/codec_targets.h, which
 * demands canonical encodings. */
#ifndef TESTS_CODEC_WORLD_H
#define TESTS_CODEC_WORLD_H

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
#include "tests/fuzz/codec_targets.h"

#define ENCODED_MAX TARGET_BYTES_MAX

static inline digest_t filled_digest(uint8_t fill) {
    digest_t digest;
    memset(digest.bytes, fill, sizeof digest.bytes);
    return digest;
}

static inline void random_fill(prng_t *prng, void *to, size_t size) {
    for (size_t at = 0; at < size; at++)
        ((uint8_t *)to)[at] = (uint8_t)prng_next(prng);
}

static inline digest_t random_digest(prng_t *prng) {
    digest_t digest;
    random_fill(prng, digest.bytes, sizeof digest.bytes);
    return digest;
}

static inline signature_t random_signature(prng_t *prng) {
    signature_t signature;
    random_fill(prng, signature.bytes, sizeof signature.bytes);
    signature.bytes[0] |= 1; /* all zero would be none */
    return signature;
}

/* Small, large and extreme numbers alike. */
static inline uint64_t random_number(prng_t *prng) {
    switch (prng_below(prng, 4)) {
    case 0:
        return prng_below(prng, 4);
    case 1:
        return UINT64_MAX - prng_below(prng, 2);
    default:
        return prng_next(prng) >> prng_below(prng, 64);
    }
}

static inline member_t random_member(prng_t *prng, uint32_t members, bool or_none) {
    return or_none && prng_chance(prng, 300000) ? MEMBER_NONE : (member_t)prng_below(prng, members);
}

/* Up to `most` random bytes in `space`. */
static inline bytes_t random_bytes(prng_t *prng, uint8_t *space, size_t most) {
    const size_t size = (size_t)prng_below(prng, most + 1);
    random_fill(prng, space, size);
    return bytes_of(space, size);
}

/* ---- a message with everything that it points to ---- */

#define SAMPLE_PARENTS_MAX 6
#define SAMPLE_SHARE_MAX 100
#define SAMPLE_CERTIFICATE_BYTES (1u << 15) /* certificate_bytes_max(100) is below */

typedef struct sample {
    message_t message;
    _Alignas(16) uint8_t block[sizeof(block_t) + SAMPLE_PARENTS_MAX * sizeof(digest_t)];
    _Alignas(16) uint8_t certificates[MESSAGE_CERTIFICATES_MAX][SAMPLE_CERTIFICATE_BYTES];
    uint8_t share[SAMPLE_SHARE_MAX];
} sample_t;

static inline void random_statement(prng_t *prng, uint32_t members, uint8_t phase,
                                    statement_t *statement) {
    const phase_t *row = &target_phases[phase];
    memset(statement, 0, sizeof *statement);
    statement->epoch = random_number(prng);
    statement->path.length = (uint32_t)prng_below(prng, PATH_PARTS_MAX + 1);
    for (uint32_t part = 0; part < statement->path.length; part++)
        statement->path.parts[part] = (uint32_t)random_number(prng);
    statement->view = random_number(prng);
    statement->height = random_number(prng);
    statement->subject = random_member(prng, members, true);
    statement->phase = phase;
    statement->body = (uint8_t)row->body;
    statement->claim_count = row->claim_count;
    statement->digest = random_digest(prng);
    for (uint32_t k = 0; k < row->claim_count; k++)
        statement->claims[k] =
            (claim_t){.view = random_number(prng), .digest = random_digest(prng)};
}

/* A certificate of the phase by at least one member; one in eight is genesis. */
static inline const certificate_t *random_certificate(prng_t *prng, uint32_t members, uint8_t phase,
                                                      void *space) {
    certificate_t *certificate = space;
    assert_true(certificate_bytes_max(members) <= SAMPLE_CERTIFICATE_BYTES);
    if (prng_chance(prng, 125000)) {
        const committee_t committee = {.epoch = random_number(prng), .size = members};
        const digest_t anchor = random_digest(prng);
        certificate_genesis(certificate, &committee, &anchor, phase);
        return certificate;
    }
    statement_t statement;
    random_statement(prng, members, phase, &statement);
    statement.view |= 1;
    bool signs[TARGET_MEMBERS_MAX] = {false};
    uint32_t signers = 1;
    const member_t sure = (member_t)prng_below(prng, members);
    for (member_t member = 0; member < members; member++) {
        signs[member] = member == sure || prng_chance(prng, 670000);
        signers += signs[member] && member != sure ? 1 : 0;
    }
    certificate_begin(certificate, &statement, members, signers,
                      target_phases[phase].claims_differ);
    uint32_t index = 0;
    for (member_t member = 0; member < members; member++) {
        if (!signs[member])
            continue;
        const signature_t signature = random_signature(prng);
        const claim_t claims[CLAIMS_MAX] = {{random_number(prng), random_digest(prng)},
                                            {random_number(prng), random_digest(prng)}};
        certificate_put(certificate, index++, member, &signature, claims);
    }
    return certificate;
}

static inline block_t *random_block(prng_t *prng, void *space) {
    block_t *block = space;
    memset(block, 0, sizeof *block);
    block->epoch = random_number(prng);
    block->height = random_number(prng);
    block->birth_view = random_number(prng);
    block->justify_view = random_number(prng);
    block->proposer = random_member(prng, MEMBERS_MAX, true);
    if (prng_chance(prng, 500000)) {
        block->payload_size_bytes = 1 + (uint32_t)prng_below(prng, 1000);
        block->payload_count = 1 + (uint32_t)prng_below(prng, 9);
        block->payload = random_digest(prng);
        block->payload.bytes[0] |= 1;
    }
    block->time_ns = random_number(prng);
    block->extra_size = (uint32_t)prng_below(prng, BLOCK_EXTRA_MAX + 1);
    random_fill(prng, block->extra, block->extra_size);
    block->parent_count = (uint32_t)prng_below(prng, SAMPLE_PARENTS_MAX + 1);
    random_fill(prng, block->parents, block->parent_count * sizeof block->parents[0]);
    return block;
}

/* A message of the phase as its row wants it. */
static inline const message_t *random_message(prng_t *prng, uint32_t members, uint8_t phase,
                                              sample_t *sample) {
    const phase_t *row = &target_phases[phase];
    message_t *message = &sample->message;
    memset(message, 0, sizeof *message);
    random_statement(prng, members, phase, &message->statement);
    message->author = random_member(prng, members, false);
    if (row->authentication == AUTH_SIGNATURE && row->body != BODY_STATUS)
        message->signature = random_signature(prng);
    for (uint32_t index = 0; index < MESSAGE_CERTIFICATES_MAX; index++) {
        const uint8_t wanted = row->certificate_phase[index];
        if (wanted != PHASE_NONE && (row->certificate_required[index] || prng_chance(prng, 500000)))
            message->certificates[index] =
                random_certificate(prng, members, wanted, sample->certificates[index]);
    }
    if (row->body == BODY_PROPOSAL) {
        block_t *block = random_block(prng, sample->block);
        message->block = block;
        message->statement.height = block->height;
        message->statement.digest = block_id(block);
    } else if (row->body == BODY_SHARE) {
        message->share = random_bytes(prng, sample->share, sizeof sample->share);
    }
    return message;
}

static inline size_t encode_message(const message_t *message, uint8_t *to) {
    const size_t size = message_encoded_bytes(message);
    assert_true(size <= ENCODED_MAX);
    writer_t writer = writer_of(to, size);
    message_encode(message, &writer);
    return size;
}

static inline size_t encode_certificate(const certificate_t *certificate, uint8_t *to) {
    const size_t size = certificate_encoded_bytes(certificate);
    assert_true(size <= ENCODED_MAX);
    writer_t writer = writer_of(to, size);
    certificate_encode(certificate, &writer);
    assert_int_equal(writer.at, size);
    return size;
}

/* ---- sweeps ---- */

static uint8_t sweep_space[ENCODED_MAX + 1];

/* No proper prefix decodes. */
static inline void refuse_prefixes(target_t *target, const uint8_t *encoded, size_t size) {
    for (size_t cut = 0; cut < size; cut++)
        assert_int_not_equal(target_exact(target, encoded, cut), SYNOD_OK);
    assert_int_equal(target_exact(target, encoded, size), SYNOD_OK);
}

/* Nor anything longer. */
static inline void refuse_longer(target_t *target, const uint8_t *encoded, size_t size) {
    require(size < sizeof sweep_space);
    memcpy(sweep_space, encoded, size);
    sweep_space[size] = 0;
    assert_int_not_equal(target_exact(target, sweep_space, size + 1), SYNOD_OK);
}

/* Every byte changed in several ways: refused, or (the target demands it) canonical still. Returns
 * how many changes were refused. */
static inline uint32_t corrupt_bytes(target_t *target, const uint8_t *encoded, size_t size) {
    static const uint8_t changes[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff};
    require(size < sizeof sweep_space);
    memcpy(sweep_space, encoded, size);
    uint32_t refused = 0;
    for (size_t at = 0; at < size; at++) {
        for (size_t change = 0; change < sizeof changes; change++) {
            sweep_space[at] = encoded[at] ^ changes[change];
            refused += target_exact(target, sweep_space, size) != SYNOD_OK ? 1 : 0;
        }
        sweep_space[at] = encoded[at];
    }
    return refused;
}

/* Does `broken()` stop the program? In a child, with its complaint unseen. */
static inline bool stops_program(void (*broken)(void)) {
    fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)signal(SIGABRT, SIG_DFL); /* not cmocka's handler */
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(2);
        broken();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

#endif
