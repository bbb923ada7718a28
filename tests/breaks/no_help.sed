# Nobody helps those who are behind (HS 14).
# source: src/protocol/hotstuff/pace.c
# by: sweep liveness
s/^    if ((!ahead \&\& !behind \&\& !missing) || message->author == step->env->self)/    if (true)/
