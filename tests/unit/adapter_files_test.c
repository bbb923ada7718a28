/* Small files: whole or not at all, bounded, of the right mode; and the little formats beside them:
 * hexadecimal digits, addresses. */
#include "adapter_world.h"

#include "adapter/address.h"
#include "adapter/hex.h"

/* ---- files ---- */

static file_content_t content;

static synod_status read_it(const char *path, file_access_t access) {
    return file_read(path, 64, access, &content, &world_reason);
}

static void test_written_and_read(void **state) {
    (void)state;
    const char *path = world_path("plain");
    struct stat about;
    assert_int_equal(file_write(path, bytes_of("hello", 5), FILE_PUBLIC, FILE_KEEP, &world_reason),
                     SYNOD_OK);
    assert_int_equal(read_it(path, FILE_PUBLIC), SYNOD_OK);
    assert_int_equal(content.size, 5);
    assert_string_equal(content.text, "hello");
    file_free(&content);
    assert_null(content.text);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0644);
    assert_int_not_equal(access(world_path("plain.new"), F_OK), 0);
}

static void test_kept_or_replaced(void **state) {
    (void)state;
    const char *path = world_path("kept");
    assert_int_equal(file_write(path, bytes_of("one", 3), FILE_PUBLIC, FILE_KEEP, &world_reason),
                     SYNOD_OK);
    assert_int_equal(file_write(path, bytes_of("two", 3), FILE_PUBLIC, FILE_KEEP, &world_reason),
                     SYNOD_IN_USE);
    assert_reason("not overwritten");
    assert_string_equal(world_get(path, NULL), "one");
    assert_int_equal(file_write(path, bytes_of("two", 3), FILE_PUBLIC, FILE_REPLACE, &world_reason),
                     SYNOD_OK);
    assert_string_equal(world_get(path, NULL), "two");
}

/* What a crash left beside the file is neither used nor in the way, whatever its mode (attack F8).
 */
static void test_leftover(void **state) {
    (void)state;
    const char *path = world_path("secret");
    struct stat about;
    world_put(world_path("secret.new"), "half", 4, 0666);
    assert_int_equal(file_write(path, bytes_of("whole", 5), FILE_SECRET, FILE_KEEP, &world_reason),
                     SYNOD_OK);
    assert_string_equal(world_get(path, NULL), "whole");
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
}

/* attacks K7, F10: a secret with another mode than 0600 is refused, in each bit. */
static void test_secret_modes(void **state) {
    (void)state;
    const char *path = world_path("modes");
    world_put(path, "x", 1, 0600);
    assert_int_equal(read_it(path, FILE_SECRET), SYNOD_OK);
    file_free(&content);
    for (mode_t bit = 1; bit <= 04000; bit <<= 1) {
        assert_int_equal(chmod(path, 0600 ^ bit), 0);
        if (access(path, R_OK) != 0) {
            continue; /* not root: it cannot even be opened */
        }
        assert_int_equal(read_it(path, FILE_SECRET), SYNOD_PERMISSION);
        assert_reason("mode 0");
        assert_int_equal(read_it(path, FILE_PUBLIC), SYNOD_OK);
        file_free(&content);
    }
}

static void test_secret_of_another_owner(void **state) {
    (void)state;
    const char *path = world_path("owner");
    world_put(path, "x", 1, 0600);
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
    assert_int_equal(read_it(path, FILE_SECRET), SYNOD_PERMISSION);
    assert_reason("user 12345");
}

static void test_not_to_be_read(void **state) {
    (void)state;
    char large[65] = {0};
    assert_int_equal(read_it(world_path("absent"), FILE_PUBLIC), SYNOD_NOT_FOUND);
    assert_reason("absent");
    assert_int_equal(mkdir(world_path("folder"), 0700), 0);
    assert_int_equal(read_it(world_path("folder"), FILE_PUBLIC), SYNOD_MALFORMED);
    world_put(world_path("large"), large, 65, 0644);
    assert_int_equal(read_it(world_path("large"), FILE_PUBLIC), SYNOD_TOO_LARGE);
    assert_null(content.text);
    /* A pipe that nobody writes must not block. */
    assert_int_equal(mkfifo(world_path("pipe"), 0600), 0);
    assert_int_equal(read_it(world_path("pipe"), FILE_PUBLIC), SYNOD_MALFORMED);
}

static void test_not_to_be_written(void **state) {
    (void)state;
    assert_int_equal(file_write(world_path("no/such/folder"), bytes_of("x", 1), FILE_PUBLIC,
                                FILE_KEEP, &world_reason),
                     SYNOD_NOT_FOUND);
    assert_int_equal(
        file_write("/dev/full/x", bytes_of("x", 1), FILE_PUBLIC, FILE_KEEP, &world_reason),
        SYNOD_NOT_FOUND);
}

static void test_folders(void **state) {
    (void)state;
    struct stat about;
    assert_true(file_folder_is_empty(world_path("a/b/c")));
    assert_int_equal(file_make_folder(world_path("a/b/c"), &world_reason), SYNOD_OK);
    assert_int_equal(file_make_folder(world_path("a/b/c"), &world_reason), SYNOD_OK);
    assert_int_equal(stat(world_path("a/b/c"), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    assert_true(file_folder_is_empty(world_path("a/b/c")));
    assert_false(file_folder_is_empty(world_path("a/b")));
    world_put_text(world_path("a/file"), "x");
    assert_int_equal(file_make_folder(world_path("a/file"), &world_reason), SYNOD_NOT_FOUND);
    assert_int_equal(file_make_folder(world_path("a/file/below"), &world_reason), SYNOD_NOT_FOUND);
    assert_int_equal(file_make_folder("", &world_reason), SYNOD_TOO_LARGE);
    assert_false(file_folder_is_empty(world_path("a/file")));
}

static void test_joined(void **state) {
    (void)state;
    file_path_t path;
    char name[FILE_PATH_MAX];
    assert_int_equal(file_join(&path, "/home", "data", &world_reason), SYNOD_OK);
    assert_string_equal(path.text, "/home/data");
    assert_int_equal(file_join(&path, "/home", "/elsewhere", &world_reason), SYNOD_OK);
    assert_string_equal(path.text, "/elsewhere");
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(file_join(&path, "/home", name, &world_reason), SYNOD_TOO_LARGE);
}

/* A sentence goes to a terminal and must not control it. */
static void test_reason_is_printable(void **state) {
    (void)state;
    assert_int_equal(reason_set(&world_reason, SYNOD_INVALID, "a\033[2Jb\nc\x7f"), SYNOD_INVALID);
    assert_string_equal(world_reason.text, "a?[2Jb?c?");
}

/* ---- digits and addresses ---- */

static void test_hex(void **state) {
    (void)state;
    const uint8_t bytes[] = {0x00, 0x9f, 0xff, 0xa0};
    uint8_t back[4];
    char text[9];
    hex_encode(bytes, sizeof bytes, text);
    assert_string_equal(text, "009fffa0");
    assert_true(hex_decode("009FffA0", back, 4));
    assert_memory_equal(back, bytes, 4);
    const char *const bad[] = {"", "0", "009fffa", "009fffag", "009fff a", "x09fffa0"};
    for (size_t at = 0; at < sizeof bad / sizeof bad[0]; at++) {
        assert_false(hex_decode(bad[at], back, 4));
    }
}

static void test_addresses(void **state) {
    (void)state;
    const char *const good[][3] = {
        {"127.0.0.1:7100", "127.0.0.1", "127.0.0.1:7100"},
        {"Node-1.Example.ORG:1", "node-1.example.org", "node-1.example.org:1"},
        {"[::1]:65535", "::1", "[::1]:65535"},
        {"h:0", "h", "h:0"}};
    const char *const bad[] = {"",         "host",   ":1",        "host:",    "host:65536",
                               "host:1x",  "h:-1",   "::1:80",    "[::1]80",  "[::1",
                               "[]:80",    "a b:80", "h:01",      "[:1]:",    "h/x:80",
                               "h:999999", "h:80 ",  "[::1]:80]", "[host]:80"};
    address_t address;
    char text[ADDRESS_TEXT_MAX];
    for (size_t at = 0; at < sizeof good / sizeof good[0]; at++) {
        assert_true(address_parse(good[at][0], &address));
        assert_string_equal(address.host, good[at][1]);
        address_print(&address, text);
        assert_string_equal(text, good[at][2]);
    }
    for (size_t at = 0; at < sizeof bad / sizeof bad[0]; at++) {
        assert_false(address_parse(bad[at], &address));
    }
    char host[ADDRESS_HOST_MAX + 5];
    memset(host, 'a', sizeof host);
    memcpy(host + ADDRESS_HOST_MAX, ":80", 4);
    assert_true(address_parse(host, &address));
    memcpy(host + ADDRESS_HOST_MAX, "a:80", 5);
    assert_false(address_parse(host, &address));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written_and_read),
        cmocka_unit_test(test_kept_or_replaced),
        cmocka_unit_test(test_leftover),
        cmocka_unit_test(test_secret_modes),
        cmocka_unit_test(test_secret_of_another_owner),
        cmocka_unit_test(test_not_to_be_read),
        cmocka_unit_test(test_not_to_be_written),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_joined),
        cmocka_unit_test(test_reason_is_printable),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
