/* What a lying leader can undo and hold up without any fork: the forking attack and the silence
 * attack, with the loss measured for each member of the family (attack H6). */
#include "hotstuff_play.h"

static const char *const safe[] = {"hotstuff", "hotstuff-chained", "hotstuff-2", "hotstuff-basic"};
#define SAFE_COUNT (sizeof safe / sizeof *safe)

static bare_options_t options_for(const char *protocol, uint32_t liars) {
    bare_options_t options = play_options(1, liars);
    options.protocol = protocol;
    options.batch_max = 1;
    return options;
}

/* ---- the forking attack ---- */

#define REQUESTS 8

/* A new leader each view; B is honest until view 5. Then it keeps the certificate of A's block of
 * view 5, waits until the others give that view up, and leads view 6 with their time-outs: on the
 * certificate of view `on`, so that the blocks of the views above, to 5, are dropped. In view 5 the
 * network loses these phases, but for B. Do the others take it? Whatever they do, every request is
 * final in the end, once. */
static bool can_drop_above(const char *protocol, view_t on, uint32_t lost) {
    play_t play;
    certificate_room_t rooms[2];
    block_room_t block;
    bare_options_t options = options_for(protocol, SET(B));
    play_open(&play, &options);
    play_rule(&play, FATE_DROP, SET(B), ANY, ANY_PHASE, 5, UINT64_MAX);
    play_rule(&play, FATE_DROP, ANY, ~SET(B), lost, 5, 5);
    for (uint32_t i = 0; i < REQUESTS; i++)
        bare_request(play.world, BARE_ALL);
    for (member_t m = A; m <= D; m++)
        while (m != B && bare_progress(play.world, m).view < 6)
            assert_true(bare_step(play.world));
    bare_settle(play.world, bare_now_ns(play.world) + MILLISECONDS(5));
    bool taken = false;
    if (play_said(&play, A, TIMEOUT, 5) > 0 && play_said(&play, C, TIMEOUT, 5) > 0) {
        const message_t *next = play_last(&play, (member_t)(on % 4), PROPOSAL, on + 1);
        if (next == NULL)
            next = play_last(&play, (member_t)(on % 4), NEXT, on + 1);
        const certificate_t *stands_on = next->certificates[0];
        assert_int_equal(stands_on->statement.view, on);
        claim_t claim = {.view = 0, .digest = *bare_anchor(play.world)};
        const certificate_t *ended = play_end_view(&play, B, SET(A) | SET(C), 5, claim, &rooms[0]);
        digest_t id =
            play_propose(&play, B, BARE_ALL, play_block(&block, B, 6, stands_on, MILLISECONDS(60)),
                         stands_on, ended);
        bare_settle(play.world, bare_now_ns(play.world) + MILLISECONDS(5));
        uint32_t votes = play_said(&play, A, VOTE, 6) + play_said(&play, C, VOTE, 6) +
                         play_said(&play, D, VOTE, 6);
        taken = votes >= 2;
        if (taken)
            play_show(&play, B, BARE_ALL, play_certify(&play, B, ANY, 6, &id, &rooms[1]), NULL);
    }
    assert_true(bare_finish(play.world, bare_now_ns(play.world) + 400 * BASE));
    for (uint32_t i = 0; i < REQUESTS; i++)
        play_all_delivered(&play, SET(A) | SET(C) | SET(D), i);
    play_close(&play);
    return taken;
}

static uint32_t most_dropped(const char *protocol, uint32_t lost) {
    uint32_t most = 0;
    for (uint32_t count = 1; count <= 3; count++)
        if (can_drop_above(protocol, 5 - count, lost))
            most = count;
    return most;
}

/* attack H6: with a lock on the certificate itself, or a proof of the highest one, the block whose
 * certificate the liar kept; with three chains that and the one below, unless votes are said again
 * (HSC 4), which makes the certificate known after all. Four phases decide a block in its own view:
 * that can be dropped only if the network loses the view as well, before a quorum is locked. */
static void the_forking_attack(void **state) {
    (void)state;
    static const struct {
        const char *protocol, *lost_what;
        uint32_t lost, most;
    } plays[] = {
        {"hotstuff", "nothing", 0, 1},
        {"hotstuff-2", "nothing", 0, 1},
        {"hotstuff-chained", "nothing", 0, 1},
        {"hotstuff-chained", "votes said again", PHASE_SET(VOTE), 2},
        {"hotstuff-basic", "nothing", 0, 0},
        {"hotstuff-basic", "pre-commit certificates", PHASE_SET(COMMIT), 1},
        {"hotstuff-basic", "commit votes", PHASE_SET(COMMIT_VOTE), 0},
    };
    for (size_t i = 0; i < sizeof plays / sizeof *plays; i++) {
        uint32_t most = most_dropped(plays[i].protocol, plays[i].lost);
        printf("forking: %-16s a liar can drop %u blocks of others when the network loses %s\n",
               plays[i].protocol, most, plays[i].lost_what);
        assert_int_equal(most, plays[i].most);
    }
}

/* ---- the silence attack ---- */

#define PROPOSALS_MAX 1000

typedef struct watch {
    member_t silent;
    digest_t proposed[PROPOSALS_MAX]; /* by others than the silent one */
    uint32_t count;
} watch_t;

static bare_fate_t watch_filter(void *context, const bare_letter_t *letter) {
    watch_t *watch = context;
    if (letter->from == watch->silent)
        return FATE_DROP;
    if (letter->message->block == NULL)
        return FATE_DELIVER;
    const digest_t *id = &letter->message->statement.digest;
    for (uint32_t i = 0; i < watch->count; i++)
        if (digest_equal(&watch->proposed[i], id))
            return FATE_DELIVER;
    assert_true(watch->count < PROPOSALS_MAX);
    watch->proposed[watch->count++] = *id;
    return FATE_DELIVER;
}

typedef struct loss {
    uint32_t proposed, dropped;
    double seconds;
} loss_t;

/* 40 requests, one a block, a new leader each view; one member keeps all that it forms. */
static loss_t with_silent(const char *protocol, member_t silent) {
    watch_t watch = {.silent = silent};
    bare_options_t options = options_for(protocol, 0);
    bare_t *world = bare_open(&options);
    assert_non_null(world);
    bare_filter(world, watch_filter, &watch);
    uint32_t last = 0;
    for (uint32_t i = 0; i < 40; i++)
        last = bare_request(world, BARE_ALL);
    for (uint32_t i = 0; i <= last; i++)
        while (!bare_delivered(world, A, i))
            assert_true(bare_step(world));
    double seconds = (double)bare_now_ns(world) / 1e9;
    assert_true(bare_now_ns(world) < 1000 * BASE);
    bare_settle(world, bare_now_ns(world) + BASE / 2);
    assert_string_equal(bare_report(world)->text, "");
    /* What stands on the highest branch is final or may become so. */
    height_t kept = bare_progress(world, A).certified;
    loss_t loss = {watch.count, (uint32_t)(watch.count > kept ? watch.count - kept : 0), seconds};
    bare_close(world);
    return loss;
}

/* attack H6: what silence costs: time-outs, and a block a round whose certificate was kept, unless
 * votes are said again (HSC 4) or the leader of the block collects them itself (HSB 2). */
static void the_silence_attack(void **state) {
    (void)state;
    static const bool loses[SAFE_COUNT] = {true, false, true, false};
    for (size_t v = 0; v < SAFE_COUNT; v++) {
        loss_t none = with_silent(safe[v], MEMBER_NONE), loss = with_silent(safe[v], D);
        printf("silence: %-16s 40 requests in %.1f s (%.3f s when nobody is silent); %u blocks "
               "proposed, %u of them lost\n",
               safe[v], loss.seconds, none.seconds, loss.proposed, loss.dropped);
        assert_int_equal(none.dropped, 0);
        assert_in_range(loss.dropped, loses[v] ? 1 : 0, loses[v] ? loss.proposed / 3 : 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_forking_attack),
        cmocka_unit_test(the_silence_attack),
    };
    return cmocka_run_group_tests_name("hotstuff: forking and silence", tests, NULL, NULL);
}
