/* What a member of HotStuff votes for: a liar, A, leads every view (or is the collector) and shows
 * blocks, certificates and claims of its choice to the honest B, C, D. */
#include "hotstuff_play.h"

static void open_with_lying_leader(play_t *play) {
    bare_options_t options = play_options(0, SET(A));
    options.behaviours[A] |= BEHAVIOUR_SILENT;
    play_open(play, &options);
}

static uint32_t votes_in(const play_t *play, view_t view) {
    return play_said(play, B, VOTE, view) + play_said(play, C, VOTE, view) +
           play_said(play, D, VOTE, view);
}

static void settle(play_t *play) {
    bare_settle(play->world, bare_now_ns(play->world) + MILLISECONDS(20));
}

static void all_hold_certified(const play_t *play, height_t height) {
    for (member_t m = B; m <= D; m++)
        assert_int_equal(bare_progress(play->world, m).certified, height);
}

/* Proposes an empty block to all, lets everybody vote, and certifies it. */
static const certificate_t *lead_view(play_t *play, view_t view, const certificate_t *on,
                                      certificate_room_t *room) {
    block_room_t block;
    digest_t id = play_propose(play, A, BARE_ALL, play_block(&block, A, view, on, 0), on, NULL);
    settle(play);
    assert_int_equal(votes_in(play, view), 3);
    return play_certify(play, A, SET(B) | SET(C), view, &id, room);
}

/* attack H1, HS 7: the certificate is of the view before; one of an older view, or of that view for
 * another block than the parent, gets no vote. */
static void votes_only_on_the_view_before(void **state) {
    (void)state;
    play_t play;
    certificate_room_t rooms[3];
    block_room_t block;
    open_with_lying_leader(&play);
    const certificate_t *genesis = play_genesis(&play, &rooms[0]);
    const certificate_t *first = lead_view(&play, 1, genesis, &rooms[1]);
    const certificate_t *second = lead_view(&play, 2, first, &rooms[2]);
    /* Now view 3: everybody learns of the second, which is the only one to stand on. */
    play_show(&play, A, BARE_ALL, second, NULL);
    settle(&play);
    all_hold_certified(&play, 2);
    play_propose(&play, A, BARE_ALL, play_block(&block, A, 3, first, 0), first, NULL);
    play_propose(&play, A, BARE_ALL, play_block(&block, A, 3, genesis, 0), genesis, NULL);
    settle(&play);
    assert_int_equal(votes_in(&play, 3), 0);
    /* A block that names another parent than the certificate that came with it. */
    play_propose(&play, A, BARE_ALL, play_block(&block, A, 3, first, 0), second, NULL);
    settle(&play);
    assert_int_equal(votes_in(&play, 3), 0);
    play_propose(&play, A, BARE_ALL, play_block(&block, A, 3, second, 0), second, NULL);
    settle(&play);
    assert_int_equal(votes_in(&play, 3), 3);
    play_close(&play);
}

/* attack H2, HS 3: a block is final when its child is certified in the very next view, and a view
 * that failed in between, at any place of the chain, puts it off. */
static void no_commit_across_a_failed_view(void **state) {
    (void)state;
    for (view_t failed = 1; failed <= 6; failed++) {
        play_t play;
        bare_options_t options = play_options(1, 0);
        options.batch_max = 1;
        play_open(&play, &options);
        play_rule(&play, FATE_DROP, ANY, ANY, PHASE_SET(PROPOSAL), failed, failed);
        for (uint32_t i = 0; i < 6; i++)
            bare_request(play.world, BARE_ALL);
        view_t certified_view[16] = {0};
        while (bare_height(play.world, A) < 6 && bare_step(play.world)) {
            for (uint32_t i = 0; i < play.said_count; i++) {
                const statement_t *statement = &play.said[i]->statement;
                if (statement->phase == VOTE && statement->height < 16)
                    certified_view[statement->height] = statement->view;
            }
            height_t height = bare_height(play.world, A);
            /* Somewhere at or above a final block two views follow one another. */
            bool consecutive = height == 0;
            for (height_t h = height; h > 0 && h < 15; h++)
                consecutive = consecutive || certified_view[h] + 1 == certified_view[h + 1];
            assert_true(consecutive);
        }
        assert_true(bare_height(play.world, A) >= 6);
        assert_true(bare_finish(play.world, bare_now_ns(play.world) + 20 * BASE));
        play_close(&play);
    }
}

/* attacks H4, X4, HS 4, HS 13: D is locked on a certificate that nobody else saw; time-outs of A, B
 * and C, none of which claims it, let C propose on genesis and D vote for that. */
static void a_proof_of_the_highest_claim_unlocks(void **state) {
    (void)state;
    play_t play;
    certificate_room_t room;
    bare_options_t options = play_options(1, SET(B));
    options.behaviours[B] |= BEHAVIOUR_SILENT;
    play_open(&play, &options);
    /* What D says of its lock is always late. */
    play_rule(&play, FATE_DROP, SET(D), ANY, PHASE_SET(TIMEOUT) | PHASE_SET(CERTIFICATE), 0, 2);
    uint32_t request = bare_request(play.world, BARE_ALL);
    bare_until(play.world, MILLISECONDS(10));
    assert_int_equal(play_said(&play, A, PROPOSAL, 1), 1);
    digest_t id = play_last(&play, A, PROPOSAL, 1)->statement.digest;
    const certificate_t *first = play_certify(&play, B, SET(A) | SET(C) | SET(D), 1, &id, &room);
    play_show(&play, B, D, first, NULL);
    bare_until(play.world, MILLISECONDS(20));
    assert_int_equal(bare_progress(play.world, D).certified, 1);
    assert_int_equal(bare_progress(play.world, C).certified, 0);
    /* The liar claims genesis, first for view 1 (where the others are), then for view 2. */
    for (view_t view = 1; view <= 2; view++) {
        certificate_room_t genesis;
        message_t message = {.author = B};
        message.certificates[0] = play_genesis(&play, &genesis);
        message.statement = (statement_t){.epoch = 1,
                                          .view = view,
                                          .subject = MEMBER_NONE,
                                          .phase = TIMEOUT,
                                          .body = BODY_NEW_VIEW,
                                          .claim_count = 1};
        message.statement.claims[0] = (claim_t){0, *bare_anchor(play.world)};
        bare_forge(play.world, B, BARE_ALL, &message, true);
        while (bare_progress(play.world, A).view <= view)
            assert_true(bare_step(play.world));
    }
    /* The next leader proposes on genesis, and D's vote is needed for it. */
    bare_until(play.world, bare_now_ns(play.world) + MILLISECONDS(5));
    const message_t *vote = play_last(&play, A, VOTE, 3);
    assert_non_null(vote);
    assert_int_equal(vote->statement.claims[0].view, 0);
    assert_true(bare_progress(play.world, D).view >= 4);
    bool finished = bare_finish(play.world, 40 * BASE);
    assert_true(finished);
    play_all_delivered(&play, SET(A) | SET(C) | SET(D), request);
    printf("X4: delivered after %llu views\n",
           (unsigned long long)bare_progress(play.world, D).view);
    assert_true(bare_progress(play.world, D).view <= 12);
    play_close(&play);
}

/* attack H4 from the other side, HS 7: a proposal whose certificate is below the highest claim of
 * the time-out certificate that came with it gets no vote; one that reaches it does. */
static void a_claim_binds_the_next_leader(void **state) {
    (void)state;
    play_t play;
    certificate_room_t rooms[4];
    block_room_t block;
    bare_options_t options = play_options(1, SET(B));
    options.behaviours[B] |= BEHAVIOUR_SILENT;
    play_open(&play, &options);
    /* The liar B leads view 2 and is to lead view 6 after views 3 to 5 failed. */
    play_rule(&play, FATE_DROP, ANY, ANY, PHASE_SET(PROPOSAL), 3, 5);
    bare_request(play.world, BARE_ALL);
    bare_until(play.world, MILLISECONDS(10));
    digest_t id = play_last(&play, A, PROPOSAL, 1)->statement.digest;
    const certificate_t *first = play_certify(&play, B, ANY, 1, &id, &rooms[0]);
    play_show(&play, B, BARE_ALL, first, NULL);
    while (bare_progress(play.world, A).view < 6)
        assert_true(bare_step(play.world));
    bare_settle(play.world, bare_now_ns(play.world) + MILLISECONDS(5));
    claim_t claim = {1, id};
    const certificate_t *ended = play_end_view(&play, B, SET(A) | SET(C), 5, claim, &rooms[1]);
    const certificate_t *genesis = play_genesis(&play, &rooms[2]);
    play_propose(&play, B, BARE_ALL, play_block(&block, B, 6, genesis, 0), genesis, ended);
    bare_until(play.world, bare_now_ns(play.world) + MILLISECONDS(5));
    assert_int_equal(votes_in(&play, 6) + play_said(&play, A, VOTE, 6), 0);
    play_propose(&play, B, BARE_ALL, play_block(&block, B, 6, first, 0), first, ended);
    bare_until(play.world, bare_now_ns(play.world) + MILLISECONDS(5));
    assert_true(votes_in(&play, 6) + play_said(&play, A, VOTE, 6) >= 2);
    play_close(&play);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(votes_only_on_the_view_before),
        cmocka_unit_test(no_commit_across_a_failed_view),
        cmocka_unit_test(a_proof_of_the_highest_claim_unlocks),
        cmocka_unit_test(a_claim_binds_the_next_leader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
