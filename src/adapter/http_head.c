/* See http_head.h. */
#include "adapter/http_head.h"

#include <string.h>

/* RFC 9110, 5.6.2. */
static bool is_token_letter(uint8_t letter) {
    return (letter >= '0' && letter <= '9') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= 'a' && letter <= 'z') ||
           (letter != 0 && strchr("!#$%&'*+-.^_`|~", letter) != NULL);
}

static bool equals(bytes_t bytes, const char *text) {
    return bytes.size == strlen(text) && memcmp(bytes.data, text, bytes.size) == 0;
}

static uint8_t lower(uint8_t letter) {
    return letter >= 'A' && letter <= 'Z' ? (uint8_t)(letter + 'a' - 'A') : letter;
}

static bool equals_any_case(bytes_t bytes, const char *text) {
    bool same = bytes.size == strlen(text);
    for (size_t at = 0; same && at < bytes.size; at++) {
        same = lower(bytes.data[at]) == (uint8_t)text[at];
    }
    return same;
}

/* One line off the front, without its end; false when there is none. */
static bool take_line(bytes_t *rest, bytes_t *line) {
    for (size_t at = 0; at + 1 < rest->size; at++) {
        if (rest->data[at] == '\r' && rest->data[at + 1] == '\n') {
            *line = bytes_of(rest->data, at);
            *rest = bytes_of(rest->data + at + 2, rest->size - at - 2);
            return true;
        }
    }
    return false;
}

/* Up to the next space, which is taken too. */
static bytes_t take_word(bytes_t *rest) {
    size_t size = 0;
    while (size < rest->size && rest->data[size] != ' ') {
        size++;
    }
    bytes_t word = bytes_of(rest->data, size);
    size_t taken = size < rest->size ? size + 1 : size;
    *rest = bytes_of(rest->data + taken, rest->size - taken);
    return word;
}

static bytes_t trim(bytes_t bytes) {
    while (bytes.size > 0 && (bytes.data[0] == ' ' || bytes.data[0] == '\t')) {
        bytes = bytes_of(bytes.data + 1, bytes.size - 1);
    }
    while (bytes.size > 0 &&
           (bytes.data[bytes.size - 1] == ' ' || bytes.data[bytes.size - 1] == '\t')) {
        bytes.size--;
    }
    return bytes;
}

/* ---- the request line ---- */

static http_method_t method_of(bytes_t word) {
    return equals(word, "GET")    ? HTTP_GET
           : equals(word, "HEAD") ? HTTP_HEAD
           : equals(word, "POST") ? HTTP_POST
                                  : HTTP_OTHER;
}

/* Origin form, or absolute form, of which the path counts (RFC 9112, 3.2.2). */
static bool parse_target(bytes_t target, http_head_t *head) {
    static const char scheme[] = "http://";
    const size_t scheme_size = sizeof scheme - 1;
    if (target.size > scheme_size && memcmp(target.data, scheme, scheme_size) == 0) {
        size_t at = scheme_size;
        while (at < target.size && target.data[at] != '/') {
            at++;
        }
        target = bytes_of(target.data + at, target.size - at);
    }
    if (target.size == 0 || target.data[0] != '/') {
        return false;
    }
    for (size_t at = 0; at < target.size; at++) {
        if (target.data[at] <= ' ' || target.data[at] >= 0x7f) {
            return false;
        }
    }
    const uint8_t *mark = memchr(target.data, '?', target.size);
    size_t path = mark == NULL ? target.size : (size_t)(mark - target.data);
    head->path = bytes_of(target.data, path);
    head->query = mark == NULL ? (bytes_t){0} : bytes_of(mark + 1, target.size - path - 1);
    return true;
}

static unsigned parse_request_line(bytes_t line, http_head_t *head) {
    bytes_t method = take_word(&line), target = take_word(&line), version = line;
    for (size_t at = 0; at < method.size; at++) {
        if (!is_token_letter(method.data[at])) {
            return 400;
        }
    }
    if (method.size == 0 || version.size != 8 || memcmp(version.data, "HTTP/", 5) != 0) {
        return 400;
    }
    if (!equals(version, "HTTP/1.1") && !equals(version, "HTTP/1.0")) {
        return 505;
    }
    if (target.size > HTTP_TARGET_MAX) {
        return 414;
    }
    head->method = method_of(method);
    head->keep_alive = version.data[7] == '1';
    return parse_target(target, head) ? 200 : 400;
}

/* ---- headers ---- */

typedef struct seen {
    bool host, length, newer;
} seen_t;

static unsigned parse_length(bytes_t value, uint64_t body_max, http_head_t *head) {
    if (value.size == 0 || value.size > 18) {
        return value.size == 0 ? 400 : 413;
    }
    for (size_t at = 0; at < value.size; at++) {
        if (value.data[at] < '0' || value.data[at] > '9') {
            return 400;
        }
        head->content_length = head->content_length * 10 + (uint64_t)(value.data[at] - '0');
    }
    return head->content_length <= body_max ? 200 : 413;
}

/* A list of words with commas between them. */
static void parse_connection(bytes_t value, http_head_t *head) {
    while (value.size > 0) {
        const uint8_t *comma = memchr(value.data, ',', value.size);
        size_t size = comma == NULL ? value.size : (size_t)(comma - value.data);
        if (equals_any_case(trim(bytes_of(value.data, size)), "close")) {
            head->keep_alive = false;
        }
        size += comma == NULL ? 0 : 1;
        value = bytes_of(value.data + size, value.size - size);
    }
}

static unsigned take_header(bytes_t name, bytes_t value, uint64_t body_max, seen_t *seen,
                            http_head_t *head) {
    if (equals_any_case(name, "host")) {
        if (seen->host) {
            return 400;
        }
        seen->host = true;
    } else if (equals_any_case(name, "content-length")) {
        if (seen->length) {
            return 400;
        }
        seen->length = true;
        return parse_length(value, body_max, head);
    } else if (equals_any_case(name, "transfer-encoding")) {
        return 501;
    } else if (equals_any_case(name, "connection")) {
        parse_connection(value, head);
    } else if (equals_any_case(name, "expect")) {
        if (!equals_any_case(value, "100-continue")) {
            return 417;
        }
        head->expects = seen->newer;
    } else if (equals_any_case(name, "origin")) {
        head->of_a_page = true;
    }
    return 200;
}

static unsigned parse_header(bytes_t line, uint64_t body_max, seen_t *seen, http_head_t *head) {
    size_t size = 0;
    while (size < line.size && is_token_letter(line.data[size])) {
        size++;
    }
    if (size == 0 || size == line.size || line.data[size] != ':') {
        return 400;
    }
    bytes_t value = trim(bytes_of(line.data + size + 1, line.size - size - 1));
    for (size_t at = 0; at < value.size; at++) {
        if ((value.data[at] < ' ' && value.data[at] != '\t') || value.data[at] == 0x7f) {
            return 400;
        }
    }
    return take_header(bytes_of(line.data, size), value, body_max, seen, head);
}

/* Bytes up to and with the empty line; 0: it is not there. */
static size_t find_end(bytes_t bytes) {
    for (size_t at = 0; at + 3 < bytes.size; at++) {
        if (memcmp(bytes.data + at, "\r\n\r\n", 4) == 0) {
            return at + 4;
        }
    }
    return 0;
}

unsigned http_head_parse(bytes_t bytes, uint64_t body_max, http_head_t *head) {
    *head = (http_head_t){0};
    bytes_t most = bytes_of(bytes.data, bytes.size < HTTP_HEAD_MAX ? bytes.size : HTTP_HEAD_MAX);
    size_t end = find_end(most);
    if (end == 0) {
        return most.size == HTTP_HEAD_MAX ? 431 : 0;
    }
    bytes_t rest = bytes_of(bytes.data, end), line;
    seen_t seen = {0};
    unsigned status = take_line(&rest, &line) ? parse_request_line(line, head) : 400;
    seen.newer = head->keep_alive;
    for (uint32_t count = 0; status == 200 && take_line(&rest, &line) && line.size > 0; count++) {
        status = count < HTTP_HEADERS_MAX ? parse_header(line, body_max, &seen, head) : 431;
    }
    if (status == 200 && seen.newer && !seen.host) {
        return 400; /* RFC 9112, 3.2 */
    }
    head->head_size = end;
    return status;
}

/* ---- query strings ---- */

static int digit_of(uint8_t letter) {
    letter = lower(letter);
    return letter >= '0' && letter <= '9'   ? letter - '0'
           : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10
                                            : -1;
}

static bool decode(bytes_t from, uint8_t *to, size_t capacity, size_t *size) {
    *size = 0;
    for (size_t at = 0; at < from.size; at++) {
        uint8_t letter = from.data[at] == '+' ? ' ' : from.data[at];
        if (letter == '%') {
            int high = at + 2 < from.size ? digit_of(from.data[at + 1]) : -1;
            int low = at + 2 < from.size ? digit_of(from.data[at + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            letter = (uint8_t)(high << 4 | low);
            at += 2;
        }
        if (*size == capacity) {
            return false;
        }
        to[(*size)++] = letter;
    }
    return true;
}

bool http_query_value(bytes_t query, const char *name, uint8_t *to, size_t capacity, size_t *size) {
    bool found = false;
    while (query.size > 0) {
        const uint8_t *end = memchr(query.data, '&', query.size);
        size_t length = end == NULL ? query.size : (size_t)(end - query.data);
        const uint8_t *mark = memchr(query.data, '=', length);
        size_t key = mark == NULL ? length : (size_t)(mark - query.data);
        if (equals(bytes_of(query.data, key), name)) {
            size_t value = mark == NULL ? length : key + 1;
            if (found ||
                !decode(bytes_of(query.data + value, length - value), to, capacity, size)) {
                return false;
            }
            found = true;
        }
        length += end == NULL ? 0 : 1;
        query = bytes_of(query.data + length, query.size - length);
    }
    return found;
}
