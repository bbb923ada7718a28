/* The file node_key: fresh ones, damaged ones, those of others (attacks K7, F10); and the keys that
 * its seeds stand for. */
#include "adapter_world.h"

#include "adapter/hex.h"
#include "adapter/node_key.h"

static node_key_t key, back;

static synod_status write_key(const char *name) {
    return node_key_write(world_path(name), &key, &world_reason);
}
static synod_status read_key(const char *name) {
    return node_key_read(world_path(name), &back, &world_reason);
}

static void test_round_trip(void **state) {
    (void)state;
    struct stat about;
    assert_int_equal(node_key_draw(&key, &world_reason), SYNOD_OK);
    assert_int_equal(write_key("fresh"), SYNOD_OK);
    assert_int_equal(stat(world_path("fresh"), &about), 0);
    assert_int_equal(about.st_mode & 07777, 0600);
    assert_int_equal(read_key("fresh"), SYNOD_OK);
    assert_memory_equal(&key, &back, sizeof key);
    /* A key is never overwritten. */
    assert_int_equal(write_key("fresh"), SYNOD_IN_USE);
    node_key_wipe(&back);
    const node_key_t nothing = {{0}, {0}};
    assert_memory_equal(&back, &nothing, sizeof back);
}

static void test_two_draws_differ(void **state) {
    (void)state;
    assert_int_equal(node_key_draw(&key, &world_reason), SYNOD_OK);
    assert_int_equal(node_key_draw(&back, &world_reason), SYNOD_OK);
    assert_memory_not_equal(key.member_seed, back.member_seed, sizeof key.member_seed);
    assert_memory_not_equal(key.tls_seed, back.tls_seed, sizeof key.tls_seed);
    assert_memory_not_equal(key.tls_seed, key.member_seed, sizeof key.tls_seed);
}

/* The format as docs/formats/home.md has it. */
static void test_text(void **state) {
    (void)state;
    memset(key.member_seed, 0x11, sizeof key.member_seed);
    memset(key.tls_seed, 0x22, sizeof key.tls_seed);
    assert_int_equal(write_key("text"), SYNOD_OK);
    assert_string_equal(
        world_get(world_path("text"), NULL),
        "synod-node-key 1\n"
        "member-seed 1111111111111111111111111111111111111111111111111111111111111111\n"
        "tls-seed 2222222222222222222222222222222222222222222222222222222222222222\n"
        "checksum a2a84cba20fcc1a1\n");
}

/* Every byte that is lost or changed is noticed. */
static void test_each_damage(void **state) {
    (void)state;
    char text[512];
    size_t size = 0;
    assert_int_equal(node_key_draw(&key, &world_reason), SYNOD_OK);
    assert_int_equal(write_key("whole"), SYNOD_OK);
    memcpy(text, world_get(world_path("whole"), &size), sizeof text);
    for (size_t at = 0; at < size; at++) {
        char kept = text[at];
        text[at] = kept == '0' ? '1' : '0';
        world_put(world_path("damaged"), text, size, 0600);
        assert_int_not_equal(read_key("damaged"), SYNOD_OK);
        text[at] = kept;
        world_put(world_path("damaged"), text, at, 0600);
        assert_int_not_equal(read_key("damaged"), SYNOD_OK);
        assert_reason("damaged");
    }
    text[size] = '\n';
    world_put(world_path("damaged"), text, size + 1, 0600);
    assert_int_equal(read_key("damaged"), SYNOD_BAD_CHECKSUM);
    assert_reason("backup");
}

static void test_refused(void **state) {
    (void)state;
    char zeros[8192] = {0};
    assert_int_equal(read_key("absent"), SYNOD_NOT_FOUND);
    world_put(world_path("empty"), "", 0, 0600);
    assert_int_equal(read_key("empty"), SYNOD_MALFORMED);
    world_put(world_path("zeros"), zeros, 200, 0600);
    assert_int_equal(read_key("zeros"), SYNOD_MALFORMED);
    world_put(world_path("long"), zeros, sizeof zeros, 0600);
    assert_int_equal(read_key("long"), SYNOD_TOO_LARGE);
    world_put(world_path("later"), "synod-node-key 27\nnew\n", 22, 0600);
    assert_int_equal(read_key("later"), SYNOD_BAD_VERSION);
    assert_reason("version '27'");
    assert_int_equal(node_key_draw(&key, &world_reason), SYNOD_OK);
    assert_int_equal(write_key("open"), SYNOD_OK);
    assert_int_equal(chmod(world_path("open"), 0640), 0);
    assert_int_equal(read_key("open"), SYNOD_PERMISSION);
    assert_reason("chmod 0600");
}

/* ---- what the seeds stand for ---- */

static void test_public_keys(void **state) {
    (void)state;
    key_public_t member, other_member;
    tls_key_t tls, other_tls;
    verifier_t verifier = verifier_ed25519();
    uint8_t seed[32], other_seed[32];
    assert_int_equal(node_key_draw(&key, &world_reason), SYNOD_OK);
    assert_int_equal(node_key_public(&key, &member, &tls), SYNOD_OK);
    assert_int_equal(verifier.judge_key(verifier.context, &member), SYNOD_OK);
    assert_int_equal(tls_key_judge(&tls), SYNOD_OK);
    assert_int_equal(node_key_public(&key, &other_member, NULL), SYNOD_OK);
    assert_memory_equal(&member, &other_member, sizeof member);
    node_key_replica_seed(&key, seed);
    key.member_seed[0] ^= 1;
    key.tls_seed[31] ^= 0x80;
    assert_int_equal(node_key_public(&key, &other_member, &other_tls), SYNOD_OK);
    assert_memory_not_equal(&member, &other_member, sizeof member);
    assert_memory_not_equal(&tls, &other_tls, sizeof tls);
    node_key_replica_seed(&key, other_seed);
    assert_memory_not_equal(seed, other_seed, sizeof seed);
}

/* The derivation is part of the format: a later build has to find the same key. */
static void test_tls_key_of_seed(void **state) {
    (void)state;
    uint8_t seed[TLS_SEED_BYTES];
    char text[2 * TLS_KEY_BYTES + 1];
    tls_key_t tls;
    memset(seed, 0x22, sizeof seed);
    assert_int_equal(tls_key_of_seed(seed, &tls), SYNOD_OK);
    hex_encode(tls.bytes, sizeof tls.bytes, text);
    assert_string_equal(text, "0272d1eebd68bc08347ac1b2d863a5fa684df99d6f1cde4d13958cc0f046ab337f");
}

static void test_no_points(void **state) {
    (void)state;
    tls_key_t tls;
    uint8_t seed[TLS_SEED_BYTES] = {1};
    assert_int_equal(tls_key_of_seed(seed, &tls), SYNOD_OK);
    const uint8_t first[] = {0x00, 0x01, 0x04, 0x05, 0x82, 0xff};
    for (size_t at = 0; at < sizeof first; at++) {
        tls_key_t wrong = tls;
        wrong.bytes[0] = first[at];
        assert_int_equal(tls_key_judge(&wrong), SYNOD_BAD_KEY);
    }
    tls_key_t other_half = tls;
    other_half.bytes[0] ^= 1; /* the point with -y is one too */
    assert_int_equal(tls_key_judge(&other_half), SYNOD_OK);
    memset(tls.bytes + 1, 0xff, TLS_KEY_BYTES - 1); /* x is not below the prime */
    assert_int_equal(tls_key_judge(&tls), SYNOD_BAD_KEY);
    uint32_t points = 0;
    for (uint8_t x = 0; x < 64; x++) { /* about half of all x have a point */
        memset(tls.bytes, 0, sizeof tls.bytes);
        tls.bytes[0] = 2;
        tls.bytes[TLS_KEY_BYTES - 1] = x;
        points += tls_key_judge(&tls) == SYNOD_OK ? 1 : 0;
    }
    assert_in_range(points, 16, 48);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_two_draws_differ),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_each_damage),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_public_keys),
        cmocka_unit_test(test_tls_key_of_seed),
        cmocka_unit_test(test_no_points),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
