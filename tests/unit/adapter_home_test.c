/* Configuration files and whole homes: made, read, and refused with the place and the reason. */
#include "adapter_world.h"

#include "adapter/home.h"

static settings_t settings;
static home_t home;
static home_plan_t plan;

/* ---- config ---- */

static synod_status parse(const char *text) {
    return settings_parse("config", text, strlen(text), &settings, &world_reason);
}

static void test_defaults(void **state) {
    (void)state;
    settings_t fresh;
    settings_default(&fresh);
    assert_int_equal(parse(""), SYNOD_OK);
    assert_memory_equal(&settings, &fresh, sizeof fresh);
    assert_int_equal(settings.durability, DURABILITY_GROUP);
    assert_int_equal(settings.journal_segments, 64);
    assert_int_equal(settings.listen.port, 7100);
    assert_string_equal(settings.data, "data");
}

static void test_values(void **state) {
    (void)state;
    assert_int_equal(parse("; comment\n[network]\nlisten = [::]:9\nclients = 7 ; few\n\n"
                           "[storage]\ndurability = none\ndata = /var/lib/synod\n"
                           "[log]\nlevel = detail\nformat = json\nfile = node.log\n"),
                     SYNOD_OK);
    assert_string_equal(settings.listen.host, "::");
    assert_int_equal(settings.listen.port, 9);
    assert_int_equal(settings.clients_max, 7);
    assert_int_equal(settings.durability, DURABILITY_NONE);
    assert_string_equal(settings.data, "/var/lib/synod");
    assert_int_equal(settings.log_level, 3);
    assert_int_equal(settings.log_json, 1);
    assert_string_equal(settings.log_file, "node.log");
}

/* What is written is read back, and has a comment for each key. */
static void test_written(void **state) {
    (void)state;
    settings_t other;
    settings_default(&settings);
    settings.listen.port = 81;
    settings.workers = 3;
    settings.durability = DURABILITY_NONE;
    assert_int_equal(settings_write(world_path("config"), &settings, &world_reason), SYNOD_OK);
    assert_int_equal(settings_read(world_path("config"), &other, &world_reason), SYNOD_OK);
    assert_memory_equal(&settings, &other, sizeof other);
    assert_non_null(strstr(world_get(world_path("config"), NULL), "UNSAFE"));
}

static void test_wrong_lines(void **state) {
    (void)state;
    char text[600];
    const char *const wrong[][2] = {
        {"[network]\nlisten=127.0.0.1:1\nclient = 7\n", "line 3: there is no key 'client'"},
        {"[netwrok]\nclients = 7\n", "line 2: there is no key 'clients' in a section [netwrok]"},
        {"clients = 7\n", "section []"},
        {"[network]\nclients = 7\nclients = 8\n",
         "line 3: clients in [network] stands there twice"},
        {"[network]\nclients = many\n", "a number from 0 to 32768"},
        {"[network]\nclients = -1\n", "possible is"},
        {"[network]\nclients =\n", "possible is"},
        {"[network]\nclients = 99999999999999999999\n", "possible is"},
        {"[network]\nlisten = here\n", "host:port"},
        {"[storage]\ndurability = some\n", "group or none"},
        {"[storage]\njournal_segments = 2\n", "from 8 to"},
        {"[storage]\njournal_segment_kib = 257\n", "multiples of 4"},
        {"[storage]\ndata =\n", "a path"},
        {"[network]\nclients\n", "line 2"},
        {"[network\nclients = 1\n", "line 1"},
        {"[network]\ndial_min_ms = 100\ndial_max_ms = 50\n", "dial_max_ms"},
        {"[network]\nping_interval_ms = 100\nidle_timeout_ms = 100\n", "idle_timeout_ms"}};
    for (size_t at = 0; at < sizeof wrong / sizeof wrong[0]; at++) {
        assert_int_equal(parse(wrong[at][0]), SYNOD_BAD_CONFIG);
        assert_reason(wrong[at][1]);
    }
    memset(text, ' ', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    memcpy(text, "[log]\n", 6);
    assert_int_equal(parse(text), SYNOD_BAD_CONFIG);
    assert_reason("line 2 is longer");
    assert_int_equal(settings_parse("config", "a\0b", 3, &settings, &world_reason),
                     SYNOD_BAD_CONFIG);
    assert_reason("zero byte");
}

/* ---- homes ---- */

static synod_status read_home(const char *path) {
    home_free(&home);
    return home_read(path, &home, &world_reason);
}

static void test_one_home(void **state) {
    (void)state;
    const char *path = world_path("one");
    home_plan_default(&plan);
    assert_int_equal(home_create(path, &plan, &world_reason), SYNOD_OK);
    assert_int_equal(read_home(path), SYNOD_OK);
    assert_int_equal(home.self, 0);
    assert_int_equal(home.genesis.member_count, 1);
    assert_string_equal(home.genesis.chain.text, "synod");
    assert_int_equal(access(home.journal.text, F_OK), 0);
    assert_int_equal(home_create(path, &plan, &world_reason), SYNOD_IN_USE);
    assert_reason("never overwritten");
}

static void test_testnet(void **state) {
    (void)state;
    digest_t domain = {{0}};
    file_path_t path;
    home_plan_default(&plan);
    plan.port = 9000;
    plan.parameters.core.leader_views = 10;
    plan.settings.durability = DURABILITY_NONE;
    assert_int_equal(testnet_create(world_path("net"), 4, &plan, &world_reason), SYNOD_OK);
    for (uint32_t index = 0; index < 4; index++) {
        assert_int_equal(testnet_home(world_path("net"), index, &path, &world_reason), SYNOD_OK);
        assert_int_equal(read_home(path.text), SYNOD_OK);
        assert_int_equal(home.self, index);
        assert_int_equal(home.settings.listen.port, 9000 + index);
        assert_int_equal(home.settings.durability, DURABILITY_NONE);
        assert_int_equal(home.genesis.parameters.core.leader_views, 10);
        assert_true(index == 0 || digest_equal(&domain, &home.genesis.domain));
        domain = home.genesis.domain;
    }
    assert_int_equal(testnet_create(world_path("none"), 0, &plan, &world_reason), SYNOD_BAD_CONFIG);
    plan.port = 65534;
    assert_int_equal(testnet_create(world_path("ports"), 4, &plan, &world_reason),
                     SYNOD_BAD_CONFIG);
    assert_reason("65536");
    plan.port = 9000;
    plan.chain = "no name";
    assert_int_not_equal(testnet_create(world_path("name"), 4, &plan, &world_reason), SYNOD_OK);
    plan.chain = "synod";
    plan.protocol = "unheard";
    assert_int_equal(testnet_create(world_path("unheard"), 4, &plan, &world_reason),
                     SYNOD_UNSUPPORTED);
    /* Nothing was left behind by those that were refused. */
    assert_true(file_folder_is_empty(world_path("unheard")));
}

static void copy_file(const char *from, const char *to, mode_t mode) {
    size_t size = 0;
    const char *bytes = world_get(from, &size);
    world_put(to, bytes, size, mode);
}

/* Files of different makings are told apart, whichever was mixed in. */
static void test_mixed_homes(void **state) {
    (void)state;
    home_plan_default(&plan);
    assert_int_equal(testnet_create(world_path("a"), 2, &plan, &world_reason), SYNOD_OK);
    assert_int_equal(testnet_create(world_path("b"), 2, &plan, &world_reason), SYNOD_OK);
    copy_file(world_path("a/node0/genesis.json"), world_path("b/node0/genesis.json"), 0644);
    assert_int_equal(read_home(world_path("b/node0")), SYNOD_NOT_MEMBER);
    assert_reason("another chain");
    copy_file(world_path("a/node1/node_key"), world_path("a/node0/node_key"), 0600);
    assert_int_equal(read_home(world_path("a/node0")), SYNOD_OK);
    assert_int_equal(home.self, 1); /* it is node1 now: evidence, not files, catches that (K3) */
}

static void test_half_a_key(void **state) {
    (void)state;
    home_plan_default(&plan);
    assert_int_equal(home_create(world_path("half"), &plan, &world_reason), SYNOD_OK);
    assert_int_equal(read_home(world_path("half")), SYNOD_OK);
    node_key_t key = home.key;
    key.tls_seed[3] ^= 1;
    assert_int_equal(unlink(world_path("half/node_key")), 0);
    assert_int_equal(node_key_write(world_path("half/node_key"), &key, &world_reason), SYNOD_OK);
    assert_int_equal(read_home(world_path("half")), SYNOD_MISMATCH);
    assert_reason("another tls_key");
}

/* attack F10: each file that is missing is named. */
static void test_missing_files(void **state) {
    (void)state;
    const char *const names[] = {"config", "genesis.json", "node_key"};
    assert_int_equal(read_home(world_path("nowhere")), SYNOD_NOT_FOUND);
    assert_reason("synod init");
    home_plan_default(&plan);
    for (size_t at = 0; at < 3; at++) {
        char folder[32], file[64];
        (void)snprintf(folder, sizeof folder, "missing%zu", at);
        (void)snprintf(file, sizeof file, "%s/%s", folder, names[at]);
        assert_int_equal(home_create(world_path(folder), &plan, &world_reason), SYNOD_OK);
        assert_int_equal(unlink(world_path(file)), 0);
        assert_int_equal(read_home(world_path(folder)), SYNOD_NOT_FOUND);
        assert_reason(names[at]);
    }
}

static int close_all(void **state) {
    home_free(&home);
    return world_close(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),      cmocka_unit_test(test_values),
        cmocka_unit_test(test_written),       cmocka_unit_test(test_wrong_lines),
        cmocka_unit_test(test_one_home),      cmocka_unit_test(test_testnet),
        cmocka_unit_test(test_mixed_homes),   cmocka_unit_test(test_half_a_key),
        cmocka_unit_test(test_missing_files),
    };
    return cmocka_run_group_tests(tests, world_open, close_all);
}
