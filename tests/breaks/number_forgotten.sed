# A session forgets that a number ran: ordered again, it runs again (attack C1).
# source: src/replica/ledger.c
# by: world once|history
/^    switch (verdict) {/,/^    }/s/^    case SESSION_RAN:/&\n        if (verdict == SESSION_RAN)\n            (void)session_run(\&ledger->app, ledger->state, info, request, table->scratch,\n                              ledger->parameters.reply_bytes_max, \&reply->status);/
