/* The application of a simulated replica: `kv`, whose states are small here. So that a root takes
 * many turns of the loop, as that of a large state does, each piece of the work can be made small.
 */
#include "app/kv_state.h"
#include "sim/world_state.h"

#define SLOW_PIECE_ITEMS 3

static bool root_next_slowly(void *memory, synod_digest *root) {
    kv_state_t *state = memory;
    if (!kv_tree_settle_next(&state->tree, &state->store, SLOW_PIECE_ITEMS))
        return false;
    *root = kv_tree_root(&state->tree);
    return true;
}

const synod_app *world_app(const world_options_t *options) {
    static synod_app slow;
    if (!options->slow_roots)
        return synod_app_kv();
    slow = *synod_app_kv();
    slow.root_next = root_next_slowly;
    return &slow;
}
