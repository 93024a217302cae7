# growth.awk: the tables of what `growth' measured: first what summary.awk prints, then the results themselves.

BEGIN {
    FS = "\t"
    print "| entries | workload | req/s | ratio | CPU µs/request | p99 µs | cost beside the first row |"
    print "| ---: | --- | ---: | ---: | ---: | ---: | ---: |"
}
FNR == 1 && NR > 1 { FS = " "; $0 = $0 }
$1 == "run" && $2 == server && FS == "\t" {
    split($3, part, "/")
    if (!(part[1] in first)) first[part[1]] = $5
    printf "| %d | %s | %.0f | %.3f | %.1f | %.0f | %.2f |\n", part[2], part[1], $4, $5, $6, $9, first[part[1]] / $5
}
FS == "\t" { next }
$1 == "file" { sizes[++count] = $2; bytes[$2] = $3 / $2 }
$1 == "grown" { grown[$2] = $4 / $3 }
$1 == "idle" { idle[$2] = $3 / 1024 }
$1 == "many" { many[$2] = $3 / 1024 }
$1 == "start" && (!($2 in start) || $3 < start[$2]) { start[$2] = $3 }
$1 == "start" && $3 > slowest[$2] { slowest[$2] = $3 }
END {
    print "\n| entries | bytes an entry | after `new` | start, ms | slowest | memory idle, MB | with 1,000 connections |"
    print "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for (i = 1; i <= count; i++) {
        s = sizes[i]
        printf "| %d | %.0f | %.0f | %.0f | %.0f | %.1f | %.1f |\n", s, bytes[s], grown[s], start[s], slowest[s], idle[s], many[s]
    }
}
