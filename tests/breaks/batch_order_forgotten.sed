# A snapshot is taken over without the tips of the lanes (PAY 8).
# source: src/replica/lanes.c
# by: test scenario/payload_test test_order_state_travels_with_a_snapshot
s/^        if (tip > r->lanes.lanes\[m\].tip)/        if (tip == UINT64_MAX)/
