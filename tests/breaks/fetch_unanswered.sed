# The core is not given the block that it wants to propose again (HS 19).
# source: src/replica/judge.c
# by: test scenario/sim_scripts_test every_script_ends_well
s/^    r->want_waits = slot == NULL || !slot->root_checked;/    r->want_waits = true;/
