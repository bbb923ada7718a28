/* Fuzz target: a proof of kv and what it is said to prove, as a client gets them. The input is
 * root, size of the query u8, size of the reply u16, then query, reply and proof. A proof that
 * decodes is canonical; one that holds names the root: with another root it does not. */
#include <string.h>
#include <synod/app.h>

#include "app/kv_proof.h"
#include "base/check.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static kv_proof_t decoded;
    uint8_t again[KV_PROOF_BYTES_MAX];
    reader_t input = reader_of(bytes_of(data, size));
    if (size < SYNOD_DIGEST_BYTES + 3 || size > 1 << 16)
        return 0;
    synod_digest root;
    memcpy(root.bytes, read_bytes(&input, sizeof root.bytes).data, sizeof root.bytes);
    size_t query_size = read_u8(&input), reply_size = read_u16(&input);
    query_size = query_size < reader_left(&input) ? query_size : reader_left(&input);
    const bytes_t query = read_bytes(&input, query_size);
    reply_size = reply_size < reader_left(&input) ? reply_size : reader_left(&input);
    const bytes_t reply = read_bytes(&input, reply_size);
    const bytes_t proof = read_bytes(&input, reader_left(&input));
    if (kv_proof_decode(proof, &decoded) == SYNOD_OK) {
        writer_t writer = writer_of(again, sizeof again);
        kv_proof_encode(&decoded, &writer);
        require(!writer.failed && writer.at == proof.size);
        require(memcmp(again, proof.data, proof.size) == 0);
    }
    if (fuzz_took(synod_app_kv()->verify(&root, query, reply, proof))) {
        root.bytes[size % sizeof root.bytes] ^= 1;
        require(synod_app_kv()->verify(&root, query, reply, proof) != SYNOD_OK);
    }
    return 0;
}
