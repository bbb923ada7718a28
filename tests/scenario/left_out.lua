-- Schedule X2: the leader works with two of the others and leaves the third out. Its clients get
-- their answers from three; the one left out has nothing to complain about, because nobody asks it.
-- It learns from the state roots that the others attest, and fetches what it lacks.
cluster{members = 4, clients = 1, seed = 2, batch = 1, window = 64,
        liars = {[0] = "withhold"}, lies = 0.3}
for _ = 1, 10 do
    submit(0, "increment", "w")
    wait(50)
end
expect(settle(60000), "everybody has everything within a bound")
expect(roots_equal())
