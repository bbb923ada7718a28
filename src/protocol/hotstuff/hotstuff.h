/* Two-chain HotStuff with Jolteon's rule. Page: docs/protocols/hotstuff.md. */
#ifndef PROTOCOL_HOTSTUFF_HOTSTUFF_H
#define PROTOCOL_HOTSTUFF_HOTSTUFF_H

#include "protocol/protocol.h"

extern const protocol_t protocol_hotstuff;

#endif
