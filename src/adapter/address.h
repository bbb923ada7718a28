/* Where a node listens: "host:port", "[v6 address]:port". */
#ifndef ADAPTER_ADDRESS_H
#define ADAPTER_ADDRESS_H

#include <synod/types.h>

#define ADDRESS_HOST_MAX 253 /* longest name of DNS */

typedef struct address {
    char host[ADDRESS_HOST_MAX + 1]; /* lower case, without brackets */
    uint16_t port;                   /* 0: any free one, where that makes sense */
} address_t;

#define ADDRESS_TEXT_MAX (ADDRESS_HOST_MAX + 10)

/* False when the text is no address. */
bool address_parse(const char *text, address_t *address);
void address_print(const address_t *address, char text[ADDRESS_TEXT_MAX]);
int address_compare(const address_t *a, const address_t *b);

#endif
