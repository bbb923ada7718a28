/* The trace as a play: one line of text for each thing that happens. Members are A, B, C, ...
 *   12.003 ms  B -> leader C  vote v=7 h=5 1a2b3c4d */
#include <stdio.h>

#include "sim/bare_state.h"

static char letter_of(uint64_t member) {
    return member < 26 ? (char)('A' + member) : '?';
}

static bool is_phase(const bare_t *world, const char *what) {
    for (uint32_t p = 0; p < world->protocol->phase_count; p++)
        if (strcmp(world->protocol->phases[p].name, what) == 0)
            return true;
    return false;
}

static const char *role_of(const bare_t *world, uint32_t index) {
    const node_t *node = &world->nodes[index];
    progress_t progress;
    if (!node->up)
        return "";
    world->protocol->progress(node->core, &node->env, &progress);
    return progress.leader == node->member ? "leader " : "";
}

/* a: link, status, admitted; b: view; c: height; d: digest. */
static void message_line(const bare_t *world, char *text, size_t size, uint32_t who,
                         const char *what, const uint64_t n[4]) {
    synod_status status = (synod_status)(n[0] >> 32 & 0xffff);
    bool admitted = (n[0] >> 48) != 0;
    const node_t *node = &world->nodes[who];
    snprintf(text, size, "%c -> %s%c%s  %s v=%llu h=%llu %08llx%s%s", letter_of(n[0] & UINT32_MAX),
             role_of(world, who), letter_of(node->member), who == node->member ? "" : "'", what,
             (unsigned long long)n[1], (unsigned long long)n[2],
             (unsigned long long)(n[3] & UINT32_MAX),
             status != SYNOD_OK ? "  refused: "
             : admitted         ? ""
                                : "  not admitted",
             status != SYNOD_OK ? synod_status_text(status) : "");
}

static void line(void *context, uint64_t now_ns, uint32_t who, const char *what, uint64_t a,
                 uint64_t b, uint64_t c, uint64_t d) {
    const bare_t *world = context;
    const uint64_t numbers[4] = {a, b, c, d};
    char said[200], text[240];
    if (who < world->node_count && is_phase(world, what)) {
        message_line(world, said, sizeof said, who, what, numbers);
    } else {
        char name = who < world->node_count ? letter_of(world->nodes[who].member) : '*';
        snprintf(said, sizeof said, "%c %s %llu %llx %llu %llu", name, what, (unsigned long long)a,
                 (unsigned long long)b, (unsigned long long)c, (unsigned long long)d);
    }
    snprintf(text, sizeof text, "%10.3f ms  %s", (double)now_ns / 1e6, said);
    world->options.line(world->options.line_context, text);
}

void bare_play_open(bare_t *world) {
    world->trace.line = line;
    world->trace.context = world;
}
