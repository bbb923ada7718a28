/* A replica, member 3, that comes late: the others have a chain, and are asked for it. */
#ifndef TESTS_UNIT_REPLICA_LATE_H
#define TESTS_UNIT_REPLICA_LATE_H

#include "tests/unit/replica_chain.h"

#define CHAIN 8

static node_t nodes[CHAIN + 1];

/* A chain that the others made without us. */
static inline void make_chain(const world_t *w) {
    memset(nodes, 0, sizeof nodes);
    nodes[0] = genesis(w);
    for (uint32_t i = 1; i <= CHAIN; i++) {
        if (i == 2)
            add_text(w, &nodes[i], 0, 0, 7, 0, "");
        if (i == 5)
            add_text(w, &nodes[i], 0, 1, 1, 0, "operation");
        grow(w, &nodes[i - 1], &nodes[i], i, 0);
    }
}

/* A fresh replica: all others are there, member 0 was asked for the first run. */
static inline world_t *open_late(void) {
    world_t *w = world_make(SUITE_SYMBOLIC, 3);
    start(w);
    make_chain(w);
    for (member_t m = 0; m < 3; m++)
        member_comes(w, member_link(m), m);
    block_ask_t question;
    link_t link = LINK_NONE;
    assert_true(asked_for(w, &question, &link));
    assert_int_equal(link, member_link(0));
    assert_int_equal(question.from, 1);
    forget(w);
    return w;
}

/* The run 1..end with its proof, as an honest member sends it. */
static inline void tell_run(world_t *w, link_t link, uint32_t end) {
    for (uint32_t i = 1; i <= end; i++)
        tell_block(w, link, &nodes[i], i == end ? qc_of(&nodes[i + 1]) : NULL,
                   payload_of(&nodes[i]));
}

/* Somebody else than `last` is asked for the run once its patience is over. */
static inline link_t next_asked(world_t *w, link_t last) {
    block_ask_t question;
    link_t link = 0;
    forget(w);
    for (uint32_t i = 0; i < 8 && count_sent(w, FRAME_BLOCK_ASK) == 0; i++)
        pass(w, SECOND_NS / 2); /* whoever failed before has more patience, up to 4 s */
    assert_true(asked_for(w, &question, &link));
    assert_false(question.by_id);
    assert_int_equal(question.from, report(w).executed + 1);
    assert_int_not_equal(link, last);
    return link;
}

#endif
