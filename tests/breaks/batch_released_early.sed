# What is certified makes room before it is ordered and executed (PAY 7).
# source: src/replica/lanes.c
# by: payload liveness
# proof only
s/^        lane->low = lane->tip;/        lane->low = lane->certified > lane->tip \&\& lane->certified <= lane->high ? lane->certified : lane->tip;/
