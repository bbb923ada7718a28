/* Bad input against running validators: three of four are processes of `synod node`, the fourth
 * seat is a liar's, who has that member's keys. After each attack an operation of a client must
 * still be confirmed, and all three processes must live; at the end they stop in order. */
#include "tests/loopback/adapter_net_world.h"

#include <signal.h>
#include <spawn.h>
#include <synod/client.h>
#include <sys/wait.h>

#include "adapter/home.h"
#include "codec/hello.h"
#include "codec/message_codec.h"
#include "codec/request.h"
#include "codec/sync_codec.h"
#include "crypto/sign.h"
#include "protocol/registry.h"

#define MEMBERS 4
#define LIAR 3
#define FIRST_PORT 7960

extern char **environ;

static file_path_t folder;
static pid_t processes[MEMBERS - 1];
static home_t homes[MEMBERS];
static synod_client *client;
static uv_timer_t ticking; /* a loop with nothing in it would not wait */
static uint32_t numbers;

/* ---- processes ---- */

static pid_t start(const char *const *arguments, const char *log) {
    pid_t pid = 0;
    posix_spawn_file_actions_t actions;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    for (int stream = 1; stream <= 2; stream++)
        assert_int_equal(posix_spawn_file_actions_addopen(&actions, stream, log,
                                                          O_WRONLY | O_CREAT | O_APPEND, 0600),
                         0);
    assert_int_equal(posix_spawn(&pid, getenv("SYNOD_BIN"), &actions, NULL,
                                 (char *const *)(uintptr_t)arguments, environ),
                     0);
    assert_int_equal(posix_spawn_file_actions_destroy(&actions), 0);
    return pid;
}

static void make_homes(void) {
    home_plan_t plan;
    home_plan_default(&plan);
    plan.port = FIRST_PORT;
    (void)snprintf(folder.text, sizeof folder.text, "/tmp/synod-hostile-XXXXXX");
    assert_non_null(mkdtemp(folder.text));
    file_path_t net;
    (void)file_join(&net, folder.text, "net", &world_reason);
    assert_int_equal(testnet_create(net.text, MEMBERS, &plan, &world_reason), SYNOD_OK);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        file_path_t home;
        assert_int_equal(testnet_home(net.text, i, &home, &world_reason), SYNOD_OK);
        assert_int_equal(home_read(home.text, &homes[i], &world_reason), SYNOD_OK);
    }
}

static void log_of(uint32_t index, file_path_t *log) {
    char name[16];
    (void)snprintf(name, sizeof name, "log%u", index);
    (void)file_join(log, folder.text, name, &world_reason);
}

static void start_nodes(void) {
    for (uint32_t i = 0; i < MEMBERS - 1; i++) {
        file_path_t log;
        log_of(i, &log);
        const char *arguments[] = {"synod", "node", "--home", homes[i].path.text, NULL};
        processes[i] = start(arguments, log.text);
    }
}

/* Does the log of a node say this? Logs are written line by line; a moment may pass. */
static bool log_says(uint32_t index, const char *text) {
    for (int tries = 0; tries < 50; tries++) {
        file_path_t log;
        file_content_t content;
        log_of(index, &log);
        assert_int_equal(file_read(log.text, 64u << 20, FILE_PUBLIC, &content, &world_reason),
                         SYNOD_OK);
        bool found = strstr(content.text, text) != NULL;
        file_free(&content);
        if (found)
            return true;
        (void)usleep(100000);
    }
    return false;
}

/* ---- what must hold after each attack ---- */

static void expect_alive(void) {
    for (uint32_t i = 0; i < MEMBERS - 1; i++) {
        int status = 0;
        if (waitpid(processes[i], &status, WNOHANG) != 0)
            fail_msg("validator %u ended, status %x", i, (unsigned)status);
    }
    /* increment of "n" by one: code, size of the key, key, number (docs/formats/kv.md) */
    static const uint8_t increment[] = "\5\1\0n\1\0\0\0\0\0\0";
    uint8_t answer[64];
    size_t size = 0;
    synod_status status = synod_client_call(client, (synod_bytes){increment, sizeof increment},
                                            answer, sizeof answer, &size);
    numbers++;
    assert_int_equal(status, SYNOD_OK);
    assert_true(size >= 8);
    assert_int_equal(load_u64(answer + size - 8), numbers); /* exactly once, all this time */
}

static status_report_t report_of(uint32_t index) {
    uint8_t bytes[1024];
    size_t size = 0;
    status_report_t report;
    assert_int_equal(
        synod_client_member_status(client, index, bytes, sizeof bytes, &size, UINT64_C(5000000000)),
        SYNOD_OK);
    reader_t reader = reader_of(bytes_of(bytes, size));
    assert_int_equal(status_report_decode(&reader, &report), SYNOD_OK);
    return report;
}

static int setup(void **state) {
    (void)state;
    world_open_loop();
    assert_int_equal(uv_timer_init(&world_loop, &ticking), 0);
    assert_true(sign_open());
    make_homes();
    start_nodes();
    file_path_t genesis;
    (void)file_join(&genesis, homes[0].path.text, "genesis.json", &world_reason);
    synod_client_options options = {.size_bytes = sizeof options, .genesis_path = genesis.text};
    char reason[512];
    assert_int_equal(synod_client_open(&options, &client, reason, sizeof reason), SYNOD_OK);
    expect_alive();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    synod_client_close(client);
    int failures = 0;
    for (uint32_t i = 0; i < MEMBERS - 1; i++)
        failures += processes[i] > 0 && kill(processes[i], SIGTERM) != 0;
    for (uint32_t i = 0; i < MEMBERS - 1; i++) {
        int status = 0;
        failures += waitpid(processes[i], &status, 0) != processes[i] || status != 0;
    }
    for (uint32_t i = 0; i < MEMBERS; i++)
        home_free(&homes[i]);
    uv_close((uv_handle_t *)&ticking, NULL);
    world_close_loop();
    const char *arguments[] = {"rm", "-rf", folder.text, NULL};
    pid_t pid = 0;
    failures += posix_spawnp(&pid, "rm", NULL, NULL, (char *const *)(uintptr_t)arguments, environ);
    (void)waitpid(pid, NULL, 0);
    return failures;
}

/* ---- strangers and their frames ---- */

static uint16_t port_of(uint32_t index) {
    return homes[index].settings.listen.port;
}

static hello_t hello_as(role_t role, member_t member) {
    return (hello_t){.domain = homes[0].genesis.domain,
                     .protocol = homes[0].genesis.protocol_id,
                     .role = role,
                     .member = member,
                     .parameters = homes[0].genesis.parameters.core,
                     .connection = 77};
}

static uint8_t frame_room[FRAME_HEADER_BYTES + FRAME_BODY_MAX];

static writer_t frame_body(void) {
    return writer_of(frame_room + FRAME_HEADER_BYTES, FRAME_BODY_MAX);
}

/* What the kind does not allow to be that long is cut: lengths have a test of their own. */
static void say_frame(stranger_t *stranger, frame_kind_t kind, size_t body) {
    if (body > frame_body_max(kind))
        body = frame_body_max(kind);
    frame_seal(frame_room, kind, body);
    stranger_say(stranger, frame_room, FRAME_HEADER_BYTES + body);
}

static void say_hello(stranger_t *stranger, const hello_t *hello) {
    writer_t writer = frame_body();
    hello_encode(hello, &writer);
    say_frame(stranger, FRAME_HELLO, writer.at);
}

/* A link to node `index` as a client, or as the liar, greeted. */
static void come(stranger_t *stranger, uint32_t index, role_t role) {
    hello_t hello = hello_as(role, role == ROLE_MEMBER ? LIAR : MEMBER_NONE);
    stranger_shake(stranger, port_of(index), role == ROLE_MEMBER ? homes[LIAR].key.tls_seed : NULL);
    assert_false(stranger->closed);
    say_hello(stranger, &hello);
}

/* All of it leaves, and a moment passes in which the other side may act on it. */
static void drain(stranger_t *stranger) {
    stranger_until(stranger, stranger->closed || buffer_size(&stranger->out) == 0);
    for (uint64_t end = world_ms() + 150; world_ms() < end && !stranger->closed;)
        stranger_step(stranger);
}

/* The goodbye that comes last, its status; 0 when the link closed without one. */
static synod_status goodbye_of(stranger_t *stranger) {
    stranger_until(stranger, stranger->closed);
    synod_status said = SYNOD_OK;
    frame_t frame;
    for (size_t used = 0; buffer_size(&stranger->in) > 0; buffer_consume(&stranger->in, used)) {
        if (frame_decode(buffer_bytes(&stranger->in), &frame, &used) != SYNOD_OK)
            break;
        reader_t reader = reader_of(frame.body);
        goodbye_t goodbye;
        if (frame.kind == FRAME_GOODBYE && goodbye_decode(&reader, &goodbye) == SYNOD_OK)
            said = goodbye.status;
    }
    return said;
}

static uint32_t next_random(void) {
    static uint64_t x = UINT64_C(0x2545F4914F6CDD1D);
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (uint32_t)(x >> 32);
}

/* ---- without TLS, with a wrong key, with a wrong greeting ---- */

static void test_garbage(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 24; i++) {
        stranger_t stranger;
        uint8_t bytes[4096];
        stranger_connect(&stranger, port_of(i % 3));
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (uint8_t)next_random();
        /* a TLS record header, every third time: the garbage is then inside of the handshake */
        if (i % 3 == 0)
            memcpy(bytes, "\x16\x03\x01\x02\x00\x01", 6);
        stranger_say(&stranger, bytes, 1 + next_random() % sizeof bytes);
        drain(&stranger);
        stranger_end(&stranger);
    }
    expect_alive();
}

/* A key that no genesis lists is not let in, whatever it says in the greeting. */
static void test_key_of_nobody(void **state) {
    (void)state;
    stranger_t stranger;
    uint8_t seed[TLS_SEED_BYTES];
    memset(seed, 0x42, sizeof seed);
    stranger_shake(&stranger, port_of(0), seed);
    stranger_until(&stranger, stranger.closed);
    stranger_end(&stranger);
    expect_alive();
}

/* attack K2 attack K5 attack K8: another chain, epoch, parameter; the name of another member */
static void test_greetings(void **state) {
    (void)state;
    hello_t hellos[5];
    static const synod_status expected[5] = {SYNOD_WRONG_CHAIN, SYNOD_WRONG_EPOCH, SYNOD_BAD_CONFIG,
                                             SYNOD_NOT_MEMBER, SYNOD_WRONG_CHAIN};
    for (uint32_t i = 0; i < 5; i++)
        hellos[i] = hello_as(ROLE_MEMBER, LIAR);
    hellos[0].domain.bytes[7] ^= 1;
    hellos[1].epoch = 9;
    hellos[2].parameters.view_timeout_ns++;
    hellos[3].member = 1;
    hellos[4].protocol = 9999;
    for (uint32_t i = 0; i < 5; i++) {
        stranger_t stranger;
        stranger_shake(&stranger, port_of(0), homes[LIAR].key.tls_seed);
        say_hello(&stranger, &hellos[i]);
        synod_status said = goodbye_of(&stranger);
        stranger_end(&stranger);
        if (said != expected[i])
            fail_msg("greeting %u: %s", i, synod_status_text(said));
    }
    assert_true(log_says(0, "view_timeout"));
    expect_alive();
}

/* ---- frames of clients ---- */

/* attack N1: a length of 4 GiB, another version, an unknown kind, a wrong checksum, half a frame */
static void test_frames(void **state) {
    (void)state;
    static const struct {
        uint32_t length;
        uint16_t version, kind;
        uint32_t checksum;
        synod_status said;
    } headers[] = {{UINT32_MAX, 1, FRAME_REQUEST, 0, SYNOD_TOO_LARGE},
                   {64, 9, FRAME_REQUEST, 0, SYNOD_BAD_VERSION},
                   {64, 1, 999, 0, SYNOD_MALFORMED},
                   {64, 1, FRAME_REQUEST, 1, SYNOD_BAD_CHECKSUM},
                   {4096, 1, FRAME_REQUEST, 0, SYNOD_OK}};
    for (uint32_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        stranger_t stranger;
        uint8_t bytes[FRAME_HEADER_BYTES + 64] = {0};
        come(&stranger, i % 3, ROLE_CLIENT);
        store_u32(bytes, headers[i].length);
        store_u16(bytes + 4, headers[i].version);
        store_u16(bytes + 6, headers[i].kind);
        store_u32(bytes + 8, headers[i].checksum);
        stranger_say(&stranger, bytes, sizeof bytes);
        drain(&stranger);
        if (headers[i].said != SYNOD_OK)
            assert_int_equal(goodbye_of(&stranger), headers[i].said);
        stranger_end(&stranger);
    }
    expect_alive();
}

/* A request of a session that is not ours, badly signed, a thousand times; then, on a new
 * link, consensus frames. */
static void test_client_lies(void **state) {
    (void)state;
    stranger_t stranger;
    sign_secret_t secret;
    uint8_t seed[SIGN_SEED_BYTES] = {1};
    signer_t signer = signer_ed25519(seed, &secret);
    come(&stranger, 1, ROLE_CLIENT);
    uint64_t before = report_of(1).frames_dropped;
    writer_t writer = frame_body();
    request_begin(&writer, 1, 1000, 0);
    request_add(&writer, bytes_of("\5\1\0n\1\0\0\0\0\0\0\0", 12));
    assert_int_equal(request_finish(&writer, 0, &homes[0].genesis.domain, &signer), SYNOD_OK);
    for (uint32_t i = 0; i < 1000 && !stranger.closed; i++) {
        say_frame(&stranger, FRAME_REQUEST, writer.at);
        if (i % 100 == 99)
            stranger_step(&stranger);
    }
    drain(&stranger);
    assert_int_equal(goodbye_of(&stranger), SYNOD_INVALID); /* attack N7: that was enough of it */
    stranger_end(&stranger);
    come(&stranger, 1, ROLE_CLIENT);
    for (uint32_t kind = FRAME_MESSAGE; kind < FRAME_KIND_END && !stranger.closed; kind++) {
        say_frame(&stranger, (frame_kind_t)kind, 40);
        stranger_step(&stranger);
    }
    drain(&stranger);
    stranger_end(&stranger);
    assert_true(report_of(1).frames_dropped > before);
    expect_alive(); /* and "n" grew by our own one only */
}

/* ---- what a member can say ---- */

static signer_t liar_signer(sign_secret_t *secret) {
    return signer_ed25519(homes[LIAR].key.member_seed, secret);
}

/* A time-out far away, truthfully signed by the liar: well-formed, and of no consequence alone. */
static message_t liar_timeout(const certificate_t *certificate) {
    message_t message = {.author = LIAR};
    message.statement = (statement_t){.view = (UINT64_C(1) << 32) * 5,
                                      .subject = MEMBER_NONE,
                                      .phase = 2,
                                      .body = BODY_NEW_VIEW,
                                      .claim_count = 1};
    message.statement.claims[0].digest = homes[0].genesis.anchor;
    message.certificates[0] = certificate;
    sign_secret_t secret;
    signer_t signer = liar_signer(&secret);
    uint8_t bytes[STATEMENT_BYTES];
    statement_encode(&message.statement, &homes[0].genesis.domain, bytes);
    signer.sign(signer.context, bytes_of(bytes, sizeof bytes), &message.signature);
    return message;
}

/* A certificate of `signers` members, each with the liar's own signature: forged, well-formed. */
static certificate_t *forged(uint8_t *room, uint32_t signers) {
    certificate_t *certificate = (certificate_t *)(void *)room;
    statement_t statement = {.view = 4000,
                             .height = 4000,
                             .subject = MEMBER_NONE,
                             .phase = 1,
                             .body = BODY_VOTE,
                             .claim_count = 1};
    memset(statement.digest.bytes, 0x77, sizeof statement.digest.bytes);
    statement.claims[0] = (claim_t){.view = 3999};
    certificate_begin(certificate, &statement, MEMBERS, signers, false);
    sign_secret_t secret;
    signer_t signer = liar_signer(&secret);
    signature_t signature;
    uint8_t bytes[STATEMENT_BYTES];
    statement_encode(&statement, &homes[0].genesis.domain, bytes);
    signer.sign(signer.context, bytes_of(bytes, sizeof bytes), &signature);
    for (uint32_t i = 0; i < signers; i++)
        certificate_put(certificate, i, i, &signature, statement.claims);
    return certificate;
}

static void say_message(stranger_t *stranger, const message_t *message) {
    writer_t writer = frame_body();
    message_encode(message, &writer);
    say_frame(stranger, FRAME_MESSAGE, writer.at);
}

/* attack N3 attack Q1 attack Q5 attack Q9: replays, an author that is not the channel's, a signer
 * that does not exist, signers that did not sign, one twice, too few */
static void test_member_lies(void **state) {
    (void)state;
    static uint64_t room[512], few_room[512];
    stranger_t stranger;
    come(&stranger, 0, ROLE_MEMBER);
    status_report_t before = report_of(0);
    certificate_t *genesis = (certificate_t *)(void *)room;
    committee_t committee;
    member_info_t infos[MEMBERS];
    verifier_t verifier = verifier_ed25519();
    genesis_committee(&homes[0].genesis, infos, &verifier, &committee);
    certificate_genesis(genesis, &committee, &homes[0].genesis.anchor, 1);
    message_t message = liar_timeout(genesis);
    for (uint32_t i = 0; i < 200; i++)
        say_message(&stranger, &message); /* the same two hundred times */
    message.author = 1;
    say_message(&stranger, &message);
    message.author = 77;
    say_message(&stranger, &message);
    message.author = LIAR;
    message.statement.epoch = 3;
    say_message(&stranger, &message); /* signed for another epoch, and says so */
    drain(&stranger);
    message_t certified = {.author = LIAR};
    certified.statement =
        (statement_t){.subject = MEMBER_NONE, .phase = 3, .body = BODY_CERTIFICATE};
    certified.certificates[0] = forged((uint8_t *)room, 3);
    say_message(&stranger, &certified);
    certified.certificates[0] = forged((uint8_t *)few_room, 1);
    say_message(&stranger, &certified);
    /* One signer twice cannot be written down: a bitmap that says 2 for 3 signatures. */
    writer_t writer = frame_body();
    certified.certificates[0] = forged((uint8_t *)room, 3);
    message_encode(&certified, &writer);
    for (size_t at = FRAME_HEADER_BYTES; at < FRAME_HEADER_BYTES + writer.at; at++)
        if (frame_room[at] == 7 && at > FRAME_HEADER_BYTES + 100) {
            frame_room[at] = 3;
            break;
        }
    say_frame(&stranger, FRAME_MESSAGE, writer.at);
    drain(&stranger);
    stranger_end(&stranger);
    status_report_t after = report_of(0);
    assert_true(after.frames_dropped >= before.frames_dropped + 6); /* each lie, not the replays */
    assert_true(after.signatures_bad >= before.signatures_bad + 2);
    assert_int_equal(after.views_failed, before.views_failed);
    expect_alive();
}

/* Any frame cut anywhere, and any frame with some bits flipped (with a good checksum). */
static void test_member_mutations(void **state) {
    (void)state;
    static uint64_t room[512];
    static uint8_t body[2048];
    stranger_t stranger;
    come(&stranger, 2, ROLE_MEMBER);
    message_t message = liar_timeout(forged((uint8_t *)room, 3));
    writer_t writer = writer_of(body, sizeof body);
    message_encode(&message, &writer);
    size_t size = writer.at;
    for (uint32_t i = 0; i < 600; i++) {
        if (stranger.closed) {
            stranger_end(&stranger);
            come(&stranger, 2, ROLE_MEMBER);
        }
        size_t cut = i < 300 ? (size_t)next_random() % size : size;
        memcpy(frame_room + FRAME_HEADER_BYTES, body, cut);
        for (uint32_t flips = 0; i >= 300 && flips < 1 + i % 4; flips++)
            frame_room[FRAME_HEADER_BYTES + next_random() % size] ^=
                (uint8_t)(1u << (next_random() % 8));
        frame_kind_t kind = (frame_kind_t)(3 + (i % 7 == 0 ? next_random() % 12 : 0));
        say_frame(&stranger, kind, cut);
        stranger_step(&stranger);
    }
    drain(&stranger);
    stranger_end(&stranger);
    expect_alive();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_garbage),          cmocka_unit_test(test_key_of_nobody),
        cmocka_unit_test(test_greetings),        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_client_lies),      cmocka_unit_test(test_member_lies),
        cmocka_unit_test(test_member_mutations),
    };
    return cmocka_run_group_tests_name("bad input against running validators", tests, setup,
                                       teardown);
}
