# Signatures of messages are not looked at.
# source: src/model/judge.c
# by: sweep forgery
s/^    if (phase->authentication == AUTH_SIGNATURE) {/    if (false) {/
