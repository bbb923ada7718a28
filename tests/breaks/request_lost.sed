# The mempool says that it took a request and drops it.
# source: src/replica/mempool.c
# by: world liveness
s/^    uint32_t size = (uint32_t)request->encoded.size;/&\n    if (sequence % 4 == 3)\n        return SYNOD_OK;/
