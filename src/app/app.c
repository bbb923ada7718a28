/* The list of built-in applications. */
#include <string.h>

#include <synod/app.h>

const synod_app *synod_app_find(const char *name) {
    const synod_app *apps[] = {synod_app_kv(), synod_app_null()};
    for (size_t i = 0; name != NULL && i < sizeof apps / sizeof apps[0]; i++) {
        if (strcmp(apps[i]->name, name) == 0) {
            return apps[i];
        }
    }
    return NULL;
}
