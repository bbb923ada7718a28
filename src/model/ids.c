/* Identity of instances. Parts beyond the length of a path do not count, here and in everything
 * that is signed (docs/formats/statement.md). */
#include "model/ids.h"

#include "base/check.h"

bool path_equal(const path_t *a, const path_t *b) {
    require(a->length <= PATH_PARTS_MAX && b->length <= PATH_PARTS_MAX);
    if (a->length != b->length)
        return false;
    for (uint32_t i = 0; i < a->length; i++) {
        if (a->parts[i] != b->parts[i])
            return false;
    }
    return true;
}
