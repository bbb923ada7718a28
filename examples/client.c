/* Adds one a thousand times to the counter of examples/counter.c, then reads it by adding nothing:
 *     client ./net/node0/genesis.json */
#include <stdio.h>
#include <synod/client.h>

#define SECOND_NS UINT64_C(1000000000)
#define TIMES 1000

typedef struct tally {
    int ran, failed;
} tally;

static unsigned long long number(const uint8_t answer[8]) {
    unsigned long long sum = 0;
    for (int i = 7; i >= 0; i--)
        sum = sum << 8 | answer[i];
    return sum;
}

/* On the client's thread. OK: at least one correct member ran it. */
static void on_added(void *context, const synod_client_result *result) {
    tally *counted = context;
    if (result->late) /* it was UNKNOWN, and counted as failed */
        counted->failed--;
    *(result->status == SYNOD_OK ? &counted->ran : &counted->failed) += 1;
}

int main(int argc, char **argv) {
    char reason[512];
    synod_client *client;
    tally counted = {0, 0};
    uint8_t answer[8];
    size_t size = 0;
    const synod_client_options options = {.size_bytes = sizeof options,
                                          .genesis_path = argc > 1 ? argv[1] : "genesis.json"};
    if (synod_client_open(&options, &client, reason, sizeof reason) != SYNOD_OK) {
        fprintf(stderr, "client: %s\n", reason);
        return 1;
    }
    for (int i = 0; i < TIMES; i++)
        synod_client_submit(client, (synod_bytes){(const uint8_t *)"\1", 1}, on_added, &counted);
    synod_client_wait(client, 30 * SECOND_NS);
    synod_status read = synod_client_call(client, (synod_bytes){(const uint8_t *)"", 1}, answer,
                                          sizeof answer, &size);
    synod_client_close(client);
    printf("added %d of %d, %d failed; the sum is %llu (%s)\n", counted.ran, TIMES, counted.failed,
           read == SYNOD_OK && size == sizeof answer ? number(answer) : 0, synod_status_text(read));
    return counted.ran == TIMES && read == SYNOD_OK ? 0 : 1;
}
