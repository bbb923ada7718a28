/* Faults that hit the leader, who is only known while a run goes on. */
#ifndef SIM_SWEEP_HUNT_H
#define SIM_SWEEP_HUNT_H

#include "sim/world.h"

/* The leader of the highest view that an honest member is in; `otherwise` when nobody says. */
member_t sweep_leader(const world_t *world, member_t otherwise);

/* A run in which no view has failed by now shows nothing of how views change. Strikes the leader
 * while a request is pending, ends that fault, and again with another kind, until a view has
 * failed; the kinds and times follow from the seed. Draws nothing from the world's own chance that
 * the run up to now depends on. */
void sweep_hunt(world_t *world, uint64_t seed);

/* One more request of some client, by hand. */
void sweep_submit(world_t *world, uint64_t number);

#endif
