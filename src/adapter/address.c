/* "host:port" and "[v6 address]:port". */
#include "adapter/address.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static bool parse_port(const char *text, uint16_t *port) {
    uint32_t value = 0;
    size_t digits = 0;
    for (; text[digits] >= '0' && text[digits] <= '9' && digits < 6; digits++) {
        value = value * 10 + (uint32_t)(text[digits] - '0');
    }
    *port = (uint16_t)value;
    return digits > 0 && text[digits] == '\0' && value <= UINT16_MAX &&
           (digits == 1 || text[0] != '0');
}

static bool is_host_letter(char letter, bool bracketed) {
    return isalnum((unsigned char)letter) || letter == '.' || letter == '-' || letter == '_' ||
           (bracketed && (letter == ':' || letter == '%'));
}

bool address_parse(const char *text, address_t *address) {
    bool bracketed = text[0] == '[';
    const char *start = bracketed ? text + 1 : text;
    const char *end = strchr(start, bracketed ? ']' : ':');
    if (end == NULL || end == start || (size_t)(end - start) > ADDRESS_HOST_MAX) {
        return false;
    }
    *address = (address_t){0};
    for (const char *at = start; at < end; at++) {
        if (!is_host_letter(*at, bracketed)) {
            return false;
        }
        address->host[at - start] = (char)tolower((unsigned char)*at);
    }
    if (bracketed && strchr(address->host, ':') == NULL) {
        return false;
    }
    end += bracketed ? 1 : 0;
    return *end == ':' && parse_port(end + 1, &address->port);
}

void address_print(const address_t *address, char text[ADDRESS_TEXT_MAX]) {
    bool v6 = strchr(address->host, ':') != NULL;
    (void)snprintf(text, ADDRESS_TEXT_MAX, v6 ? "[%s]:%u" : "%s:%u", address->host, address->port);
}

int address_compare(const address_t *a, const address_t *b) {
    int order = strcmp(a->host, b->host);
    return order != 0 ? order : (int)a->port - (int)b->port;
}
