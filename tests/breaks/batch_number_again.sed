# A restarted author forgets which numbers it used (PAY 1).
# source: src/replica/lanes.c
# by: payload conflict
# proof only
s/^    if (batch.sequence <= lane->tip)$/    if (batch.sequence <= lane->tip || batch.author == r->config.self)/
s/^        r->lanes.used = batch.sequence;/        r->lanes.used = 0;/
