# A journal that gets short after its newest snapshot keeps what only the older one needs: no block
# has room, so no newer snapshot comes, and time-outs fill the rest (attack F6).
# source: src/replica/space.c
# by: payload halt|liveness
# proof only
s/^        r->snapshots.release_due |= .*;$/        ;/
