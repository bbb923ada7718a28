/* The HotStuff family (docs/protocols/hotstuff.md and its neighbours). */
#ifndef PROTOCOL_HOTSTUFF_HOTSTUFF_H
#define PROTOCOL_HOTSTUFF_HOTSTUFF_H

#include "protocol/protocol.h"

extern const protocol_t protocol_hotstuff, protocol_hotstuff_chained, protocol_hotstuff_2,
    protocol_hotstuff_one_chain, protocol_hotstuff_basic;

#endif
