/* The effects buffer that a step writes to. */
#include "base/check.h"
#include "protocol/protocol.h"

effect_t *effect_add(effects_t *effects, effect_kind_t kind) {
    require(effects->count < effects->capacity);
    effect_t *effect = &effects->items[effects->count++];
    *effect = (effect_t){.kind = kind};
    return effect;
}

void *effect_scratch(effects_t *effects, size_t size) {
    void *memory = arena_take(&effects->scratch, size);
    ensure(memory != NULL);
    return memory;
}

void effects_reset(effects_t *effects) {
    effects->count = 0;
    arena_reset(&effects->scratch);
}
