/* Fuzz target: genesis.json. What is accepted has a canonical form, whose digest is the chain's
 * domain; what is refused is refused in a sentence (attacks K4, X19). */
#include <stdlib.h>
#include <string.h>

#include "adapter/genesis.h"
#include "base/check.h"
#include "crypto/hash.h"
#include "crypto/sign.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    genesis_t genesis;
    reason_t reason = {""};
    require(sign_open());
    if (!fuzz_took(genesis_parse("input", (const char *)data, size, &genesis, &reason))) {
        require(reason.text[0] != '\0');
        return 0;
    }
    size_t encoded_size = 0;
    uint8_t *encoded = genesis_encode(&genesis, &encoded_size);
    require(encoded != NULL && genesis.member_count > 0);
    const digest_t domain = hash_bytes(bytes_of(encoded, encoded_size));
    require(digest_equal(&domain, &genesis.domain));
    free(encoded);
    genesis_free(&genesis);
    return 0;
}
