/* synod: one program, a map of verbs. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/verbs.h"
#include "crypto/sign.h"

static void print_map(FILE *to) {
    fprintf(to, "synod: Byzantine fault tolerant state machine replication\n\nusage: synod VERB "
                "[options]\n\n");
    for (const verb_t *const *verb = verbs; *verb != NULL; verb++)
        fprintf(to, "  %-10s %s\n", (*verb)->name, (*verb)->summary);
    fprintf(to, "\nEvery verb explains itself: synod VERB --help. To begin: synod demo\n");
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN); /* a peer that goes away is an error code, not the end (attack N13) */
    if (!sign_open()) {
        fprintf(stderr, "synod: the cryptographic library cannot start on this machine\n");
        return EXIT_FAILED;
    }
    if (argc < 2) {
        print_map(stdout);
        return EXIT_OK;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0 ||
        strcmp(argv[1], "-h") == 0) {
        print_map(stdout);
        return EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("synod %s\n", synod_version());
        return EXIT_OK;
    }
    for (const verb_t *const *verb = verbs; *verb != NULL; verb++)
        if (strcmp((*verb)->name, argv[1]) == 0)
            return (*verb)->run(*verb, argc - 2, argv + 2);
    fprintf(stderr, "synod: unknown verb \"%s\"; `synod` alone lists them\n", argv[1]);
    return EXIT_USAGE;
}
