-- Two members come back at once: one lacks much, and asks the other, which is still reading its own
-- journal and has no answer yet. The question must not be lost: it is asked again.
cluster{members = 4, clients = 1, seed = 5, window = 64, batch = 1, retry = 200, checkpoint_blocks = 4}
submit(0, "increment", "x")
expect(settle(5000))
for round = 1, 4 do
    crash(3)
    for _ = 1, 10 do
        submit(0, "increment", "x")
        wait(20)
    end
    for member = 0, 2 do crash(member) end
    wait(100)
    slow_disk(0, 30)
    for member = 0, 3 do restart(member) end
    expect(settle(60000), "the one that was away has everything")
    slow_disk(0, 0)
end
expect(roots_equal())
