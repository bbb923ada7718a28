/* What one link may cost this replica (quota.c). Those that charge a fault may close the link and
 * free it: nothing looks at it after them. */
#ifndef REPLICA_QUOTA_H
#define REPLICA_QUOTA_H

#include "replica/replica.h"

typedef struct replica_link replica_link_t;

/* What a link is charged for things that it may ask for (quota.c), in nanoseconds of the loop; each
 * byte of an answer is one more. Measured by bench/link_cost.c (release, one core of an AMD EPYC
 * virtual machine, 100,000 keys, no TLS, no socket):
 *
 *     attach     39 us, 57 when the table is full of other keys
 *     read       1.8 us a get; 35 a scan of 4,096 keys, whose answer has 49 KB
 *     proof      2.9 us; charged as more, because paths of large states are not in the caches
 *     status     0.7 us
 *     block ask  0.6 us, and a read of the journal that it may start
 *
 * A signature that somebody has us make once more is charged as what a check of one takes. */
#define ATTACH_WORK_NS UINT64_C(60000)
#define QUERY_WORK_NS UINT64_C(2000)
#define PROOF_WORK_NS UINT64_C(20000)
#define STATUS_WORK_NS UINT64_C(2000)
#define ASK_WORK_NS UINT64_C(5000)
#define SIGN_WORK_NS UINT64_C(50000)

/* What is remembered of a member beyond its link; one more for all clients together. */
typedef struct guard {
    uint64_t refused_until, lines_paid, lines_held;
    uint32_t refusals;
} guard_t;

/* Counts and logs a frame that is wrong; `weight`: signatures that it cost, at least 1. */
void gate_drop(replica_t *r, replica_link_t *link, synod_status why, const char *what,
               uint32_t weight);
void quota_fault(replica_t *r, replica_link_t *link, uint32_t weight);
/* May this link have so much work done beside consensus? False: counted, refused. */
bool quota_work(replica_t *r, replica_link_t *link, uint64_t cost_ns);
/* Is the member's link closed for its faults, and its time not over? */
bool quota_refused(const replica_t *r, member_t member);
/* A line that this member (MEMBER_NONE: some client) made us write. */
void quota_log(replica_t *r, member_t member, int level, const char *module, const char *event,
               const char *format, ...) __attribute__((format(printf, 6, 7)));
void quota_tick(replica_t *r);

#endif
