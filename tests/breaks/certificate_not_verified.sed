# Signatures of certificates are not looked at (attack Q5).
# source: src/model/judge.c
# by: sweep forgery
s/^        synod_status status = certificate_verify(.*/        synod_status status = SYNOD_OK;/
