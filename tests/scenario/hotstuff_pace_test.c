/* Time and progress in HotStuff: leaders that are dead, slow or unfair, members that are behind,
 * and rest when there is nothing to do. */
#include "hotstuff_play.h"

#define VIEWS_STAY (UINT64_C(1) << 32)

/* attacks H3, X3, HS 1, HS 10, HS 11: whichever seat is dead and however often the leader rotates,
 * something becomes final within a few views. */
static void every_single_seat_may_be_dead(void **state) {
    (void)state;
    static const uint64_t terms[] = {0, 1, 3};
    for (uint32_t t = 0; t < 3; t++) {
        for (member_t dead = A; dead <= D; dead++) {
            play_t play;
            bare_options_t options = play_options(terms[t], 0);
            play_open(&play, &options);
            bare_crash(play.world, dead);
            uint32_t request = bare_request(play.world, BARE_ALL);
            member_t living = dead == A ? B : A;
            while (!bare_delivered(play.world, living, request))
                assert_true(bare_step(play.world));
            progress_t progress = bare_progress(play.world, living);
            view_t left = progress.view - 1;
            if (terms[t] == 0)
                left = progress.views_failed + left % VIEWS_STAY;
            printf("leader_views %llu, %c dead: first commit after %llu views, %.0f ms\n",
                   (unsigned long long)terms[t], (char)('A' + dead), (unsigned long long)left,
                   (double)bare_now_ns(play.world) / 1e6);
            assert_true(left <= 8);
            assert_true(bare_finish(play.world, 30 * BASE));
            play_close(&play);
        }
    }
}

/* HS 5, HS 6, HS 10: a request becomes final with one block of its own and at most one empty one
 * beside it; then no timer runs, nothing is sent and no block is made, however long one waits. */
static void idle_is_idle(void **state) {
    (void)state;
    static const uint64_t terms[] = {0, 1, 3};
    for (uint32_t t = 0; t < 3; t++) {
        play_t play;
        bare_options_t options = play_options(terms[t], 0);
        play_open(&play, &options);
        bare_until(play.world, 100 * BASE);
        assert_int_equal(play.said_count, 0);
        for (uint32_t i = 1; i <= 5; i++) {
            uint32_t request = bare_request(play.world, BARE_ALL);
            assert_true(bare_finish(play.world, bare_now_ns(play.world) + BASE));
            play_all_delivered(&play, ANY, request);
            const bare_report_t *report = bare_report(play.world);
            assert_int_equal(report->blocks - report->blocks_empty, i);
            assert_true(report->blocks_empty <= i);
            uint32_t said = play.said_count;
            bare_until(play.world, bare_now_ns(play.world) + 1000 * BASE);
            assert_int_equal(play.said_count, said);
            for (member_t m = A; m <= D; m++)
                assert_int_equal(bare_timers(play.world, m), 0);
        }
        assert_int_equal(bare_report(play.world)->timeouts, 0);
        play_close(&play);
    }
}

/* The normal case costs what the page says: a proposal and a vote a member and block, and one
 * certificate when there is nothing more. */
static void messages_of_the_normal_case(void **state) {
    (void)state;
    play_t play;
    bare_options_t options = play_options(0, 0);
    options.batch_max = 1;
    play_open(&play, &options);
    for (uint32_t i = 0; i < 50; i++)
        bare_request(play.world, BARE_ALL);
    assert_true(bare_finish(play.world, 20 * BASE));
    uint32_t of[5] = {0};
    for (uint32_t i = 0; i < play.said_count; i++)
        of[play.said[i]->statement.phase]++;
    assert_int_equal(of[PROPOSAL], 3 * 51);
    assert_int_equal(of[VOTE], 3 * 51);
    assert_int_equal(of[CERTIFICATE], 3);
    assert_int_equal(of[TIMEOUT] + of[STATUS], 0);
    play_close(&play);
}

/* attack H10, HS 12: members that began to wait at different times do not leave one by one; two
 * time-outs pull the third along, before its own timer. */
static void two_time_outs_pull_the_third(void **state) {
    (void)state;
    play_t play;
    bare_options_t options = play_options(1, 0);
    play_open(&play, &options);
    bare_crash(play.world, A);
    uint32_t request = bare_request(play.world, B);
    bare_until(play.world, MILLISECONDS(40));
    bare_request_again(play.world, request, C);
    bare_until(play.world, MILLISECONDS(95));
    bare_request_again(play.world, request, D);
    bare_until(play.world, MILLISECONDS(150));
    assert_int_equal(play_said(&play, D, TIMEOUT, 1), 1);
    assert_int_equal(bare_progress(play.world, D).view > 1, 1);
    assert_true(bare_finish(play.world, 20 * BASE));
    play_all_delivered(&play, SET(B) | SET(C) | SET(D), request);
    play_close(&play);
}

/* attack H11, HS 8: D left view 1; the proposal of view 1, which comes late, gets no vote of it,
 * also after a restart. */
static void no_vote_at_or_below_a_time_out(void **state) {
    (void)state;
    play_t play;
    bare_options_t options = play_options(1, 0);
    play_open(&play, &options);
    play_rule(&play, FATE_HOLD, SET(A), SET(D), PHASE_SET(PROPOSAL), 1, 1);
    play_rule(&play, FATE_DROP, SET(A), SET(B) | SET(C), PHASE_SET(PROPOSAL), 1, 1);
    play_rule(&play, FATE_DROP, SET(A) | SET(B) | SET(C), ANY, PHASE_SET(TIMEOUT), 1, 1);
    bare_request(play.world, BARE_ALL);
    bare_until(play.world, MILLISECONDS(120));
    assert_int_equal(play_said(&play, D, TIMEOUT, 1), 1);
    bare_release(play.world);
    bare_until(play.world, MILLISECONDS(130));
    assert_int_equal(play_said(&play, D, VOTE, 1), 0);
    bare_crash(play.world, D);
    bare_restart(play.world, D);
    const message_t *late = play_last(&play, A, PROPOSAL, 1);
    assert_non_null(late);
    assert_int_equal(bare_progress(play.world, D).view, 1);
    bare_until(play.world, MILLISECONDS(260));
    assert_int_equal(play_said(&play, D, VOTE, 1), 0);
    /* HS 11, HS 15: after the restart it repeats the very same time-out. */
    assert_int_equal(play_said(&play, D, TIMEOUT, 1), 1);
    play_forget_rules(&play);
    assert_true(bare_finish(play.world, 40 * BASE));
    play_close(&play);
}

/* attack H8, HS 15: the record keeps the time-out certificate above the highest QC; whoever
 * restarts is in the view that it voted in, and neither behind it nor mute. */
static void restart_after_a_time_out_certificate(void **state) {
    (void)state;
    play_t play;
    bare_options_t options = play_options(1, 0);
    play_open(&play, &options);
    play_rule(&play, FATE_DROP, ANY, ANY, PHASE_SET(PROPOSAL), 1, 1);
    /* View 2's block gets votes, but its collector C hears none, so view 2 has no certificate. */
    play_rule(&play, FATE_DROP, ANY, ANY, PHASE_SET(VOTE), 2, 2);
    uint32_t request = bare_request(play.world, BARE_ALL);
    while (play_said(&play, D, VOTE, 2) == 0)
        assert_true(bare_step(play.world));
    assert_int_equal(bare_progress(play.world, D).certified, 0);
    bare_crash(play.world, D);
    bare_restart(play.world, D);
    assert_int_equal(bare_progress(play.world, D).view, 2);
    play_forget_rules(&play);
    bare_request_again(play.world, request, D);
    assert_true(bare_finish(play.world, 40 * BASE));
    play_all_delivered(&play, ANY, request);
    play_close(&play);
}

/* HS 16: the leader A orders the others' requests and never this one, which it does not even know;
 * progress in other things does not save it. */
static void a_leader_that_starves_one_request(void **state) {
    (void)state;
    play_t play;
    bare_options_t options = play_options(0, 0);
    play_open(&play, &options);
    uint32_t starved = bare_request(play.world, B);
    bare_request_again(play.world, starved, C);
    bare_request_again(play.world, starved, D);
    while (!bare_delivered(play.world, C, starved)) {
        bare_request(play.world, BARE_ALL);
        bare_until(play.world, bare_now_ns(play.world) + MILLISECONDS(20));
        assert_true(bare_now_ns(play.world) < 12 * BASE);
    }
    printf("starved request delivered after %.0f ms, patience is 800 ms\n",
           (double)bare_now_ns(play.world) / 1e6);
    assert_true(bare_now_ns(play.world) >= 8 * BASE);
    assert_int_equal(bare_progress(play.world, C).leader, B);
    play_close(&play);
}

/* Requests to all, one in a base time-out, until then. */
static void keep_busy(play_t *play, uint64_t until_ns) {
    while (bare_now_ns(play->world) < until_ns) {
        bare_request(play->world, BARE_ALL);
        bare_until(play->world, bare_now_ns(play->world) + BASE);
    }
}

/* HS 18: a request that only D heard of made it leave the term of A alone, which goes on without
 * it. Within nine patiences the others follow it once, and then another one may die and nobody has
 * to wait for a time-out. With `unheard` nobody heard
 * it, and D, which has it from its record only, says it again after as long. */
static void who_left_alone_votes_again(void **state) {
    (void)state;
    for (uint32_t unheard = 0; unheard < 2; unheard++) {
        play_t play;
        bare_options_t options = play_options(0, 0);
        play_open(&play, &options);
        if (unheard > 0)
            play_rule(&play, FATE_DROP, SET(D), ANY, PHASE_SET(TIMEOUT), 0, UINT64_MAX);
        uint32_t lost = bare_request(play.world, D);
        bare_until(play.world, 2 * BASE);
        assert_true(play_said(&play, D, TIMEOUT, VIEWS_STAY) > 0);
        bare_request_again(play.world, lost, BARE_ALL);
        keep_busy(&play, 3 * BASE);
        view_t voting = bare_progress(play.world, A).view;
        assert_true(voting > 1 && voting < VIEWS_STAY);
        assert_int_equal(play_said(&play, D, VOTE, voting - 1), 0);
        if (unheard > 0) {
            bare_crash(play.world, D);
            bare_restart(play.world, D);
        }
        play_forget_rules(&play);
        keep_busy(&play, bare_now_ns(play.world) + (unheard + 1) * 9 * 8 * BASE);
        view_t view = bare_progress(play.world, A).view;
        assert_true(view > VIEWS_STAY);
        assert_true(play_said(&play, D, VOTE, view - 1) + play_said(&play, D, VOTE, view - 2) > 0);
        assert_int_equal(bare_progress(play.world, A).views_failed, 1);
        bare_crash(play.world, C);
        uint64_t now_ns = bare_now_ns(play.world);
        uint32_t request = bare_request(play.world, BARE_ALL);
        assert_true(bare_finish(play.world, now_ns + BASE / 2));
        play_all_delivered(&play, SET(A) | SET(B) | SET(D), request);
        play_close(&play);
    }
}

/* HS 18: a liar that leaves each term at once costs the others a change of leader in eight
 * patiences, and not more; when nothing is to do, none. */
static void a_liar_that_leaves_each_term(void **state) {
    (void)state;
    play_t play;
    bare_options_t options = play_options(0, SET(D));
    play_open(&play, &options);
    statement_t statement = {.epoch = 1,
                             .view = 40 * VIEWS_STAY,
                             .subject = MEMBER_NONE,
                             .phase = TIMEOUT,
                             .body = BODY_NEW_VIEW,
                             .claim_count = 1};
    certificate_room_t genesis;
    message_t message = {.author = D, .statement = statement};
    message.certificates[0] = play_genesis(&play, &genesis);
    message.statement.claims[0] = (claim_t){0, *bare_anchor(play.world)};
    bare_forge(play.world, D, BARE_ALL, &message, true);
    bare_until(play.world, 100 * BASE);
    assert_int_equal(bare_progress(play.world, A).view, 1);
    keep_busy(&play, 300 * BASE);
    view_t terms = bare_progress(play.world, A).view / VIEWS_STAY;
    printf("a liar that left 40 terms: %llu changes of leader in %d patiences\n",
           (unsigned long long)terms, 200 / 8);
    assert_in_range(terms, 2, 200 / 64 + 2);
    play_close(&play);
}

/* attack P9, HS 4: messages take longer than the time-out and longer than the patience with one
 * leader. The time-outs grow until a leader has time enough, and come down again. */
static void back_off_reaches_a_slow_network(void **state) {
    (void)state;
    static const uint64_t delays_ms[] = {60, 150, 400, 900};
    static const uint64_t terms[] = {0, 1, 3};
    for (uint32_t d = 0; d < 4; d++) {
        for (uint32_t t = 0; t < 3; t++) {
            play_t play;
            bare_options_t options = play_options(terms[t], 0);
            options.batch_max = 1;
            play_open(&play, &options);
            bare_slow_network(play.world, MILLISECONDS(delays_ms[d]));
            uint32_t request = bare_request(play.world, BARE_ALL);
            while (!bare_delivered(play.world, B, request))
                if (bare_now_ns(play.world) > 2000 * BASE || !bare_step(play.world))
                    fail_msg("delay %llu ms, leader_views %llu: nothing final in 200 s",
                             (unsigned long long)delays_ms[d], (unsigned long long)terms[t]);
            uint64_t first_ns = bare_now_ns(play.world);
            for (uint32_t i = 0; i < 10; i++)
                request = bare_request(play.world, BARE_ALL);
            while (!bare_delivered(play.world, B, request))
                assert_true(bare_now_ns(play.world) < 20000 * BASE && bare_step(play.world));
            printf("delay %llu ms, leader_views %llu: first final after %.1f s, ten more after "
                   "%.1f s\n",
                   (unsigned long long)delays_ms[d], (unsigned long long)terms[t],
                   (double)first_ns / 1e9, (double)(bare_now_ns(play.world) - first_ns) / 1e9);
            assert_true(first_ns < 30 * MILLISECONDS(delays_ms[d]));
            /* Two messages a block and no view failed: what was learned is kept. */
            assert_true(bare_now_ns(play.world) - first_ns < 25 * MILLISECONDS(delays_ms[d]));
            play_close(&play);
        }
    }
}

/* attack P9, HS 2, HS 14: D hears nothing for hundreds of views; then it gets everything at once,
 * or nothing of it and only new messages. */
static void together_again_after_many_views(void **state) {
    (void)state;
    for (uint32_t lost = 0; lost < 2; lost++) {
        play_t play;
        bare_options_t options = play_options(1, 0);
        options.batch_max = 1;
        play_open(&play, &options);
        play_rule(&play, lost != 0 ? FATE_DROP : FATE_HOLD, ANY, SET(D), ANY_PHASE, 0, UINT64_MAX);
        for (uint32_t i = 0; i < 60; i++)
            bare_request(play.world, BARE_ALL);
        while (bare_height(play.world, A) < 60)
            assert_true(bare_now_ns(play.world) < 2000 * BASE && bare_step(play.world));
        assert_int_equal(bare_height(play.world, D), 0);
        view_t ahead = bare_progress(play.world, A).view;
        uint64_t healed_ns = bare_now_ns(play.world);
        play_forget_rules(&play);
        bare_release(play.world);
        assert_true(bare_finish(play.world, healed_ns + 20 * BASE));
        assert_int_equal(bare_height(play.world, D), bare_height(play.world, A));
        assert_true(bare_progress(play.world, D).view >= ahead);
        play_close(&play);
    }
}

/* attack P9: halves that cannot make a quorum stay where they are for a minute, their time-outs do
 * not grow meanwhile, and they go on at once when they are together. */
static void halves_that_wait_for_each_other(void **state) {
    (void)state;
    play_t play;
    bare_options_t options = play_options(1, 0);
    play_open(&play, &options);
    bare_cut(play.world, SET(A) | SET(B), SET(C) | SET(D));
    bare_cut(play.world, SET(C) | SET(D), SET(A) | SET(B));
    uint32_t request = bare_request(play.world, BARE_ALL);
    bare_until(play.world, 600 * BASE);
    bare_heal(play.world);
    assert_true(bare_finish(play.world, 605 * BASE));
    play_all_delivered(&play, ANY, request);
    play_close(&play);
}

/* attack H17, HS 1: two members in one view name the same leader, whatever else they know. */
static void all_name_the_same_leader(void **state) {
    (void)state;
    static const uint64_t terms[] = {0, 1, 3};
    for (uint32_t t = 0; t < 3; t++) {
        play_t play;
        bare_options_t options = play_options(terms[t], 0);
        options.batch_max = 1;
        play_open(&play, &options);
        play_rule(&play, FATE_HOLD, ANY, SET(D), ANY_PHASE, 0, UINT64_MAX);
        play_rule(&play, FATE_DROP, SET(B), ANY, ANY_PHASE, 5, 7);
        for (uint32_t i = 0; i < 20; i++)
            bare_request(play.world, BARE_ALL);
        member_t leaders[256]; /* of the first views of the terms */
        uint32_t named = 0;
        memset(leaders, 0xff, sizeof leaders);
        while (bare_now_ns(play.world) < 40 * BASE && bare_step(play.world)) {
            if (bare_now_ns(play.world) > 20 * BASE && play.rule_count > 0) {
                play_forget_rules(&play);
                bare_release(play.world);
            }
            for (member_t m = A; m <= D; m++) {
                progress_t progress = bare_progress(play.world, m);
                uint64_t view = terms[t] == 0 ? progress.view / VIEWS_STAY : progress.view;
                assert_true(view < 256);
                named += leaders[view] == MEMBER_NONE;
                if (leaders[view] == MEMBER_NONE)
                    leaders[view] = progress.leader;
                assert_int_equal(leaders[view], progress.leader);
            }
        }
        assert_true(named >= (terms[t] == 0 ? 1 : 20));
        play_close(&play);
    }
}

/* attack H9, HS 17: a member that was away is given the anchor that another holds final, with its
 * certificate: it is there at once, and nothing that it promised is lowered. */
static void jump_to_an_anchor(void **state) {
    (void)state;
    play_t play;
    bare_options_t options = play_options(1, 0);
    options.batch_max = 1;
    play_open(&play, &options);
    bare_request(play.world, BARE_ALL);
    assert_true(bare_finish(play.world, BASE));
    bare_crash(play.world, D);
    for (uint32_t i = 0; i < 20; i++)
        bare_request(play.world, BARE_ALL);
    assert_true(bare_finish(play.world, 400 * BASE));
    bare_restart(play.world, D);
    view_t before = bare_progress(play.world, D).view;
    bare_jump(play.world, D, A);
    assert_int_equal(bare_height(play.world, D), bare_height(play.world, A));
    assert_true(bare_progress(play.world, D).view > before);
    assert_true(bare_progress(play.world, D).certified > bare_height(play.world, D));
    /* An older anchor changes nothing. */
    view_t now = bare_progress(play.world, D).view;
    bare_jump(play.world, D, B);
    assert_int_equal(bare_progress(play.world, D).view, now);
    uint32_t request = bare_request(play.world, BARE_ALL);
    assert_true(bare_finish(play.world, bare_now_ns(play.world) + 40 * BASE));
    play_all_delivered(&play, ANY, request);
    play_close(&play);
}

/* HS 5: ordering stops when execution is a horizon behind, and goes on with it. */
static void ordering_waits_for_execution(void **state) {
    (void)state;
    play_t play;
    bare_options_t options = play_options(0, 0);
    options.batch_max = 1;
    options.execute_max_ns = MILLISECONDS(40);
    options.parameters.execution_horizon = 3;
    options.parameters.request_patience_ns = 1000 * BASE;
    play_open(&play, &options);
    for (uint32_t i = 0; i < 30; i++)
        bare_request(play.world, BARE_ALL);
    while (bare_height(play.world, A) < 30) {
        assert_true(bare_now_ns(play.world) < 200 * BASE && bare_step(play.world));
        /* One more may be under way when the bound is met. */
        if (bare_progress(play.world, A).leader == A)
            assert_true(bare_height(play.world, A) <= bare_executed(play.world, A) + 5);
    }
    assert_true(bare_finish(play.world, 400 * BASE));
    play_close(&play);
}

/* HS 6: while the leader waits for a payload a certificate comes to light on which it has to stand:
 * it asks again in the same view. k = 1; the liar B hides the certificate of view 1. */
static void a_higher_certificate_while_waiting_for_the_payload(void **state) {
    (void)state;
    play_t play;
    certificate_room_t room;
    bare_options_t options = play_options(1, SET(B));
    options.behaviours[B] |= BEHAVIOUR_SILENT;
    options.payload_max_ns = MILLISECONDS(40);
    play_open(&play, &options);
    play_rule(&play, FATE_DROP, ANY, ANY, PHASE_SET(TIMEOUT), 2, 2);
    bare_request(play.world, BARE_ALL);
    while (play_said(&play, D, VOTE, 1) == 0 || play_said(&play, A, VOTE, 1) == 0)
        assert_true(bare_step(play.world));
    digest_t id = play_last(&play, A, PROPOSAL, 1)->statement.digest;
    const certificate_t *hidden = play_certify(&play, B, SET(A) | SET(D), 1, &id, &room);
    certificate_room_t genesis, ended[2];
    claim_t claim = {0, *bare_anchor(play.world)};
    while (play_said(&play, C, TIMEOUT, 1) == 0 || play_said(&play, A, TIMEOUT, 1) == 0 ||
           play_said(&play, D, TIMEOUT, 1) == 0)
        assert_true(bare_step(play.world));
    const certificate_t *first = play_end_view(&play, B, SET(A) | SET(C), 1, claim, &ended[0]);
    play_show(&play, B, BARE_ALL, play_genesis(&play, &genesis), first);
    while (play_said(&play, C, TIMEOUT, 2) == 0 || play_said(&play, A, TIMEOUT, 2) == 0)
        assert_true(bare_step(play.world));
    const certificate_t *second = play_end_view(&play, B, SET(A) | SET(C), 2, claim, &ended[1]);
    play_show(&play, B, C, play_genesis(&play, &genesis), second);
    bare_until(play.world, bare_now_ns(play.world) + MILLISECONDS(1));
    assert_int_equal(bare_progress(play.world, C).view, 3);
    assert_int_equal(play_said(&play, C, PROPOSAL, 3), 0);
    play_show(&play, B, C, hidden, NULL);
    bare_until(play.world, bare_now_ns(play.world) + MILLISECONDS(90));
    const message_t *proposal = play_last(&play, C, PROPOSAL, 3);
    assert_non_null(proposal);
    assert_int_equal(proposal->certificates[0]->statement.view, 1);
    play_close(&play);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_single_seat_may_be_dead),
        cmocka_unit_test(idle_is_idle),
        cmocka_unit_test(messages_of_the_normal_case),
        cmocka_unit_test(two_time_outs_pull_the_third),
        cmocka_unit_test(no_vote_at_or_below_a_time_out),
        cmocka_unit_test(restart_after_a_time_out_certificate),
        cmocka_unit_test(a_leader_that_starves_one_request),
        cmocka_unit_test(who_left_alone_votes_again),
        cmocka_unit_test(a_liar_that_leaves_each_term),
        cmocka_unit_test(back_off_reaches_a_slow_network),
        cmocka_unit_test(together_again_after_many_views),
        cmocka_unit_test(halves_that_wait_for_each_other),
        cmocka_unit_test(all_name_the_same_leader),
        cmocka_unit_test(jump_to_an_anchor),
        cmocka_unit_test(ordering_waits_for_execution),
        cmocka_unit_test(a_higher_certificate_while_waiting_for_the_payload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
