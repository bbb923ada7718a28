/* Counts to a thousand on a running chain, then reads the counter with a proof, which is that of
 * the last checkpoint and so may lag behind:
 *     synod up --home ./ledger        (in another terminal)
 *     client ./ledger/node0/genesis.json
 * Operations of the application kv: docs/formats/kv.md. */
#include <stdio.h>
#include <string.h>
#include <synod/client.h>

#define SECOND_NS UINT64_C(1000000000)
#define TIMES 1000

typedef struct tally {
    int ran, failed;
} tally;

/* On the client's thread, once an operation: at least one correct member ran it. */
static void on_counted(void *context, const synod_client_result *result) {
    tally *counted = context;
    *(result->status == SYNOD_OK ? &counted->ran : &counted->failed) += 1;
}

static void on_read(void *context, const synod_client_result *result) {
    (void)context;
    printf("read: %s", synod_status_text(result->status));
    /* The reply: 0, "is there" 1, size (4 bytes), the number in little-endian order. */
    if (result->status == SYNOD_OK && result->result.size == 14) {
        unsigned long long number = 0;
        for (int i = 7; i >= 0; i--)
            number = number << 8 | result->result.data[6 + i];
        printf(", the counter was %llu at height %llu", number, (unsigned long long)result->height);
    }
    printf("\n");
}

int main(int argc, char **argv) {
    /* Code, size of the key, key, and what to add; the last zero is the one that C appends. */
    static const uint8_t increment[] = "\5\6\0visits\1\0\0\0\0\0\0", get[] = "\1\6\0visits";
    char reason[512];
    synod_client *client;
    tally counted = {0, 0};
    synod_client_options options = {.size_bytes = sizeof options,
                                    .genesis_path = argc > 1 ? argv[1] : "genesis.json"};
    if (synod_client_open(&options, &client, reason, sizeof reason) != SYNOD_OK) {
        fprintf(stderr, "client: %s\n", reason);
        return 1;
    }
    for (int i = 0; i < TIMES; i++)
        synod_client_submit(client, (synod_bytes){increment, sizeof increment}, on_counted,
                            &counted);
    synod_client_wait(client, 30 * SECOND_NS);
    synod_client_query(client, (synod_bytes){get, sizeof get - 1}, true, on_read, NULL);
    synod_client_wait(client, 10 * SECOND_NS);
    synod_client_close(client);
    printf("ran %d of %d, %d failed\n", counted.ran, TIMES, counted.failed);
    return counted.ran == TIMES ? 0 : 1;
}
