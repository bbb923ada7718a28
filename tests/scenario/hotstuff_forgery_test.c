/* What a liar can put into the world, and that it moves nobody: altered and unverified
 * certificates, votes for two blocks, votes with odd fields, floods for far views. A is the liar;
 * where it only forges, the honest B, C, D see nothing else of it. */
#include "hotstuff_play.h"

static void open_with_liar(play_t *play, uint64_t leader_views) {
    bare_options_t options = play_options(leader_views, SET(A));
    options.behaviours[A] |= BEHAVIOUR_SILENT;
    play_open(play, &options);
}

static void settle(play_t *play) {
    bare_settle(play->world, bare_now_ns(play->world) + MILLISECONDS(20));
}

static uint32_t votes_in(const play_t *play, view_t view) {
    return play_said(play, B, VOTE, view) + play_said(play, C, VOTE, view) +
           play_said(play, D, VOTE, view);
}

static void all_are_at(const play_t *play, view_t view, height_t certified) {
    for (member_t m = B; m <= D; m++) {
        progress_t progress = bare_progress(play->world, m);
        assert_int_equal(progress.view, view);
        assert_int_equal(progress.certified, certified);
    }
}

static void all_refused(const play_t *play, uint64_t *before) {
    assert_int_equal(bare_report(play->world)->refused, *before + 3);
    *before += 3;
}

/* Leads `views` views with empty blocks; the certificate of the last one is in `rooms`. */
static const certificate_t *lead(play_t *play, view_t views, certificate_room_t rooms[2]) {
    const certificate_t *on = play_genesis(play, &rooms[0]);
    for (view_t view = 1; view <= views; view++) {
        block_room_t block;
        digest_t id = play_propose(play, A, BARE_ALL, play_block(&block, A, view, on, 0), on, NULL);
        settle(play);
        assert_int_equal(votes_in(play, view), 3);
        on = play_certify(play, A, ANY, view, &id, &rooms[view % 2]);
    }
    return on;
}

/* attacks Q3, X6: the certificate of view 10, shown as one of view 90, is refused by all. */
static void a_certificate_of_another_view(void **state) {
    (void)state;
    play_t play;
    certificate_room_t rooms[2];
    open_with_liar(&play, 0);
    certificate_t *certificate = (certificate_t *)(uintptr_t)lead(&play, 10, rooms);
    uint64_t refused = bare_report(play.world)->refused;
    all_are_at(&play, 10, 9);
    certificate->statement.view = 90;
    play_show(&play, A, BARE_ALL, certificate, NULL);
    settle(&play);
    all_refused(&play, &refused);
    all_are_at(&play, 10, 9);
    /* And with its claim moved along, so that it would even prove something final. */
    certificate->statement.claims[0].view = 89;
    play_show(&play, A, BARE_ALL, certificate, NULL);
    settle(&play);
    all_refused(&play, &refused);
    certificate->statement.view = 10;
    certificate->statement.claims[0].view = 9;
    play_show(&play, A, BARE_ALL, certificate, NULL);
    settle(&play);
    all_are_at(&play, 11, 10);
    play_close(&play);
}

/* attacks Q4, Q1, Q9: votes shown as time-outs, a signer missing or doubled, a signer that is not
 * there. */
static void a_certificate_of_another_shape(void **state) {
    (void)state;
    play_t play;
    certificate_room_t rooms[2], room;
    open_with_liar(&play, 0);
    const certificate_t *right = lead(&play, 2, rooms);
    uint64_t refused = bare_report(play.world)->refused;
    certificate_t *wrong = &room.certificate;
    memcpy(&room, right, certificate_size(right));
    wrong->statement.phase = TIMEOUT;
    wrong->statement.body = BODY_NEW_VIEW;
    play_show(&play, A, BARE_ALL, right, wrong);
    settle(&play);
    all_refused(&play, &refused);
    memcpy(&room, right, certificate_size(right));
    wrong->signers--;
    play_show(&play, A, BARE_ALL, wrong, NULL);
    settle(&play);
    all_refused(&play, &refused);
    memcpy(&room, right, certificate_size(right));
    bitset_add(wrong->words, 9);
    play_show(&play, A, BARE_ALL, wrong, NULL);
    settle(&play);
    all_refused(&play, &refused);
    all_are_at(&play, 2, 1);
    play_close(&play);
}

/* attack Q5: a certificate with one bad signature moves nobody, in whichever message it comes. */
static void an_unverified_certificate_moves_nobody(void **state) {
    (void)state;
    play_t play;
    certificate_room_t rooms[2], room;
    block_room_t block;
    open_with_liar(&play, 0);
    const certificate_t *right = lead(&play, 2, rooms);
    certificate_t *wrong = &room.certificate;
    memcpy(&room, right, certificate_size(right));
    ((uint8_t *)(uintptr_t)certificate_signature(wrong, 2))[5] ^= 1;
    uint64_t refused = bare_report(play.world)->refused;
    play_show(&play, A, BARE_ALL, wrong, NULL);
    settle(&play);
    all_refused(&play, &refused);
    play_propose(&play, A, BARE_ALL, play_block(&block, A, 3, wrong, 0), wrong, NULL);
    settle(&play);
    all_refused(&play, &refused);
    message_t message = {.author = A};
    message.statement = (statement_t){.epoch = 1,
                                      .view = UINT64_C(1) << 32,
                                      .subject = MEMBER_NONE,
                                      .phase = TIMEOUT,
                                      .body = BODY_NEW_VIEW,
                                      .claim_count = 1};
    message.statement.claims[0] = (claim_t){2, right->statement.digest};
    message.certificates[0] = wrong;
    bare_forge(play.world, A, BARE_ALL, &message, true);
    settle(&play);
    all_refused(&play, &refused);
    all_are_at(&play, 2, 1);
    assert_int_equal(votes_in(&play, 3), 0);
    play_close(&play);
}

/* attack Q14: view 0 stands for the anchor alone. */
static void genesis_is_the_anchor_only(void **state) {
    (void)state;
    play_t play;
    certificate_room_t room;
    block_room_t block;
    open_with_liar(&play, 0);
    uint64_t refused = bare_report(play.world)->refused;
    certificate_t *wrong = (certificate_t *)(uintptr_t)play_genesis(&play, &room);
    wrong->statement.digest.bytes[0] ^= 1;
    play_propose(&play, A, BARE_ALL, play_block(&block, A, 1, wrong, 0), wrong, NULL);
    settle(&play);
    all_refused(&play, &refused);
    (void)play_genesis(&play, &room);
    wrong->statement.height = 7;
    play_propose(&play, A, BARE_ALL, play_block(&block, A, 1, wrong, 0), wrong, NULL);
    settle(&play);
    all_refused(&play, &refused);
    assert_int_equal(votes_in(&play, 1), 0);
    const certificate_t *right = play_genesis(&play, &room);
    play_propose(&play, A, BARE_ALL, play_block(&block, A, 1, right, 0), right, NULL);
    settle(&play);
    assert_int_equal(votes_in(&play, 1), 3);
    play_close(&play);
}

/* attacks H5, X5: the claim of one signer of a time-out certificate is altered to genesis, which
 * would entitle the leader to build on genesis. k = 1: A leads views 1 and 5. */
static void a_claim_altered_after_signing(void **state) {
    (void)state;
    play_t play;
    certificate_room_t rooms[3];
    block_room_t block;
    open_with_liar(&play, 1);
    play_rule(&play, FATE_DROP, ANY, ANY, PHASE_SET(PROPOSAL), 2, 4);
    bare_request(play.world, BARE_ALL);
    const certificate_t *genesis = play_genesis(&play, &rooms[0]);
    play_propose(&play, A, BARE_ALL, play_block(&block, A, 1, genesis, 0), genesis, NULL);
    /* B collects and is locked on block 1; views 2 to 4 fail. */
    while (bare_progress(play.world, C).view < 5)
        assert_true(bare_step(play.world));
    bare_settle(play.world, bare_now_ns(play.world) + MILLISECONDS(5));
    assert_int_equal(bare_progress(play.world, C).certified, 1);
    claim_t claim = {0, *bare_anchor(play.world)};
    const certificate_t *ended = play_end_view(&play, A, SET(B) | SET(C), 4, claim, &rooms[1]);
    assert_int_equal(certificate_highest_claim(ended, 0), 1);
    memcpy(&rooms[2], ended, certificate_size(ended));
    for (uint32_t i = 0; i < ended->signers; i++)
        memcpy((uint8_t *)&rooms[2] +
                   ((const uint8_t *)certificate_claim(ended, i, 0) - (const uint8_t *)ended),
               &claim, sizeof claim);
    assert_int_equal(certificate_highest_claim(&rooms[2].certificate, 0), 0);
    uint64_t refused = bare_report(play.world)->refused;
    play_propose(&play, A, BARE_ALL, play_block(&block, A, 5, genesis, 1), genesis,
                 &rooms[2].certificate);
    bare_until(play.world, bare_now_ns(play.world) + MILLISECONDS(5));
    all_refused(&play, &refused);
    assert_int_equal(votes_in(&play, 5), 0);
    play_close(&play);
}

/* attacks H7, H13: one vote and one accusation a view, however many blocks a leader shows, and
 * after a restart too. */
static void one_vote_a_view(void **state) {
    (void)state;
    play_t play;
    certificate_room_t room;
    block_room_t block;
    open_with_liar(&play, 0);
    const certificate_t *genesis = play_genesis(&play, &room);
    for (uint64_t salt = 0; salt < 20; salt++) {
        play_propose(&play, A, BARE_ALL, play_block(&block, A, 1, genesis, salt), genesis, NULL);
        settle(&play);
    }
    assert_int_equal(votes_in(&play, 1), 3);
    assert_int_equal(bare_report(play.world)->convictions, 3);
    for (member_t m = B; m <= D; m++) {
        bare_crash(play.world, m);
        bare_restart(play.world, m);
    }
    for (uint64_t salt = 20; salt < 24; salt++) {
        play_propose(&play, A, BARE_ALL, play_block(&block, A, 1, genesis, salt), genesis, NULL);
        settle(&play);
    }
    assert_int_equal(votes_in(&play, 1), 3);
    play_close(&play);
}

static message_t vote_like(const play_t *play, const message_t *proposal) {
    message_t message = {.author = A, .statement = proposal->statement};
    message.statement.phase = VOTE;
    message.statement.body = BODY_VOTE;
    message.statement.claim_count = 1;
    message.statement.claims[0] = (claim_t){0, *bare_anchor(play->world)};
    return message;
}

/* attack Q13, HS 9: the honest A leads and collects, C's vote is lost, and the liar D votes for
 * another block first: its second vote, for the right one, does not count. */
static void votes_for_two_blocks_at_one_collector(void **state) {
    (void)state;
    play_t play;
    bare_options_t options = play_options(0, SET(D));
    options.behaviours[D] |= BEHAVIOUR_SILENT;
    play_open(&play, &options);
    /* The honest leader A and B vote; C's vote is lost. */
    play_rule(&play, FATE_DROP, SET(C), ANY, PHASE_SET(VOTE), 0, 1);
    bare_slow_disk(play.world, B, MILLISECONDS(30));
    bare_request(play.world, BARE_ALL);
    while (play_last(&play, A, PROPOSAL, 1) == NULL)
        assert_true(bare_step(play.world));
    message_t vote = vote_like(&play, play_last(&play, A, PROPOSAL, 1));
    vote.author = D;
    vote.statement.digest.bytes[0] ^= 1;
    bare_forge(play.world, D, A, &vote, true);
    bare_until(play.world, bare_now_ns(play.world) + MILLISECONDS(3));
    vote.statement.digest.bytes[0] ^= 1;
    bare_forge(play.world, D, A, &vote, true);
    bare_until(play.world, MILLISECONDS(45));
    assert_int_equal(play_said(&play, B, VOTE, 1), 1);
    /* A, B and the liar's second vote would be three. */
    assert_int_equal(bare_progress(play.world, A).certified, 0);
    assert_int_equal(bare_report(play.world)->convictions, 1);
    assert_true(bare_finish(play.world, 20 * BASE));
    play_close(&play);
}

/* attack Q7, HS 13: the liar's time-outs are rightly signed but carry a height or a digest, or
 * claim a certificate that does not come with them; whoever counted them would make certificates
 * that nobody can use. k = 0, A does not get its proposals through. */
static void time_outs_with_odd_fields(void **state) {
    (void)state;
    for (uint32_t field = 0; field < 3; field++) {
        play_t play;
        certificate_room_t room;
        bare_options_t options = play_options(0, SET(D));
        options.behaviours[D] |= BEHAVIOUR_SILENT;
        play_open(&play, &options);
        view_t end = UINT64_C(1) << 32;
        play_rule(&play, FATE_DROP, SET(A), ANY, PHASE_SET(PROPOSAL), 0, end);
        message_t message = {.author = D};
        message.statement = (statement_t){.epoch = 1,
                                          .view = end,
                                          .subject = MEMBER_NONE,
                                          .phase = TIMEOUT,
                                          .body = BODY_NEW_VIEW,
                                          .claim_count = 1};
        message.statement.claims[0] = (claim_t){0, *bare_anchor(play.world)};
        message.certificates[0] = play_genesis(&play, &room);
        if (field == 0)
            message.statement.height = 1;
        else if (field == 1)
            message.statement.digest.bytes[4] = 1;
        else
            message.statement.claims[0].view = 1;
        bare_forge(play.world, D, BARE_ALL, &message, true);
        uint32_t request = bare_request(play.world, BARE_ALL);
        assert_true(bare_finish(play.world, 20 * BASE));
        play_all_delivered(&play, SET(A) | SET(B) | SET(C), request);
        assert_int_equal(bare_report(play.world)->refused, 0);
        assert_true(bare_progress(play.world, B).view <= end + 4);
        play_close(&play);
    }
}

/* attack H12: votes and time-outs for far views take no room beyond one place a member, and move
 * nobody; the cluster goes on as if they were not there. */
static void floods_for_far_views(void **state) {
    (void)state;
    play_t play;
    certificate_room_t room;
    open_with_liar(&play, 1);
    const certificate_t *genesis = play_genesis(&play, &room);
    for (uint64_t i = 0; i < 500; i++) {
        message_t message = {.author = A};
        message.statement = (statement_t){.epoch = 1,
                                          .view = 5 + i * UINT64_C(30000000000000000),
                                          .subject = MEMBER_NONE,
                                          .phase = i % 2 == 0 ? VOTE : TIMEOUT,
                                          .body = i % 2 == 0 ? BODY_VOTE : BODY_NEW_VIEW,
                                          .claim_count = 1};
        message.statement.claims[0] = (claim_t){0, *bare_anchor(play.world)};
        if (i % 2 != 0)
            message.certificates[0] = genesis;
        bare_forge(play.world, A, BARE_ALL, &message, true);
    }
    settle(&play);
    all_are_at(&play, 1, 0);
    uint32_t request = bare_request(play.world, BARE_ALL);
    assert_true(bare_finish(play.world, 40 * BASE));
    play_all_delivered(&play, SET(B) | SET(C) | SET(D), request);
    assert_true(bare_progress(play.world, B).view < 12);
    play_close(&play);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_of_another_view),
        cmocka_unit_test(a_certificate_of_another_shape),
        cmocka_unit_test(an_unverified_certificate_moves_nobody),
        cmocka_unit_test(genesis_is_the_anchor_only),
        cmocka_unit_test(a_claim_altered_after_signing),
        cmocka_unit_test(one_vote_a_view),
        cmocka_unit_test(votes_for_two_blocks_at_one_collector),
        cmocka_unit_test(time_outs_with_odd_fields),
        cmocka_unit_test(floods_for_far_views),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
