/* What the plays of HotStuff share: a quiet world of four members A, B, C, D, watchers for what
 * they say, and the tools of a liar who leads: blocks, certificates and claims of its own making.
 * In the world messages take 1 ms, a group commit 0.2 ms, and the base time-out is 100 ms. */
#ifndef TESTS_HOTSTUFF_PLAY_H
#define TESTS_HOTSTUFF_PLAY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/bare.h"

enum { A = 0, B = 1, C = 2, D = 3 };
#define SET(member) (UINT32_C(1) << (member))
#define MILLISECONDS(count) (UINT64_C(1000000) * (count))
#define BASE MILLISECONDS(100)

/* As in the phase table of the protocol. */
enum { PROPOSAL = 0, VOTE = 1, TIMEOUT = 2, CERTIFICATE = 3, STATUS = 4 };
/* Of four phases a view: votes of the second and the third, and what shows their certificates. */
enum { NEXT = 5, PRECOMMIT_VOTE = 6, COMMIT_VOTE = 7, COMMIT = 8, DECIDE = 9 };

/* ---- watching ---- */

#define HEARD_MAX 4096

/* Every message between members, with the last rule that matches deciding its fate. */
typedef struct rule {
    uint32_t from, to; /* sets of members */
    uint32_t phases;   /* set of phases */
    view_t first, last;
    bare_fate_t fate;
} rule_t;

typedef struct play {
    bare_t *world;
    rule_t rules[16];
    uint32_t rule_count;
    /* what left, kept until the world closes */
    const message_t *said[HEARD_MAX];
    member_t receivers[HEARD_MAX];
    uint32_t said_count;
} play_t;

static inline bare_fate_t play_filter(void *context, const bare_letter_t *letter) {
    play_t *play = context;
    bare_fate_t fate = FATE_DELIVER;
    for (uint32_t i = 0; i < play->rule_count; i++) {
        const rule_t *rule = &play->rules[i];
        if ((rule->from & SET(letter->from)) != 0 && (rule->to & SET(letter->to)) != 0 &&
            (rule->phases >> letter->phase & 1) != 0 && letter->view >= rule->first &&
            letter->view <= rule->last)
            fate = rule->fate;
    }
    if (play->said_count < HEARD_MAX) {
        play->receivers[play->said_count] = letter->to;
        play->said[play->said_count++] = bare_keep(play->world, letter);
    }
    return fate;
}

static inline void play_print(void *context, const char *text) {
    (void)context;
    puts(text);
}

static inline void play_open(play_t *play, const bare_options_t *options) {
    *play = (play_t){0};
    bare_options_t mine = *options;
    if (getenv("SYNOD_PLAY") != NULL)
        mine.line = play_print;
    play->world = bare_open(&mine);
    assert_non_null(play->world);
    bare_filter(play->world, play_filter, play);
}

/* No oracle found anything. */
static inline void play_close(play_t *play) {
    assert_string_equal(bare_report(play->world)->text, "");
    bare_close(play->world);
}

#define ANY UINT32_MAX
#define ANY_PHASE UINT32_MAX
#define PHASE_SET(phase) (UINT32_C(1) << (phase))

static inline void play_rule(play_t *play, bare_fate_t fate, uint32_t from, uint32_t to,
                             uint32_t phases, view_t first, view_t last) {
    assert_true(play->rule_count < 16);
    play->rules[play->rule_count++] = (rule_t){from, to, phases, first, last, fate};
}

static inline void play_forget_rules(play_t *play) {
    play->rule_count = 0;
}

static inline bare_options_t play_options(uint64_t leader_views, uint32_t liars) {
    bare_options_t options = bare_options_quiet(4);
    options.parameters.leader_views = leader_views;
    for (member_t m = 0; m < 4; m++)
        if ((liars & SET(m)) != 0)
            options.behaviours[m] = BEHAVIOUR_SCRIPTED;
    return options;
}

/* How often `member` said something of this phase and view to others (broadcasts count once). */
static inline uint32_t play_said(const play_t *play, member_t member, uint8_t phase, view_t view) {
    uint32_t count = 0;
    const message_t *before = NULL;
    for (uint32_t i = 0; i < play->said_count; i++) {
        const message_t *message = play->said[i];
        if (message->author != member || message->statement.phase != phase ||
            message->statement.view != view)
            continue;
        bool same =
            before != NULL && digest_equal(&before->statement.digest, &message->statement.digest);
        count += !same;
        before = message;
    }
    return count;
}

/* The last message of this kind, NULL when there was none. */
static inline const message_t *play_last(const play_t *play, member_t member, uint8_t phase,
                                         view_t view) {
    const message_t *last = NULL;
    for (uint32_t i = 0; i < play->said_count; i++)
        if (play->said[i]->author == member && play->said[i]->statement.phase == phase &&
            play->said[i]->statement.view == view)
            last = play->said[i];
    return last;
}

static inline void play_all_delivered(const play_t *play, uint32_t members, uint32_t request) {
    for (member_t m = 0; m < 4; m++)
        if ((members & SET(m)) != 0)
            assert_true(bare_delivered(play->world, m, request));
}

/* ---- a liar at work ---- */

typedef union certificate_room {
    certificate_t certificate;
    uint8_t bytes[4096];
} certificate_room_t;

typedef union block_room {
    block_t block;
    uint8_t bytes[sizeof(block_t) + sizeof(digest_t)];
} block_room_t;

static inline const certificate_t *play_genesis(const play_t *play, certificate_room_t *room) {
    certificate_genesis(&room->certificate, bare_committee(play->world), bare_anchor(play->world),
                        VOTE);
    return &room->certificate;
}

/* An empty block of view `view` on a certificate; `salt` makes it another one. */
static inline const block_t *play_block(block_room_t *room, member_t proposer, view_t view,
                                        const certificate_t *on, uint64_t salt) {
    *room = (block_room_t){0};
    room->block.epoch = 1;
    room->block.height = on->statement.height + 1;
    room->block.birth_view = view;
    room->block.justify_view = on->statement.view;
    room->block.proposer = proposer;
    room->block.time_ns = MILLISECONDS(1) + salt + view * 1000;
    room->block.parent_count = 1;
    room->block.parents[0] = on->statement.digest;
    return &room->block;
}

/* Says it to one member or to all. */
static inline digest_t play_propose(play_t *play, member_t liar, member_t to, const block_t *block,
                                    const certificate_t *on, const certificate_t *entitles) {
    message_t message = {.author = liar, .block = block};
    message.statement = (statement_t){.epoch = 1,
                                      .view = block->birth_view,
                                      .height = block->height,
                                      .subject = MEMBER_NONE,
                                      .phase = PROPOSAL,
                                      .body = BODY_PROPOSAL,
                                      .digest = block_id(block)};
    message.certificates[0] = on;
    message.certificates[1] = entitles;
    bare_forge(play->world, liar, to, &message, true);
    return message.statement.digest;
}

/* The certificate for `digest` in `view` from the votes that honest members said and the vote that
 * the liar adds; signers are those of `members` whose votes are there. */
static inline const certificate_t *play_certify(const play_t *play, member_t liar, uint32_t members,
                                                view_t view, const digest_t *digest,
                                                certificate_room_t *room) {
    const message_t *votes[4] = {NULL};
    const statement_t *statement = NULL;
    uint32_t signers = 0, index = 0;
    for (member_t m = 0; m < 4; m++) {
        votes[m] = m == liar ? NULL : play_last(play, m, VOTE, view);
        if ((members & SET(m)) == 0 || votes[m] == NULL ||
            !digest_equal(&votes[m]->statement.digest, digest))
            votes[m] = NULL;
        else
            statement = &votes[m]->statement;
        signers += votes[m] != NULL;
    }
    assert_non_null(statement);
    signature_t own = bare_sign(play->world, liar, statement);
    certificate_begin(&room->certificate, statement, 4, signers + 1, false);
    for (member_t m = 0; m < 4; m++)
        if (m == liar)
            certificate_put(&room->certificate, index++, m, &own, NULL);
        else if (votes[m] != NULL)
            certificate_put(&room->certificate, index++, m, &votes[m]->signature, NULL);
    return &room->certificate;
}

/* A time-out certificate from the time-outs that honest members said, and one of the liar with this
 * claim. */
static inline const certificate_t *play_end_view(const play_t *play, member_t liar,
                                                 uint32_t members, view_t view, claim_t claim,
                                                 certificate_room_t *room) {
    statement_t statement = {.epoch = 1,
                             .view = view,
                             .subject = MEMBER_NONE,
                             .phase = TIMEOUT,
                             .body = BODY_NEW_VIEW,
                             .claim_count = 1};
    uint32_t signers = 1, index = 0;
    for (member_t m = 0; m < 4; m++)
        signers += m != liar && (members & SET(m)) != 0;
    certificate_begin(&room->certificate, &statement, 4, signers, true);
    statement.claims[0] = claim;
    signature_t own = bare_sign(play->world, liar, &statement);
    for (member_t m = 0; m < 4; m++) {
        if (m == liar) {
            certificate_put(&room->certificate, index++, m, &own, &claim);
        } else if ((members & SET(m)) != 0) {
            const message_t *message = play_last(play, m, TIMEOUT, view);
            assert_non_null(message);
            certificate_put(&room->certificate, index++, m, &message->signature,
                            message->statement.claims);
        }
    }
    return &room->certificate;
}

/* Certificates alone, to one or to all; some protocols have more than one phase for them. */
static inline void play_show_in(play_t *play, member_t liar, member_t to, uint8_t phase,
                                const certificate_t *first, const certificate_t *second) {
    message_t message = {.author = liar};
    message.statement = (statement_t){.epoch = 1,
                                      .view = first->statement.view,
                                      .subject = MEMBER_NONE,
                                      .phase = phase,
                                      .body = BODY_CERTIFICATE};
    message.certificates[0] = first;
    message.certificates[1] = second;
    bare_forge(play->world, liar, to, &message, false);
}
static inline void play_show(play_t *play, member_t liar, member_t to, const certificate_t *first,
                             const certificate_t *second) {
    play_show_in(play, liar, to, CERTIFICATE, first, second);
}

#endif
