# soak.awk: twelve of the samples as a table, and the verdict; the exit status is 1 where something grew.

NR == 1 { next }
{
    n++
    requests[n] = $1; seconds[n] = $2; figures[n, 1] = $3; figures[n, 2] = $4; figures[n, 3] = $5; disk[n] = $6
}
function most(column, from, to, i, best) {
    for (i = from; i <= to; i++) if (figures[i, column] > best) best = figures[i, column]
    return best + 0
}
function judge(name, column, unit, factor, room, before, after, grown) {
    before = most(column, third + 1, 2 * third)
    after = most(column, 2 * third + 1, n)
    grown = after > before * factor + room
    printf "- %s: %d%s at most in the second third, %d%s in the last: %s\n", name, before, unit, after, unit,
        grown ? "NOT FLAT" : "flat"
    if (grown) status = 1
}
END {
    print "| requests | seconds | memory, MB | descriptors | threads | on disk, MB |"
    print "| ---: | ---: | ---: | ---: | ---: | ---: |"
    step = n > 12 ? n / 12 : 1
    for (i = step; i <= n + 0.5; i += step) {
        row = int(i + 0.5)
        printf "| %d | %d | %.1f | %d | %d | %.0f |\n", requests[row], seconds[row], figures[row, 1] / 1024,
            figures[row, 2], figures[row, 3], disk[row] / 1048576
    }
    print ""
    third = int(n / 3)
    if (third < 1) { print "- too few samples to judge"; exit 1 }
    judge("memory", 1, " kB", 1.05, 1024)
    judge("descriptors", 2, "", 1, 10)
    judge("threads", 3, "", 1, 10)
    exit status
}
