# summary.awk: medians of what `run' measured, as a table with tabs between the columns.
#
# In:  run SERVER WORKLOAD ROUND PER_SECOND CPU_US P50_US P99_US    failed SERVER WORKLOAD    missing SERVER REASON
#      idle SERVER KB    after SERVER KB    disk SERVER ENTRIES [BYTES]
# Out: run SERVER WORKLOAD PER_SECOND RATIO CPU_US CPU_RATIO P50_US P99_US
#      failed SERVER WORKLOAD    missing SERVER REASON
#      server SERVER IDLE_KB AFTER_KB ENTRIES BYTES_AN_ENTRY        (empty where it isn't known)

function add(name, value) { lists[name] = lists[name] " " value }

function median(name, list, n, i, j, t) {
    n = split(lists[name], list, " ")
    if (!n) return ""
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && list[j - 1] + 0 > list[j] + 0; j--) {
            t = list[j]; list[j] = list[j - 1]; list[j - 1] = t
        }
    return n % 2 ? list[(n + 1) / 2] + 0 : (list[n / 2] + list[n / 2 + 1]) / 2
}

$1 == "run" {
    key = $2 SUBSEP $3
    add(key SUBSEP "rate", $5); add(key SUBSEP "cpu", $6); add(key SUBSEP "p50", $7); add(key SUBSEP "p99", $8)
    # The responder comes first in each round.
    if ($2 == "responder") { rate_base[$3, $4] = $5; cpu_base[$3, $4] = $6 }
    if (rate_base[$3, $4] > 0) add(key SUBSEP "ratio", $5 / rate_base[$3, $4])
    if (cpu_base[$3, $4] > 0) add(key SUBSEP "cpu_ratio", $6 / cpu_base[$3, $4])
}
$1 == "failed" { failed[$2, $3] = 1 }
$1 == "missing" { reason = $0; sub(/^[^ ]+ [^ ]+ /, "", reason); missing[$2] = reason }
$1 == "idle" || $1 == "after" { add($2 SUBSEP $1, $3) }
$1 == "disk" { add($2 SUBSEP "entries", $3); if ($4 != "" && $3 > 0) add($2 SUBSEP "bytes", $4 / $3) }

END {
    OFS = "\t"
    n = split(servers, server, " ")
    m = split(workloads, workload, " ")
    for (w = 1; w <= m; w++)
        for (s = 1; s <= n; s++) {
            key = server[s] SUBSEP workload[w]
            if (server[s] in missing) continue
            if (failed[key]) { print "failed", server[s], workload[w]; continue }
            print "run", server[s], workload[w], median(key SUBSEP "rate"), median(key SUBSEP "ratio"),
                median(key SUBSEP "cpu"), median(key SUBSEP "cpu_ratio"), median(key SUBSEP "p50"), median(key SUBSEP "p99")
        }
    for (s = 1; s <= n; s++) {
        if (server[s] in missing) { print "missing", server[s], missing[server[s]]; continue }
        print "server", server[s], median(server[s] SUBSEP "idle"), median(server[s] SUBSEP "after"),
            median(server[s] SUBSEP "entries"), median(server[s] SUBSEP "bytes")
    }
}
