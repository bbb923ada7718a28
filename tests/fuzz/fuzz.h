/* What every fuzz target has: the function that libFuzzer calls, and a count of the inputs that
 * were taken rather than refused, by which the test over the corpus knows that it gets past the
 * door.
 *
 * A target is tests/fuzz/NAME_fuzz.c, its corpus tests/data/fuzz/NAME. In builds without libFuzzer,
 * driver/driver.c feeds it the corpus and changes of it: the test fuzz.NAME. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <synod/types.h>

#include <stdbool.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

__attribute__((weak)) uint64_t fuzz_accepted;

/* A target whose runs are dear defines it: the driver makes so many times fewer of them. */
extern __attribute__((weak)) const uint32_t fuzz_price;

static inline bool fuzz_took(synod_status status) {
    fuzz_accepted += status == SYNOD_OK ? 1 : 0;
    return status == SYNOD_OK;
}

#endif
