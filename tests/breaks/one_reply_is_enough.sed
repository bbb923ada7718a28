# A client believes the first answer (attack C4).
# source: src/client/client_open.c
# by: test unit/client_request_test f_liars_that_are_first_and_alike_are_not_believed
s/^    c->one_honest = .*/    c->one_honest = 1;/
