/* See client_look.h. */
#include "node/client_look.h"

#include "node/client_state.h"

const genesis_t *client_genesis(const synod_client *client) {
    return &client->genesis;
}

const committee_t *client_committee(const synod_client *client) {
    return &client->committee;
}

static bool all_answered(const synod_client *client, bool but_unlinked) {
    for (uint32_t i = 0; i < client->genesis.member_count; i++) {
        const status_slot_t *slot = &client->statuses[i];
        if (slot->answered < slot->asked && !(but_unlinked && slot->link == LINK_NONE))
            return false;
    }
    return true;
}

void client_look_all(synod_client *client, uint64_t timeout_ns, uint64_t unlinked_ns,
                     void (*each)(void *context, const client_look_t *look), void *context) {
    uint64_t begun = client_now_ns();
    uv_mutex_lock(&client->mutex);
    for (uint32_t i = 0; i < client->genesis.member_count; i++)
        client->statuses[i].asked++;
    uv_async_send(&client->signal);
    for (uint64_t waited = 0; waited < timeout_ns; waited = client_now_ns() - begun) {
        if (all_answered(client, waited >= unlinked_ns))
            break;
        (void)uv_cond_timedwait(&client->changed, &client->mutex, 10000000);
    }
    for (uint32_t i = 0; i < client->genesis.member_count; i++) {
        const status_slot_t *slot = &client->statuses[i];
        client_look_t look = {.member = i,
                              .answered = slot->answered == slot->asked,
                              .report = {slot->bytes, slot->size}};
        if (look.answered)
            look.took_ns = slot->answered_ns > begun ? slot->answered_ns - begun : 0;
        look.trouble = slot->goodbye[0] != '\0' ? slot->goodbye : slot->trouble;
        each(context, &look);
    }
    uv_mutex_unlock(&client->mutex);
}
