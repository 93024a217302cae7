# check.awk: thresholds.txt against what summary.awk and server-allocations print; the exit status is 1 where one is missed.

/^#/ || NF == 0 { next }
FILENAME != file { file = FILENAME; files++ }
files == 1 {
    key = $1 " " $2 " " $3 ($1 == "allocations" ? " " $4 : "")
    keys[++n] = key
    limit[key] = $NF
    next
}
files == 2 && $1 == "run" { measured["ratio " $2 " " $3] = $5; measured["cpu " $2 " " $3] = $7 }
files == 2 && $1 == "missing" { missing[$2] = 1 }
files == 3 { measured["allocations " $1 " " $2 " " $3] = $4 }
END {
    print "| figure | limit | measured | | |"
    print "| --- | ---: | ---: | ---: | --- |"
    for (i = 1; i <= n; i++) {
        key = keys[i]
        split(key, part, " ")
        isRatio = part[1] == "ratio"
        if (part[2] in missing) { printf "| %s | %s | | | not available |\n", key, limit[key]; continue }
        if (!(key in measured)) { printf "| %s | %s | | | NOT MEASURED |\n", key, limit[key]; status = 1; continue }
        value = measured[key] + 0
        missed = isRatio ? value < limit[key] : value > limit[key]
        printf "| %s | %s %s | %.3f | %+.0f %% | %s |\n", key, isRatio ? "at least" : "at most", limit[key], value,
            (value / limit[key] - 1) * 100, missed ? "MISSED" : "held"
        if (missed) status = 1
    }
    exit status
}
