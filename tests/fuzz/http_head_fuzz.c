/* libFuzzer: heads of HTTP requests and their query strings. What is taken lies within what was
 * given, and a shorter piece of it is waited for or refused. */
#include <stdlib.h>
#include <string.h>

#include "adapter/http_head.h"
#include "base/check.h"
#include "tests/fuzz/fuzz.h"

static void check_inside(bytes_t whole, bytes_t part) {
    require(part.size == 0 ||
            (part.data >= whole.data && part.data + part.size <= whole.data + whole.size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size + 1); /* exact, so that a byte too far is seen */
    http_head_t head;
    if (copy == NULL)
        return 0;
    memcpy(copy, data, size);
    bytes_t bytes = bytes_of(copy, size);
    unsigned status = http_head_parse(bytes, 4096, &head);
    if (fuzz_took(status == 200 ? SYNOD_OK : SYNOD_MALFORMED)) {
        uint8_t value[64];
        size_t value_size = 0;
        check_inside(bytes, head.path);
        check_inside(bytes, head.query);
        require(head.head_size <= size && head.path.size > 0 && head.path.data[0] == '/');
        require(head.content_length <= 4096);
        if (http_query_value(head.query, "key", value, sizeof value, &value_size))
            require(value_size <= sizeof value);
        require(http_head_parse(bytes_of(copy, head.head_size - 1), 4096, &head) == 0);
    } else {
        require(status == 0 || (status >= 400 && status < 600));
    }
    free(copy);
    return 0;
}
