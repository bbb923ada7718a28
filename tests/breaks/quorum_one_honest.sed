# The deciding quorum is f + 1.
# source: src/model/committee.c
# by: sweep agreement|prefix
s/^        return (total + faults + 2) \/ 2;.*/        return faults + 1;/
