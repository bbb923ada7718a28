/* What tells the members of the HotStuff family apart, as plays: commits across gaps, one dead seat
 * under every leader rule, a lock that nobody hears of, and the fork of the one-chain rule. */
#include "hotstuff_play.h"

static const char *const safe[] = {"hotstuff", "hotstuff-chained", "hotstuff-2", "hotstuff-basic"};
#define SAFE_COUNT (sizeof safe / sizeof *safe)

static bare_options_t options_for(const char *protocol, uint64_t leader_views) {
    bare_options_t options = play_options(leader_views, 0);
    options.protocol = protocol;
    return options;
}

/* ---- commits ---- */

/* attack H2, HSC 1: with one view of a proposal that nobody got, at every place, a block is final
 * only when it and two more were certified in three views in a row. */
static void three_chains_need_three_views_in_a_row(void **state) {
    (void)state;
    for (view_t failed = 1; failed <= 7; failed++) {
        play_t play;
        bare_options_t options = options_for("hotstuff-chained", 1);
        options.batch_max = 1;
        play_open(&play, &options);
        play_rule(&play, FATE_DROP, ANY, ANY, PHASE_SET(PROPOSAL), failed, failed);
        for (uint32_t i = 0; i < 6; i++)
            bare_request(play.world, BARE_ALL);
        view_t view_of[32] = {0}; /* of the votes for the block at a height */
        while (bare_height(play.world, A) < 6 && bare_step(play.world)) {
            for (uint32_t i = 0; i < play.said_count; i++) {
                const statement_t *statement = &play.said[i]->statement;
                if (statement->phase == VOTE && statement->height < 32)
                    view_of[statement->height] = statement->view;
            }
            height_t height = bare_height(play.world, A);
            if (height == 0)
                continue;
            /* final by itself or by one above it: three in a row there are */
            bool in_a_row = false;
            for (height_t h = height; h + 2 < 32 && view_of[h + 2] != 0; h++)
                in_a_row |= view_of[h] + 1 == view_of[h + 1] && view_of[h] + 2 == view_of[h + 2];
            assert_true(in_a_row);
        }
        assert_true(bare_height(play.world, A) >= 6);
        play_close(&play);
    }
}

/* HSC 2, HSC 3: locked is the block below the highest certified one. With a certificate of
 * time-outs B, a liar, may stand on the locked block, but not below it, whatever the time-outs
 * claim. */
static void no_vote_below_the_lock(void **state) {
    (void)state;
    for (view_t on = 1; on <= 2; on++) {
        play_t play;
        certificate_room_t room;
        block_room_t block;
        bare_options_t options = options_for("hotstuff-chained", 0);
        options.behaviours[B] = BEHAVIOUR_SCRIPTED | BEHAVIOUR_SILENT;
        play_open(&play, &options);
        bare_request(play.world, BARE_ALL);
        bare_settle(play.world, BASE);
        /* One request took the views 1 to 3; of view 3 there is a certificate, so 2 is locked. */
        assert_int_equal(bare_progress(play.world, C).certified, 3);
        const certificate_t *low = play_last(&play, A, PROPOSAL, on + 1)->certificates[0];
        bare_crash(play.world, A);
        bare_request(play.world, BARE_ALL);
        bare_until(play.world, bare_now_ns(play.world) + BASE + BASE / 2);
        view_t end = UINT64_C(1) << 32;
        claim_t claim = {.view = 0, .digest = *bare_anchor(play.world)};
        const certificate_t *ended = play_end_view(&play, B, SET(C) | SET(D), end, claim, &room);
        play_propose(&play, B, BARE_ALL, play_block(&block, B, end + 1, low, 9), low, ended);
        bare_settle(play.world, bare_now_ns(play.world) + MILLISECONDS(20));
        assert_int_equal(play_said(&play, C, VOTE, end + 1), on == 2);
        assert_int_equal(play_said(&play, D, VOTE, end + 1), on == 2);
        play_close(&play);
    }
}

/* ---- certified and never final ---- */

/* Nobody but its author gets the proposal of an even view, until the network is good; where a view
 * has four phases, nobody hears of the lock. */
typedef struct gaps {
    bool good;
} gaps_t;

static bare_fate_t gaps_in_views(void *context, const bare_letter_t *letter) {
    const gaps_t *gaps = context;
    bool even = letter->phase == PROPOSAL && letter->view % 2 == 0;
    bool lost = !gaps->good && (even || letter->phase == COMMIT);
    return lost ? FATE_DROP : FATE_DELIVER;
}

/* HS 19: a new leader each view, and every second view fails, so there are certified blocks and no
 * two of them in a row. However long that goes on, at most eight or so stand above the last final
 * one, which every replica keeps; and the first good views make all of it final. */
static void certified_blocks_do_not_pile_up(void **state) {
    (void)state;
    for (size_t v = 0; v < SAFE_COUNT; v++) {
        bare_options_t options = options_for(safe[v], 1);
        bare_t *world = bare_open(&options);
        assert_non_null(world);
        gaps_t gaps = {.good = false};
        bare_filter(world, gaps_in_views, &gaps);
        for (uint32_t i = 0; i < 20; i++)
            bare_request(world, BARE_ALL);
        height_t most = 0;
        while (bare_progress(world, A).view < 200 && bare_now_ns(world) < 20000 * BASE) {
            assert_true(bare_step(world));
            height_t certified = bare_progress(world, A).certified;
            most = certified > most ? certified : most;
        }
        assert_int_equal(bare_progress(world, A).delivered, 0);
        printf("%s: %llu views, and %llu blocks are certified, none final\n", safe[v],
               (unsigned long long)bare_progress(world, A).view, (unsigned long long)most);
        assert_in_range(most, 2, 8);
        gaps.good = true;
        assert_true(bare_finish(world, bare_now_ns(world) + 200 * BASE));
        assert_string_equal(bare_report(world)->text, "");
        bare_close(world);
    }
}

/* ---- one seat is dead ---- */

/* Views until the first request is final everywhere, with one member that never starts to speak. */
static view_t views_with_dead_seat(const char *protocol, uint64_t leader_views, member_t dead) {
    play_t play;
    bare_options_t options = options_for(protocol, leader_views);
    play_open(&play, &options);
    bare_crash(play.world, dead);
    uint32_t request = bare_request(play.world, BARE_ALL);
    bool done = bare_finish(play.world, 400 * BASE);
    member_t alive = dead == A ? B : A;
    assert_true(done);
    assert_true(bare_delivered(play.world, alive, request));
    view_t views = bare_progress(play.world, alive).view;
    play_close(&play);
    return views;
}

/* attack H3, schedule X3, HSC 4, HS 1 */
static void every_variant_commits_with_any_seat_dead(void **state) {
    (void)state;
    static const uint64_t rules[] = {0, 1, 2, 3, 4};
    printf("views until a request is final, n = 4, one seat dead (seat 0, 1, 2, 3):\n");
    for (size_t v = 0; v < SAFE_COUNT; v++) {
        for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
            printf("  %-18s leader %s%.0llu:", safe[v], rules[r] == 0 ? "stays" : "every ",
                   (unsigned long long)rules[r]);
            for (member_t dead = A; dead <= D; dead++) {
                view_t views = views_with_dead_seat(safe[v], rules[r], dead);
                if (views > UINT32_MAX)
                    views -= (UINT64_C(1) << 32) - 1; /* of the second term */
                printf(" %llu", (unsigned long long)views);
                assert_true(views <= 20);
            }
            printf("\n");
        }
    }
}

/* attack P9, HS 3: with a new leader each view and a dead seat some view fails in each round. With
 * three chains the commit comes only then, when votes are said again; the back-off comes down all
 * the same, to what a view takes that does not fail. */
static void a_dead_seat_costs_the_same_each_round(void **state) {
    (void)state;
    for (size_t v = 0; v < SAFE_COUNT; v++) {
        bare_options_t options = options_for(safe[v], 1);
        options.batch_max = 1;
        bare_t *world = bare_open(&options);
        assert_non_null(world);
        bare_crash(world, D);
        uint32_t done = 0;
        while (done < 40) {
            uint32_t request = bare_request(world, BARE_ALL);
            while (!bare_delivered(world, A, request) && bare_step(world)) {
            }
            done++;
        }
        printf("%s: one dead seat, a new leader each view: 40 requests after another in %.1f s\n",
               safe[v], (double)bare_now_ns(world) / 1e9);
        assert_true(bare_now_ns(world) < 40 * 5 * BASE);
        bare_close(world);
    }
}

/* Nothing comes from D, and nobody's proposal before view 9. */
static bare_fate_t silent_d(void *context, const bare_letter_t *letter) {
    (void)context;
    bool lost = letter->from == D || (letter->phase == PROPOSAL && letter->view < 9);
    return lost ? FATE_DROP : FATE_DELIVER;
}

/* attack P11, HS 3, HS 17: D keeps every certificate that it forms, but answers who asks it for
 * final blocks, half a second later. With three chains a commit comes in no other way then, so the
 * back-off has to come down by it, and to what the views of the others take. */
static void a_certificate_that_is_found_by_asking(void **state) {
    (void)state;
    for (size_t v = 0; v < SAFE_COUNT; v++) {
        bare_options_t options = options_for(safe[v], 1);
        options.batch_max = 1;
        bare_t *world = bare_open(&options);
        assert_non_null(world);
        bare_filter(world, silent_d, NULL);
        uint64_t asked_ns = 0;
        for (uint32_t done = 0; done < 40; done++) {
            uint32_t request = bare_request(world, BARE_ALL);
            while (!bare_delivered(world, A, request) && bare_step(world)) {
                if (bare_now_ns(world) < asked_ns + 5 * BASE)
                    continue;
                asked_ns = bare_now_ns(world);
                for (member_t m = A; m <= C; m++)
                    bare_jump(world, m, D);
            }
        }
        printf("%s: D keeps certificates, a new leader each view: 40 requests in %.1f s\n", safe[v],
               (double)bare_now_ns(world) / 1e9);
        assert_true(bare_now_ns(world) < 40 * 10 * BASE);
        assert_string_equal(bare_report(world)->text, "");
        bare_close(world);
    }
}

/* attack P9, HS 3: messages take four base time-outs. What was learned until the first block is
 * final is kept: no view fails in the ten blocks after it, though the shorter of two views tells.
 */
static void a_slow_network_is_learned_once(void **state) {
    (void)state;
    static const uint64_t rules[] = {0, 1, 3};
    for (size_t v = 0; v < SAFE_COUNT; v++) {
        for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
            bare_options_t options = options_for(safe[v], rules[r]);
            options.batch_max = 1;
            bare_t *world = bare_open(&options);
            assert_non_null(world);
            bare_slow_network(world, 4 * BASE);
            uint32_t request = bare_request(world, BARE_ALL);
            while (!bare_delivered(world, B, request))
                assert_true(bare_now_ns(world) < 2000 * BASE && bare_step(world));
            uint64_t first_ns = bare_now_ns(world), failed = bare_progress(world, B).views_failed;
            for (uint32_t i = 0; i < 10; i++)
                request = bare_request(world, BARE_ALL);
            while (!bare_delivered(world, B, request))
                assert_true(bare_now_ns(world) < 2000 * BASE && bare_step(world));
            failed = bare_progress(world, B).views_failed - failed;
            printf(
                "%s, leader_views %llu, messages take 400 ms: first final after %.1f s, ten more "
                "after %.1f s, %llu views failed\n",
                safe[v], (unsigned long long)rules[r], (double)first_ns / 1e9,
                (double)(bare_now_ns(world) - first_ns) / 1e9, (unsigned long long)failed);
            assert_int_equal(failed, 0);
            bare_close(world);
        }
    }
}

/* ---- slow leaders ---- */

typedef struct slow_leader {
    member_t member;
    uint64_t hold_ns, release_ns; /* each proposal for so long; 0: none is held */
} slow_leader_t;

static bare_fate_t hold_proposals(void *context, const bare_letter_t *letter) {
    slow_leader_t *slow = context;
    if (letter->from != slow->member || letter->phase != PROPOSAL)
        return FATE_DELIVER;
    if (slow->release_ns == 0)
        slow->release_ns = letter->now_ns + slow->hold_ns;
    return FATE_HOLD;
}

/* Ten requests to all in a base time-out, for a minute or until somebody else leads. When. */
static uint64_t slow_leader_is_left(bare_t *world, slow_leader_t *slow) {
    uint64_t next_ns = 0;
    while (bare_now_ns(world) < 600 * BASE && bare_progress(world, B).leader == slow->member) {
        if (bare_now_ns(world) >= next_ns) {
            bare_request(world, BARE_ALL);
            next_ns = bare_now_ns(world) + BASE / 10;
        }
        bool held = slow->release_ns != 0;
        bare_until(world, held && slow->release_ns < next_ns ? slow->release_ns : next_ns);
        if (held && bare_now_ns(world) >= slow->release_ns) {
            slow->release_ns = 0;
            bare_release(world);
        }
    }
    return bare_now_ns(world);
}

/* attack X10: a leader holds each proposal for nine tenths of the time-out. Others see a
 * certificate with the next proposal only, after two such times, and leave it in the first view.
 * With four phases a view the same view shows it, and none fails: the leader stays, and orders at
 * least half of what is asked for in a minute. */
static void a_leader_that_holds_its_proposals(void **state) {
    (void)state;
    for (size_t v = 0; v < SAFE_COUNT; v++) {
        bare_options_t options = options_for(safe[v], 0);
        bare_t *world = bare_open(&options);
        assert_non_null(world);
        bare_until(world, 1);
        slow_leader_t slow = {.member = bare_progress(world, B).leader, .hold_ns = 9 * BASE / 10};
        bare_filter(world, hold_proposals, &slow);
        uint64_t left_ns = slow_leader_is_left(world, &slow);
        uint32_t asked = bare_request(world, BARE_ALL), ordered = 0;
        for (uint32_t i = 0; i < asked; i++)
            ordered += bare_delivered(world, B, i) ? 1 : 0;
        printf("%s: a leader that holds its proposals leads for %.1f s; %u of %u ordered\n",
               safe[v], (double)left_ns / 1e9, ordered, asked);
        if (strcmp(safe[v], "hotstuff-basic") != 0)
            assert_true(left_ns < 2 * BASE);
        else
            assert_true(2 * ordered >= asked);
        assert_string_equal(bare_report(world)->text, "");
        bare_close(world);
    }
}

/* Votes reach the collector of the next view only: the rule without its remedy. */
static bare_fate_t only_to_the_collector(void *context, const bare_letter_t *letter) {
    (void)context;
    return letter->phase == VOTE && letter->to != letter->view % 4 ? FATE_DROP : FATE_DELIVER;
}

/* attack H3: the control. Three chains, a new leader each view, a dead seat: nothing, ever. */
static void without_votes_to_all_nothing_commits(void **state) {
    (void)state;
    bare_options_t options = options_for("hotstuff-chained", 1);
    bare_t *world = bare_open(&options);
    assert_non_null(world);
    bare_filter(world, only_to_the_collector, NULL);
    bare_crash(world, D);
    uint32_t request = bare_request(world, BARE_ALL);
    assert_false(bare_finish(world, 400 * BASE));
    assert_false(bare_delivered(world, A, request));
    assert_true(bare_progress(world, A).view > 20);
    assert_string_equal(bare_report(world)->text, "");
    bare_close(world);
}

/* ---- a lock that nobody hears of ---- */

/* attack H4, schedule X4, HS2 2, HS2 3: B alone holds the certificate of view 1, and what it says
 * about that always comes too late; A votes no more. Is something certified for C when C's view,
 * the third, is over? */
static bool certified_over_a_hidden_lock(const char *protocol) {
    play_t play;
    bare_options_t options = options_for(protocol, 1);
    play_open(&play, &options);
    uint32_t not_votes = ~PHASE_SET(VOTE);
    play_rule(&play, FATE_DROP, SET(B), ANY, not_votes, 0, UINT64_MAX);
    play_rule(&play, FATE_DROP, SET(A), ANY, PHASE_SET(VOTE), 2, UINT64_MAX);
    bare_request(play.world, BARE_ALL);
    while (bare_progress(play.world, C).view <= 3 && bare_step(play.world)) {
    }
    assert_true(bare_progress(play.world, B).certified > 0);
    assert_int_equal(play_said(&play, C, PROPOSAL, 3), 1);
    bool certified = bare_progress(play.world, D).certified > 0;
    play_close(&play);
    return certified;
}

static void a_lock_that_nobody_hears_of(void **state) {
    (void)state;
    assert_true(certified_over_a_hidden_lock("hotstuff"));
    assert_true(certified_over_a_hidden_lock("hotstuff-chained"));
    assert_false(certified_over_a_hidden_lock("hotstuff-2"));
    printf("a hidden lock: with two chains and a proof, and with three chains, view 3 certifies a "
           "block; with two, a lock and a wait that is too short nothing\n");
}

/* HS2 1: the same, but what B says comes in time: the leader of view 3 waits and stands on it. */
static void the_leader_waits_for_the_lock(void **state) {
    (void)state;
    play_t play;
    bare_options_t options = options_for("hotstuff-2", 1);
    play_open(&play, &options);
    /* B's block, and its time-outs: B is heard only when it sends its certificate to a new leader.
     */
    play_rule(&play, FATE_DROP, SET(B), ANY,
              PHASE_SET(PROPOSAL) | PHASE_SET(TIMEOUT) | PHASE_SET(STATUS), 0, 2);
    bare_request(play.world, BARE_ALL);
    while (bare_progress(play.world, C).view < 3 && bare_step(play.world)) {
    }
    uint64_t entered_ns = bare_now_ns(play.world);
    while (play_said(&play, C, PROPOSAL, 3) == 0 && bare_step(play.world)) {
    }
    assert_true(bare_now_ns(play.world) - entered_ns >= BASE / 4);
    const message_t *proposal = play_last(&play, C, PROPOSAL, 3);
    assert_non_null(proposal);
    assert_int_equal(proposal->certificates[0]->statement.view, 1);
    play_close(&play);
}

/* ---- the fork ---- */

/* HS1C 1: B collects the votes of view 1, takes the block as final, and is not heard until two
 * views later. Nobody lies. */
static void one_certificate_is_not_final(void **state) {
    (void)state;
    bare_options_t options = options_for("hotstuff-one-chain", 1);
    bare_t *world = bare_open(&options);
    assert_non_null(world);
    uint32_t request = bare_request(world, BARE_ALL);
    while (!bare_delivered(world, B, request) && bare_step(world)) {
    }
    bare_cut(world, SET(B), SET(A) | SET(C) | SET(D));
    while (bare_report(world)->violated == ORACLE_NONE && bare_now_ns(world) < 20 * BASE &&
           bare_step(world)) {
    }
    assert_int_equal(bare_report(world)->violated, ORACLE_AGREEMENT);
    printf("%s\n", bare_report(world)->text);
    bare_close(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_chains_need_three_views_in_a_row),
        cmocka_unit_test(no_vote_below_the_lock),
        cmocka_unit_test(certified_blocks_do_not_pile_up),
        cmocka_unit_test(every_variant_commits_with_any_seat_dead),
        cmocka_unit_test(a_dead_seat_costs_the_same_each_round),
        cmocka_unit_test(a_certificate_that_is_found_by_asking),
        cmocka_unit_test(a_slow_network_is_learned_once),
        cmocka_unit_test(a_leader_that_holds_its_proposals),
        cmocka_unit_test(without_votes_to_all_nothing_commits),
        cmocka_unit_test(a_lock_that_nobody_hears_of),
        cmocka_unit_test(the_leader_waits_for_the_lock),
        cmocka_unit_test(one_certificate_is_not_final),
    };
    return cmocka_run_group_tests_name("hotstuff: the family", tests, NULL, NULL);
}
