/* Catching up among liars, checkpoints that differ, and what we serve ourselves. The replica under
 * test is member 3. */
#include "tests/unit/replica_late.h"

#define RUN_MOST 72 /* blocks in one run; the replica's own bound */

static node_t lies[200];

static void test_honest_run(void **state) {
    (void)state;
    world_t *w = open_late();
    tell_run(w, member_link(0), 7);
    assert_int_equal(report(w).executed, 7);
    assert_int_equal(w->executed_operations, 1);
    assert_memory_equal(w->executed_id.bytes, nodes[7].id.bytes, sizeof w->executed_id);
    assert_int_equal(report(w).view, 9); /* attack H9: the proof moves the core on as well */
    world_close(w);
}

/* Made-up blocks that hang together, without end; each liar has its own. */
static void make_lies(const world_t *w, uint64_t liar) {
    memset(lies, 0, sizeof lies);
    lies[0] = genesis(w);
    for (uint32_t i = 1; i < 200; i++) {
        add_text(w, &lies[i], 1, 0, i + 1000 * liar, 0, "");
        grow(w, &lies[i - 1], &lies[i], (UINT64_C(1) << 40) + i, 0);
    }
}

static void test_garbage_run(void **state) {
    (void)state;
    world_t *w = open_late();
    make_lies(w, 0);
    for (uint32_t i = 1; i <= RUN_MOST; i++)
        tell_block(w, member_link(0), &lies[i], NULL, payload_of(&lies[i]));
    assert_int_equal(report(w).executed, 0);
    for (uint32_t i = RUN_MOST + 1; i <= RUN_MOST + 6; i++) { /* it cannot go on for ever */
        pass(w, SECOND_NS / 10);
        tell_block(w, member_link(0), &lies[i], NULL, payload_of(&lies[i]));
    }
    block_ask_t question;
    link_t next = LINK_NONE;
    assert_true(asked_for(w, &question, &next));
    assert_int_not_equal(next, member_link(0));
    for (uint32_t i = 1; i <= RUN_MOST; i++) /* another liar, the same lie */
        tell_block(w, next, &lies[i], NULL, payload_of(&lies[i]));
    next = next_asked(w, next);
    tell_run(w, next, 7);
    assert_int_equal(report(w).executed, 7);
    world_close(w);
}

/* attack N7: what a liar sends is no work for the pool. */
static void test_lies_are_not_verified(void **state) {
    (void)state;
    world_t *w = open_late();
    memset(lies, 0, sizeof lies);
    lies[0] = genesis(w);
    w->pool_holds = true;
    for (uint32_t i = 1; i <= 20; i++) {
        for (uint64_t k = 0; k < 4; k++)
            add_text(w, &lies[i], 1, 0, i * 10 + k, 0, "");
        grow(w, &lies[i - 1], &lies[i], i, 0);
        tell_block(w, member_link(0), &lies[i], NULL, payload_of(&lies[i]));
    }
    pass(w, SECOND_NS / 1000); /* judges again whatever waits */
    assert_int_equal(w->job_count, 0);
    world_close(w);
}

/* Runs of liars do not add up: an honest one, as long as runs may be, finds room in the store. */
static void test_liars_do_not_fill_the_store(void **state) {
    (void)state;
    world_t *w = open_late();
    link_t link = member_link(0);
    for (uint64_t liar = 0; liar < 3; liar++) {
        make_lies(w, liar);
        for (uint32_t i = 1; i <= RUN_MOST; i++)
            tell_block(w, link, &lies[i], NULL, payload_of(&lies[i]));
        link = next_asked(w, link);
    }
    memset(lies, 0, sizeof lies); /* now the truth, in views that are low */
    lies[0] = genesis(w);
    for (uint32_t i = 1; i <= RUN_MOST + 1; i++)
        grow(w, &lies[i - 1], &lies[i], i, 0);
    for (uint32_t i = 1; i <= RUN_MOST; i++)
        tell_block(w, link, &lies[i], i == RUN_MOST ? qc_of(&lies[i + 1]) : NULL, (bytes_t){0});
    assert_int_equal(report(w).executed, RUN_MOST);
    world_close(w);
}

/* attack N5: one block now and then is no progress, a proof is. */
static void test_a_drip_is_left(void **state) {
    (void)state;
    world_t *w = open_late();
    make_lies(w, 0);
    block_ask_t question = {0};
    link_t link = LINK_NONE;
    uint32_t told = 0;
    while (!asked_for(w, &question, &link) && told < 30) {
        tell_block(w, member_link(0), &lies[told + 1], NULL, payload_of(&lies[told + 1]));
        told++;
        pass(w, SECOND_NS * 2 / 5);
    }
    assert_in_range(told, 9, 10); /* four seconds in all */
    assert_int_not_equal(link, member_link(0));
    assert_int_equal(question.count, RUN_MOST / 2); /* perhaps it was slow, not false */
    assert_int_equal(report(w).sync_failures, 1);
    tell_run(w, link, 7);
    assert_int_equal(report(w).executed, 7);
    world_close(w);
}

/* One member's word that there is nothing more ends nothing: f + 1 are asked, without a pause. */
static void test_nothing_more_takes_two(void **state) {
    (void)state;
    world_t *w = open_late();
    say_nothing_more(w, 0);
    block_ask_t question;
    link_t link = LINK_NONE;
    assert_true(asked_for(w, &question, &link));
    assert_int_not_equal(link, member_link(0));
    tell_run(w, link, 7);
    assert_int_equal(report(w).executed, 7);
    world_close(w);
    w = open_late();
    say_nothing_more(w, 0);
    assert_true(asked_for(w, &question, &link));
    forget(w);
    say_nothing_more(w, (member_t)(link - member_link(0)));
    assert_false(asked_for(w, &question, &link)); /* an honest one is among two */
    world_close(w);
}

/* Nothing is known to be missing, and the peer says nothing (it may be recovering): the next is
 * asked all the same. */
static void test_silence_is_no_answer(void **state) {
    (void)state;
    world_t *w = open_late();
    block_ask_t question;
    link_t link = LINK_NONE;
    pass(w, SECOND_NS);
    assert_true(asked_for(w, &question, &link));
    assert_int_not_equal(link, member_link(0));
    tell_run(w, link, 7);
    assert_int_equal(report(w).executed, 7);
    world_close(w);
}

/* A run whose proof is far comes in pieces, from the same peer. */
static void test_a_run_in_pieces(void **state) {
    (void)state;
    world_t *w = open_late();
    make_lies(w, 0);
    tell_block(w, member_link(0), &lies[1], NULL, payload_of(&lies[1]));
    link_t link = next_asked(w, member_link(0)); /* now for half as many */
    memset(lies, 0, sizeof lies);
    lies[0] = genesis(w);
    for (uint32_t i = 1; i <= RUN_MOST + 1; i++)
        grow(w, &lies[i - 1], &lies[i], i, 0);
    forget(w);
    for (uint32_t i = 1; i <= RUN_MOST; i++) {
        tell_block(w, link, &lies[i], i == RUN_MOST ? qc_of(&lies[i + 1]) : NULL, (bytes_t){0});
        assert_int_equal(count_sent(w, FRAME_BLOCK_ASK), i < RUN_MOST / 2 ? 0
                                                         : i < RUN_MOST   ? 1
                                                                          : 2);
    }
    assert_int_equal(report(w).executed, RUN_MOST);
    world_close(w);
}

/* Nobody who was not asked can put himself in between. */
static void test_unasked_blocks(void **state) {
    (void)state;
    world_t *w = open_late();
    make_lies(w, 0);
    for (uint32_t i = 1; i < 150; i++) {
        tell_block(w, member_link(1), &lies[i], NULL, payload_of(&lies[i]));
        if (i <= 7)
            tell_block(w, member_link(0), &nodes[i], i == 7 ? qc_of(&nodes[8]) : NULL,
                       payload_of(&nodes[i]));
    }
    assert_int_equal(report(w).executed, 7);
    world_close(w);
}

static void test_wrong_proofs(void **state) {
    (void)state;
    world_t *w = open_late();
    static _Alignas(8) uint8_t room[CERTIFICATE_ROOM];
    certificate_t *proof = (certificate_t *)(void *)room;
    link_t link = member_link(0);
    for (uint32_t kind = 0; kind < 5; kind++) {
        memcpy(room, nodes[8].qc_room, sizeof room);
        if (kind == 0) /* a signature that does not hold */
            ((signature_t *)(uintptr_t)certificate_signature(proof, 1))->bytes[3] ^= 4;
        if (kind == 1) /* of another block */
            memcpy(room, nodes[7].qc_room, sizeof room);
        if (kind == 2) /* views not in a row: nothing is final */
            proof->statement.claims[0].view--;
        if (kind == 3) { /* two signers are no quorum */
            statement_t statement = vote_for(w, &nodes[7], &nodes[8]);
            certificate_begin(proof, &statement, MEMBERS, 2, false);
            for (member_t m = 0; m < 2; m++) {
                signature_t signature = sign_statement(w, m, &statement);
                certificate_put(proof, m, m, &signature, NULL);
            }
        }
        if (kind == 4) /* genesis proves nothing */
            certificate_genesis(proof, &w->committee, &w->config.anchor, VOTE);
        for (uint32_t i = 1; i <= 7; i++)
            tell_block(w, link, &nodes[i], i == 7 ? proof : NULL, payload_of(&nodes[i]));
        assert_int_equal(report(w).executed, 0);
        assert_int_equal(report(w).final, 0);
        link = next_asked(w, link);
    }
    tell_run(w, link, 7);
    assert_int_equal(report(w).executed, 7);
    world_close(w);
}

static void test_wrong_payload_in_a_run(void **state) {
    (void)state;
    world_t *w = open_late();
    tell_block(w, member_link(0), &nodes[1], NULL, payload_of(&nodes[1]));
    tell_block(w, member_link(0), &nodes[2], NULL, payload_of(&nodes[5]));
    for (uint32_t i = 3; i <= 7; i++)
        tell_block(w, member_link(0), &nodes[i], i == 7 ? qc_of(&nodes[8]) : NULL,
                   payload_of(&nodes[i]));
    assert_int_equal(report(w).executed, 0);
    tell_run(w, next_asked(w, member_link(0)), 7);
    assert_int_equal(report(w).executed, 7);
    assert_int_equal(w->executed_operations, 1);
    world_close(w);
}

/* A final block whose bytes came from a liar and were not looked at yet, because its parents were
 * missing. */
static void test_wrong_payload_of_a_final_block(void **state) {
    (void)state;
    world_t *w = open_late();
    client_comes(w, client_link(0));
    attach(w, 0, client_link(0));
    static node_t other;
    memset(&other, 0, sizeof other);
    add_text(w, &other, 0, 1, 1, 0, "0peration");
    message_t message = proposal_of(w, &nodes[4], &nodes[5]);
    tell(w, member_link(0), &message, payload_of(&other));
    tell_certificate(w, 1, qc_of(&nodes[6]));
    assert_int_equal(report(w).final, 5);
    tell_run(w, member_link(0), 5);
    assert_int_equal(report(w).executed, 5);
    assert_int_equal(w->executed_operations, 1);
    assert_int_equal(reply_on(w, client_link(0)).result.data[5], 'o');
    world_close(w);
}

/* "There is nothing more", said by one who lags or lies, while we know better. */
static void test_nothing_more_is_not_believed(void **state) {
    (void)state;
    world_t *w = open_late();
    tell_certificate(w, 1, qc_of(&nodes[8]));
    assert_int_equal(report(w).final, 7);
    assert_int_equal(report(w).executed, 0);
    for (member_t m = 3; m > 0; m--) /* the one that was asked comes last */
        say_nothing_more(w, m - 1);
    link_t next = next_asked(w, member_link(0));
    tell_run(w, next, 7);
    assert_int_equal(report(w).executed, 7);
    world_close(w);
}

/* attack H14 */
static void test_missing_parent_is_fetched(void **state) {
    (void)state;
    world_t *w = open_late();
    say_nothing_more(w, 0);
    forget(w);
    propose(w, &nodes[0], &nodes[1]);
    propose(w, &nodes[2], &nodes[3]); /* 2 never came */
    assert_int_equal(count_phase(w, VOTE, NULL), 1);
    block_ask_t question;
    link_t first = LINK_NONE, second = LINK_NONE;
    assert_true(asked_for(w, &question, &first));
    assert_true(question.by_id && digest_equal(&question.id, &nodes[2].id));
    tell_block(w, first, &nodes[4], NULL, payload_of(&nodes[4])); /* not what was asked for */
    assert_int_equal(count_phase(w, VOTE, NULL), 1);
    pass(w, SECOND_NS / 2);
    asked_for(w, &question, &second);
    assert_int_not_equal(first, second);
    assert_true(digest_equal(&question.id, &nodes[2].id));
    tell_block(w, second, &nodes[2], NULL, payload_of(&nodes[2]));
    message_t vote = {0};
    assert_int_equal(count_phase(w, VOTE, &vote), 2);
    assert_true(digest_equal(&vote.statement.digest, &nodes[3].id));
    world_close(w);
}

/* A new leader lacks the block that it has to build on: it fetches it and then proposes, in the
 * same view; the core does not ask twice. */
static void test_leader_fetches_what_it_builds_on(void **state) {
    (void)state;
    world_t *w = world_open(SUITE_SYMBOLIC, 1);
    make_chain(w);
    propose(w, &nodes[0], &nodes[1]);
    ask(w, client_link(1), 1, 0, 3, 0, "");
    forget(w);
    view_t end = UINT64_C(1) << 32;
    for (member_t m = 0; m < MEMBERS; m++)
        if (m != 1)
            tell_timeout(w, m, end, &nodes[2]); /* 2 is certified and was never seen here */
    assert_int_equal(report(w).view, end + 1);
    assert_int_equal(count_phase(w, PROPOSAL, NULL), 0);
    block_ask_t question;
    link_t link = LINK_NONE;
    assert_true(asked_for(w, &question, &link));
    assert_true(question.by_id && digest_equal(&question.id, &nodes[2].id));
    tell_block(w, link, &nodes[2], NULL, payload_of(&nodes[2]));
    message_t proposal = {0};
    assert_int_equal(count_phase(w, PROPOSAL, &proposal), MEMBERS - 1);
    assert_int_equal(proposal.statement.view, end + 1);
    assert_int_equal(proposal.block->payload_count, 1);
    world_close(w);
}

/* ---- serving ---- */

static void test_serving(void **state) {
    (void)state;
    world_t *w = open_late();
    tell_run(w, member_link(0), 7);
    forget(w);
    ask_blocks(w, 2, 1, UINT32_MAX);
    assert_int_equal(count_sent(w, FRAME_BLOCK), 7);
    const sent_t *last = last_sent(w, FRAME_BLOCK, member_link(2));
    reader_t reader = reader_of(bytes_of(last->body, last->size));
    block_answer_t answer;
    assert_int_equal(block_answer_decode(&reader, &answer), SYNOD_OK);
    assert_int_equal(answer.height, 7);
    assert_true(answer.proof.size > 0);
    forget(w);
    ask_blocks(w, 2, UINT64_MAX, 1); /* nothing there: one empty answer */
    ask_blocks(w, 2, 0, 5);          /* no such height: silence */
    assert_int_equal(count_sent(w, FRAME_BLOCK), 1);
    world_close(w);
}

/* Without a proof within what was asked for, the blocks go alone. */
static void test_serving_between_proofs(void **state) {
    (void)state;
    world_t *w = open_late();
    tell_run(w, member_link(0), 7);
    forget(w);
    ask_blocks(w, 2, 2, 3);
    assert_int_equal(count_sent(w, FRAME_BLOCK), 3);
    const sent_t *last = last_sent(w, FRAME_BLOCK, member_link(2));
    reader_t reader = reader_of(bytes_of(last->body, last->size));
    block_answer_t answer;
    assert_int_equal(block_answer_decode(&reader, &answer), SYNOD_OK);
    assert_int_equal(answer.height, 4);
    assert_int_equal(answer.proof.size, 0);
    world_close(w);
}

/* attack N7: who asks again and again takes turns with the others. */
static void test_serving_takes_turns(void **state) {
    (void)state;
    world_t *w = open_late();
    memset(lies, 0, sizeof lies);
    lies[0] = genesis(w);
    for (uint32_t i = 1; i < 200; i++)
        grow(w, &lies[i - 1], &lies[i], i, 0);
    tell_certificate(w, 1, qc_of(&lies[199]));
    link_t link = member_link(0);
    for (uint32_t i = 1; i < 199; i++) { /* the first ones leave the memory */
        bool last = i % 66 == 0;
        tell_block(w, link, &lies[i], last ? qc_of(&lies[i + 1]) : NULL, (bytes_t){0});
        if (last && i < 198)
            link = next_asked(w, link);
    }
    assert_int_equal(report(w).executed, 198);
    forget(w);
    w->reads_hold = true;
    ask_blocks(w, 2, 1, 3);
    ask_blocks(w, 2, 4, 3);
    ask_blocks(w, 2, 7, 3); /* in place of the one before */
    ask_blocks(w, 1, 1, 2);
    w->reads_hold = false;
    settle(w);
    assert_int_equal(count_sent(w, FRAME_BLOCK), 8);
    for (uint32_t i = 0; i < 8; i++)
        assert_int_equal(w->sent[i].link, member_link(i == 3 || i == 4 ? 1 : 2));
    world_close(w);
}

/* ---- checkpoints ---- */

/* Height 4 is executed and attested (checkpoint_blocks = 4). */
static world_t *open_attested(void) {
    world_t *w = open_late();
    tell_run(w, member_link(0), 4);
    assert_int_equal(report(w).executed, 4);
    assert_int_equal(report(w).root_height, 4);
    assert_int_equal(count_sent(w, FRAME_CHECKPOINT), 3);
    return w;
}

/* One member's word may be what another's snapshot lacks, and the frame was lost: it is said again,
 * less and less, and what comes in meanwhile puts nothing off. */
static void test_a_root_is_told_again(void **state) {
    (void)state;
    world_t *w = open_attested();
    uint64_t told = w->now.now_ns;
    forget(w);
    while (w->now.now_ns < told + 3 * SECOND_NS / 2) {
        digest_t other = {{1}};
        tell_checkpoint(w, 0, 1, &other);
        pass(w, SECOND_NS / 4);
    }
    assert_int_equal(count_sent(w, FRAME_CHECKPOINT), 0);
    assert_true(w->wake_at <= told + 2 * SECOND_NS);
    pass(w, SECOND_NS);
    assert_int_equal(count_sent(w, FRAME_CHECKPOINT), 3);
    forget(w);
    for (uint32_t i = 0; i < 3600; i++)
        pass(w, SECOND_NS);
    assert_in_range(count_sent(w, FRAME_CHECKPOINT), 3 * 50, 3 * 65);
    world_close(w);
}

/* A root is given with its parts only when all of them are of one state. */
static void test_a_root_fits_its_parts(void **state) {
    (void)state;
    world_t *w = open_late();
    state_root_t root;
    assert_false(replica_root(w->replica, &root));
    tell_run(w, member_link(0), 7); /* an operation in block 5, a root at block 4 */
    assert_int_equal(report(w).executed, 7);
    assert_int_equal(report(w).root_height, 4);
    assert_false(replica_root(w->replica, &root));
    pass(w, SECOND_NS); /* nothing more comes */
    assert_true(replica_root(w->replica, &root));
    assert_int_equal(root.height, 7);
    digest_t whole = whole_of(&root);
    assert_memory_equal(whole.bytes, root.root.bytes, sizeof whole.bytes);
    world_close(w);
}

/* attack P23 */
static void test_checkpoints_that_differ(void **state) {
    (void)state;
    world_t *w = open_attested();
    digest_t ours = report(w).root, wrong = ours;
    wrong.bytes[9] ^= 1;
    tell_checkpoint(w, 0, 4, &wrong);
    tell_checkpoint(w, 0, 4, &wrong); /* one liar is one, however often it speaks */
    tell_checkpoint(w, 2, 4, &ours);
    assert_int_equal(w->halted, SYNOD_OK);
    tell_checkpoint(w, 1, 4, &wrong);
    assert_int_equal(w->halted, SYNOD_CONFLICT);
    assert_non_null(strstr(w->halt_reason, "state root"));
    world_close(w);
}

/* One liar cannot blind us for what others say: neither by far heights nor by speaking first. */
static void test_checkpoints_of_a_liar(void **state) {
    (void)state;
    world_t *w = open_late();
    digest_t wrong = {{1}}, other = {{2}};
    for (height_t height = 1000; height < 1020; height++)
        tell_checkpoint(w, 0, height, &other);
    tell_checkpoint(w, 2, 4, &wrong);
    tell_checkpoint(w, 1, 4, &other); /* two others, and not even of one opinion */
    assert_int_equal(w->halted, SYNOD_OK);
    forget(w);
    tell_run(w, member_link(0), 3);
    assert_int_equal(w->halted, SYNOD_OK);
    tell_certificate(w, 0, qc_of(&nodes[5]));
    block_ask_t question;
    link_t link = LINK_NONE;
    assert_true(asked_for(w, &question, &link));
    tell_block(w, link, &nodes[4], qc_of(&nodes[5]), payload_of(&nodes[4]));
    assert_int_equal(w->halted, SYNOD_CONFLICT); /* as soon as there is a root to compare with */
    world_close(w);
}

static void test_forged_checkpoints(void **state) {
    (void)state;
    world_t *w = open_attested();
    digest_t wrong = {{1}};
    for (member_t m = 0; m < 3; m++) {
        const signer_t keys = w->signers[m];
        w->signers[m] = w->signers[MEMBERS]; /* signed with a client's key */
        tell_checkpoint(w, m, 4, &wrong);
        w->signers[m] = keys;
    }
    assert_int_equal(w->halted, SYNOD_OK);
    assert_int_equal(report(w).signatures_bad, 3);
    world_close(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_honest_run),
        cmocka_unit_test(test_garbage_run),
        cmocka_unit_test(test_lies_are_not_verified),
        cmocka_unit_test(test_liars_do_not_fill_the_store),
        cmocka_unit_test(test_a_drip_is_left),
        cmocka_unit_test(test_nothing_more_takes_two),
        cmocka_unit_test(test_silence_is_no_answer),
        cmocka_unit_test(test_a_run_in_pieces),
        cmocka_unit_test(test_unasked_blocks),
        cmocka_unit_test(test_wrong_proofs),
        cmocka_unit_test(test_wrong_payload_in_a_run),
        cmocka_unit_test(test_wrong_payload_of_a_final_block),
        cmocka_unit_test(test_nothing_more_is_not_believed),
        cmocka_unit_test(test_missing_parent_is_fetched),
        cmocka_unit_test(test_leader_fetches_what_it_builds_on),
        cmocka_unit_test(test_serving),
        cmocka_unit_test(test_serving_between_proofs),
        cmocka_unit_test(test_serving_takes_turns),
        cmocka_unit_test(test_a_root_is_told_again),
        cmocka_unit_test(test_a_root_fits_its_parts),
        cmocka_unit_test(test_checkpoints_that_differ),
        cmocka_unit_test(test_checkpoints_of_a_liar),
        cmocka_unit_test(test_forged_checkpoints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
