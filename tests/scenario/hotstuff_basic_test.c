/* Basic HotStuff, phase by phase: what is said in a view of four phases, what happens when it stops
 * in the middle, and what a lying leader, A or B, cannot make the others vote for. */
#include "hotstuff_play.h"
#include "protocol/registry.h"

static bare_options_t options_for(uint64_t leader_views, uint32_t liars) {
    bare_options_t options = play_options(leader_views, liars);
    options.protocol = "hotstuff-basic";
    options.batch_max = 1;
    for (member_t m = 0; m < 4; m++)
        if ((liars & SET(m)) != 0)
            options.behaviours[m] |= BEHAVIOUR_SILENT;
    return options;
}

static void settle(play_t *play) {
    bare_settle(play->world, bare_now_ns(play->world) + MILLISECONDS(20));
}

/* Messages from one member to another of this phase and view, copies counted. */
static uint32_t sent(const play_t *play, uint8_t phase, view_t view) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < play->said_count; i++)
        count += play->said[i]->statement.phase == phase && play->said[i]->statement.view == view;
    return count;
}

/* ---- a view ---- */

/* HSB 1, HSB 3, HSB 4, HSB 5, HSB 6: each of three requests takes one view, and that 7 (n - 1)
 * messages. */
static void a_view_decides_one_block(void **state) {
    (void)state;
    static const uint64_t rules[] = {0, 1, 2};
    for (uint32_t r = 0; r < 3; r++) {
        play_t play;
        bare_options_t options = options_for(rules[r], 0);
        play_open(&play, &options);
        uint32_t requests[3];
        for (uint32_t i = 0; i < 3; i++)
            requests[i] = bare_request(play.world, BARE_ALL);
        assert_true(bare_finish(play.world, BASE));
        static const uint8_t phases[] = {VOTE,   CERTIFICATE, PRECOMMIT_VOTE,
                                         COMMIT, COMMIT_VOTE, DECIDE};
        for (view_t view = 1; view <= 3; view++) {
            play_all_delivered(&play, ANY, requests[view - 1]);
            assert_int_equal(sent(&play, view == 1 ? PROPOSAL : NEXT, view), 3);
            for (uint32_t p = 0; p < sizeof phases; p++)
                assert_int_equal(sent(&play, phases[p], view), 3);
        }
        for (member_t m = A; m <= D; m++) {
            assert_int_equal(bare_progress(play.world, m).view, 4);
            assert_int_equal(bare_height(play.world, m), 3);
            assert_int_equal(bare_timers(play.world, m), 0);
        }
        printf("leader_views %llu: three views, 63 messages, %.1f ms\n",
               (unsigned long long)rules[r], (double)bare_now_ns(play.world) / 1e6);
        play_close(&play);
    }
}

/* HSB 5: seven messages in a row, and three syncs. */
static void final_after_seven_messages(void **state) {
    (void)state;
    play_t play;
    bare_options_t options = options_for(0, 0);
    play_open(&play, &options);
    uint32_t request = bare_request(play.world, BARE_ALL);
    while (!bare_delivered(play.world, A, request))
        assert_true(bare_step(play.world));
    assert_in_range(bare_now_ns(play.world), MILLISECONDS(6), MILLISECONDS(7) - 1);
    while (!bare_delivered(play.world, C, request))
        assert_true(bare_step(play.world));
    assert_in_range(bare_now_ns(play.world), MILLISECONDS(7), MILLISECONDS(8) - 1);
    play_close(&play);
}

/* ---- in the middle ---- */

/* The leader stops when it has said this to `heard` only. Is what was certified kept? */
static void stops_after(uint8_t phase, uint32_t heard) {
    play_t play;
    bare_options_t options = options_for(0, 0);
    play_open(&play, &options);
    play_rule(&play, FATE_DROP, SET(A), ~heard, PHASE_SET(phase), 0, UINT64_MAX);
    uint32_t request = bare_request(play.world, BARE_ALL);
    while (play_last(&play, A, phase, 1) == NULL)
        assert_true(bare_step(play.world));
    bare_crash(play.world, A);
    settle(&play);
    uint32_t survivors = SET(B) | SET(C) | SET(D);
    for (member_t m = B; m <= D; m++) /* decided by whom it was shown to, by nobody else */
        assert_int_equal(bare_delivered(play.world, m, request),
                         phase == DECIDE && (heard & SET(m)) != 0);
    if (phase == DECIDE && heard != 0) { /* who asks gets it, before a time-out */
        bare_until(play.world, 3 * BASE / 4);
        play_all_delivered(&play, survivors, request);
    }
    assert_true(bare_finish(play.world, bare_now_ns(play.world) + 30 * BASE));
    play_all_delivered(&play, survivors, request);
    /* What a quorum voted for first is not lost: the next leader stands on it, or proposes it. */
    const statement_t *first = &play_last(&play, A, PROPOSAL, 1)->statement;
    for (member_t m = B; m <= D && phase != PROPOSAL && (heard != 0 || phase != CERTIFICATE); m++)
        assert_true(bare_height(play.world, m) >= first->height + (phase != DECIDE));
    bare_restart(play.world, A);
    uint32_t after = bare_request(play.world, BARE_ALL);
    assert_true(bare_finish(play.world, bare_now_ns(play.world) + 60 * BASE));
    play_all_delivered(&play, ANY, after);
    play_close(&play);
}

/* HSB 1, HSB 7: the leader dies in each phase, when all, one or nobody else heard of it. */
static void the_leader_stops_in_each_phase(void **state) {
    (void)state;
    static const uint8_t phases[] = {PROPOSAL, CERTIFICATE, COMMIT, DECIDE};
    for (uint32_t p = 0; p < sizeof phases; p++)
        for (uint32_t heard = 0; heard < 16; heard += 2)
            stops_after(phases[p], heard);
}

/* attack X11, H7: each member is stopped at each point of each of its group commits, three a
 * block, and comes back soon or late; nobody says two things in a phase of a view. */
static void killed_at_each_persist_point(void **state) {
    (void)state;
    uint32_t cases = 0;
    for (member_t victim = A; victim <= D; victim++) {
        for (uint64_t commit = 1; commit <= 7; commit++) {
            for (bare_point_t point = POINT_BEFORE_WRITE; point <= POINT_AFTER_SEND; point++) {
                play_t play;
                bare_options_t options = options_for(commit % 2, 0);
                play_open(&play, &options);
                bare_trap(play.world, victim, commit, point);
                uint32_t requests[3];
                for (uint32_t i = 0; i < 3; i++)
                    requests[i] = bare_request(play.world, BARE_ALL);
                while (bare_up(play.world, victim))
                    assert_true(bare_step(play.world));
                uint64_t down_ns = commit % 3 == 0 ? 1 : MILLISECONDS(250);
                bare_until(play.world, bare_now_ns(play.world) + down_ns);
                bare_restart(play.world, victim);
                for (uint32_t i = 0; i < 3; i++)
                    bare_request_again(play.world, requests[i], victim);
                assert_true(bare_finish(play.world, bare_now_ns(play.world) + 60 * BASE));
                for (uint32_t i = 0; i < 3; i++)
                    play_all_delivered(&play, ANY, requests[i]);
                play_close(&play);
                cases++;
            }
        }
    }
    printf("X11: %u cases\n", cases);
}

/* attack H8: the view after a restart follows from a TC of the very view of the prepareQC. */
static void back_in_the_view_after_the_time_outs(void **state) {
    (void)state;
    play_t play;
    bare_options_t options = options_for(1, 0);
    play_open(&play, &options);
    play_rule(&play, FATE_DROP, ANY, ANY, PHASE_SET(COMMIT), 1, 1);
    bare_request(play.world, BARE_ALL);
    while (bare_progress(play.world, D).view < 2)
        assert_true(bare_step(play.world));
    assert_int_equal(bare_progress(play.world, D).certified, 1);
    while (play_said(&play, D, VOTE, 2) == 0) /* its record says where it is */
        assert_true(bare_step(play.world));
    bare_cut(play.world, SET(D), SET(A) | SET(B) | SET(C));
    bare_cut(play.world, SET(A) | SET(B) | SET(C), SET(D));
    bare_crash(play.world, D);
    bare_restart(play.world, D);
    assert_true(bare_progress(play.world, D).view >= 2);
    bare_heal(play.world);
    assert_true(bare_finish(play.world, bare_now_ns(play.world) + 60 * BASE));
    play_close(&play);
}

/* ---- later votes ---- */

/* attack H14, HSB 3: D does not get the block, but every certificate: it decides and has voted in
 * no phase. */
static void no_later_vote_without_the_first(void **state) {
    (void)state;
    play_t play;
    bare_options_t options = options_for(0, 0);
    play_open(&play, &options);
    play_rule(&play, FATE_DROP, SET(A), SET(D), PHASE_SET(PROPOSAL), 1, 1);
    uint32_t request = bare_request(play.world, BARE_ALL);
    bare_settle(play.world, BASE / 2);
    play_all_delivered(&play, SET(A) | SET(B) | SET(C), request);
    assert_int_equal(sent(&play, PRECOMMIT_VOTE, 1), 2);
    assert_int_equal(sent(&play, COMMIT_VOTE, 1), 2);
    assert_int_equal(play_said(&play, D, PRECOMMIT_VOTE, 1), 0);
    assert_true(bare_finish(play.world, 40 * BASE));
    play_close(&play);
}

/* HSB 3, HSB 4: what overtook the block is not lost: D votes in all three phases when it comes. B
 * is dead, so without D nothing is final. */
static void the_block_comes_last(void **state) {
    (void)state;
    play_t play;
    bare_options_t options = options_for(0, SET(B));
    play_open(&play, &options);
    play_rule(&play, FATE_HOLD, SET(A), SET(D), PHASE_SET(PROPOSAL), 1, 1);
    uint32_t request = bare_request(play.world, BARE_ALL);
    settle(&play);
    /* B votes in the first two phases and no more. */
    const message_t *proposal = play_last(&play, A, PROPOSAL, 1);
    message_t vote = {.author = B, .statement = play_last(&play, C, VOTE, 1)->statement};
    bare_forge(play.world, B, A, &vote, true);
    settle(&play);
    assert_int_equal(play_said(&play, C, PRECOMMIT_VOTE, 1), 1);
    vote.statement = play_last(&play, C, PRECOMMIT_VOTE, 1)->statement;
    bare_forge(play.world, B, A, &vote, true);
    settle(&play);
    assert_int_equal(play_said(&play, C, COMMIT_VOTE, 1), 1);
    assert_int_equal(play_said(&play, D, PRECOMMIT_VOTE, 1), 0);
    assert_false(bare_delivered(play.world, A, request));
    bare_release(play.world);
    settle(&play);
    assert_int_equal(play_said(&play, D, VOTE, 1), 1);
    assert_int_equal(play_said(&play, D, PRECOMMIT_VOTE, 1), 1);
    assert_int_equal(play_said(&play, D, COMMIT_VOTE, 1), 1);
    assert_true(bare_delivered(play.world, D, request));
    assert_true(digest_equal(&play_last(&play, D, COMMIT_VOTE, 1)->statement.digest,
                             &proposal->statement.digest));
    play_close(&play);
}

/* attack H11, HSB 4: D timed the view out before the certificates came. */
static void no_later_vote_after_a_time_out(void **state) {
    (void)state;
    play_t play;
    bare_options_t options = options_for(0, 0);
    play_open(&play, &options);
    play_rule(&play, FATE_HOLD, SET(A), ANY, PHASE_SET(CERTIFICATE), 1, 1);
    play_rule(&play, FATE_DROP, ANY, ANY, PHASE_SET(TIMEOUT), 0, UINT64_MAX);
    bare_request(play.world, BARE_ALL);
    bare_until(play.world, BASE + BASE / 2);
    bare_release(play.world);
    settle(&play);
    for (member_t m = B; m <= D; m++) {
        assert_int_equal(play_said(&play, m, VOTE, 1), 1);
        assert_int_equal(play_said(&play, m, PRECOMMIT_VOTE, 1), 0);
        assert_int_equal(bare_progress(play.world, m).certified, 1);
    }
    bare_close(play.world);
}

/* ---- a lying leader ---- */

/* A certificate of the votes that two honest members said in this phase, and one of the liar's. */
static const certificate_t *certify(const play_t *play, member_t liar, uint8_t phase, view_t view,
                                    certificate_room_t *room) {
    const message_t *votes[4] = {NULL};
    uint32_t signers = 0, index = 0;
    const statement_t *statement = NULL;
    for (member_t m = 0; m < 4 && signers < 2; m++) {
        votes[m] = m == liar ? NULL : play_last(play, m, phase, view);
        statement = votes[m] != NULL ? &votes[m]->statement : statement;
        signers += votes[m] != NULL;
    }
    assert_int_equal(signers, 2);
    signature_t own = bare_sign(play->world, liar, statement);
    certificate_begin(&room->certificate, statement, 4, 3, false);
    for (member_t m = 0; m < 4; m++)
        if (m == liar)
            certificate_put(&room->certificate, index++, m, &own, NULL);
        else if (votes[m] != NULL)
            certificate_put(&room->certificate, index++, m, &votes[m]->signature, NULL);
    return &room->certificate;
}

/* A, who leads view 1 and lies, brings its block to a precommitQC, and shows that to `locked`. */
static const certificate_t *lock_some(play_t *play, uint32_t locked, certificate_room_t rooms[3],
                                      block_room_t *block) {
    const certificate_t *genesis = play_genesis(play, &rooms[0]);
    play_propose(play, A, BARE_ALL, play_block(block, A, 1, genesis, 0), genesis, NULL);
    settle(play);
    const certificate_t *prepared = certify(play, A, VOTE, 1, &rooms[1]);
    play_show_in(play, A, BARE_ALL, CERTIFICATE, prepared, NULL);
    settle(play);
    const certificate_t *precommitted = certify(play, A, PRECOMMIT_VOTE, 1, &rooms[2]);
    for (member_t m = B; m <= D; m++)
        if ((locked & SET(m)) != 0)
            play_show_in(play, A, m, COMMIT, precommitted, NULL);
    settle(play);
    return prepared;
}

/* attack Q4, HSB 5: a phase that was left out. A shows the prepareQC or the precommitQC where the
 * next one belongs, as it is or with another phase written over it: nobody votes or decides. */
static void no_phase_is_skipped(void **state) {
    (void)state;
    play_t play;
    certificate_room_t rooms[3];
    block_room_t block;
    bare_options_t options = options_for(0, SET(A));
    play_open(&play, &options);
    const certificate_t *prepared = lock_some(&play, 0, rooms, &block);
    certificate_t *precommitted = &rooms[2].certificate;
    play_show_in(&play, A, BARE_ALL, COMMIT, prepared, NULL);
    play_show_in(&play, A, BARE_ALL, DECIDE, prepared, precommitted);
    play_show_in(&play, A, BARE_ALL, DECIDE, prepared, prepared);
    settle(&play);
    certificate_room_t other = rooms[2];
    other.certificate.statement.phase = COMMIT_VOTE;
    play_show_in(&play, A, BARE_ALL, DECIDE, prepared, &other.certificate);
    other = rooms[1];
    other.certificate.statement.phase = PRECOMMIT_VOTE;
    other.certificate.statement.claim_count = 0;
    play_show_in(&play, A, BARE_ALL, COMMIT, &other.certificate, NULL);
    settle(&play);
    for (member_t m = B; m <= D; m++) {
        assert_int_equal(play_said(&play, m, COMMIT_VOTE, 1), 0);
        assert_int_equal(bare_height(play.world, m), 0);
    }
    play_show_in(&play, A, BARE_ALL, COMMIT, precommitted, NULL);
    settle(&play);
    for (member_t m = B; m <= D; m++)
        assert_int_equal(play_said(&play, m, COMMIT_VOTE, 1), 1);
    /* To whom has the committee alone, the third certificate is a proof, and of this block only. */
    certificate_room_t room;
    const certificate_t *committed = certify(&play, A, COMMIT_VOTE, 1, &room);
    const protocol_t *protocol = protocol_find("hotstuff-basic");
    const digest_t *id = &prepared->statement.digest, *anchor = bare_anchor(play.world);
    assert_int_equal(protocol->final_proof(NULL, committed, 1, id), SYNOD_OK);
    assert_int_equal(protocol->final_proof(NULL, committed, 2, id), SYNOD_MISMATCH);
    assert_int_equal(protocol->final_proof(NULL, committed, 1, anchor), SYNOD_MISMATCH);
    assert_int_equal(protocol->final_proof(NULL, prepared, 1, id), SYNOD_MISMATCH);
    assert_int_equal(protocol->final_proof(NULL, precommitted, 1, id), SYNOD_MISMATCH);
    play_show_in(&play, A, C, DECIDE, prepared, committed);
    settle(&play);
    assert_int_equal(bare_height(play.world, C), 1);
    assert_int_equal(bare_height(play.world, B), 0);
    play_close(&play);
}

/* attacks H1, H4, schedule X4, HSB 2: A locks D alone, in view 1. In view 5 it leads again, and
 * proposes on genesis, with time-outs that entitle it to lead: B and C take it, D does not, though
 * the block is of a higher view than its lock. It gets certified by the others, and D follows that
 * certificate, as it is of a higher view. */
static void a_lock_yields_to_a_higher_certificate_only(void **state) {
    (void)state;
    play_t play;
    certificate_room_t rooms[3], ended, high;
    block_room_t block, rival;
    bare_options_t options = options_for(1, SET(A));
    play_open(&play, &options);
    lock_some(&play, SET(D), rooms, &block);
    assert_int_equal(play_said(&play, D, COMMIT_VOTE, 1), 1);
    assert_int_equal(play_said(&play, C, COMMIT_VOTE, 1), 0);
    play_rule(&play, FATE_DROP, ANY, ANY, PHASE_SET(PROPOSAL), 2, 4);
    bare_request(play.world, BARE_ALL);
    for (member_t m = B; m <= D; m++)
        while (bare_progress(play.world, m).view < 5)
            assert_true(bare_step(play.world));
    const certificate_t *genesis = &rooms[0].certificate;
    claim_t claim = {.view = 0, .digest = *bare_anchor(play.world)};
    const certificate_t *tc = play_end_view(&play, A, SET(B) | SET(C), 4, claim, &ended);
    play_propose(&play, A, BARE_ALL, play_block(&rival, A, 5, genesis, 7), genesis, tc);
    settle(&play);
    assert_int_equal(play_said(&play, B, VOTE, 5), 1);
    assert_int_equal(play_said(&play, C, VOTE, 5), 1);
    assert_int_equal(play_said(&play, D, VOTE, 5), 0);
    const certificate_t *higher = certify(&play, A, VOTE, 5, &high);
    play_show_in(&play, A, BARE_ALL, CERTIFICATE, higher, NULL);
    settle(&play);
    assert_int_equal(play_said(&play, D, PRECOMMIT_VOTE, 5), 0);
    assert_int_equal(bare_progress(play.world, D).certified, 1);
    assert_true(bare_finish(play.world, bare_now_ns(play.world) + 40 * BASE));
    assert_int_equal(play_last(&play, B, PROPOSAL, 6)->certificates[0]->statement.view, 5);
    assert_int_equal(play_said(&play, D, VOTE, 6), 1);
    assert_int_equal(play_said(&play, D, COMMIT_VOTE, 6), 1);
    play_close(&play);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_view_decides_one_block),
        cmocka_unit_test(final_after_seven_messages),
        cmocka_unit_test(the_leader_stops_in_each_phase),
        cmocka_unit_test(killed_at_each_persist_point),
        cmocka_unit_test(back_in_the_view_after_the_time_outs),
        cmocka_unit_test(no_later_vote_without_the_first),
        cmocka_unit_test(the_block_comes_last),
        cmocka_unit_test(no_later_vote_after_a_time_out),
        cmocka_unit_test(no_phase_is_skipped),
        cmocka_unit_test(a_lock_yields_to_a_higher_certificate_only),
    };
    return cmocka_run_group_tests_name("hotstuff: basic", tests, NULL, NULL);
}
