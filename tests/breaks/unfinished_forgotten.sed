# What was executed before all lost power does not come back by itself (seed 4586).
# source: src/replica/recover.c
# by: world liveness
# proof only: thousands of seeds
s/^    wait_for_unfinished(r);//
