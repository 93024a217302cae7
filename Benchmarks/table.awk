# table.awk: the Markdown tables of what summary.awk prints.

BEGIN {
    print "| server | workload | req/s | ratio | CPU µs/request | CPU ratio | p50 µs | p99 µs |"
    print "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
}
$1 == "run" {
    printf "| %s | %s | %.0f | %s | %.1f | %s | %.0f | %.0f |\n", $2, $3, $4, $5 == "" ? "" : sprintf("%.3f", $5),
        $6, $7 == "" ? "" : sprintf("%.1f", $7), $8, $9
}
$1 == "failed" { printf "| %s | %s | failed | | | | | |\n", $2, $3 }
$1 == "missing" { missing = missing sprintf("| %s | | not available | | | | | |\n", $2); notes = notes sprintf("- %s: %s\n", $2, $3) }
$1 == "server" {
    memory = memory sprintf("| %s | %s | %s | %s | %s |\n", $2, $3 == "" ? "" : sprintf("%.1f", $3 / 1024),
        $4 == "" ? "" : sprintf("%.1f", $4 / 1024), $5 > 0 ? $5 : "", $6 == "" ? "" : sprintf("%.0f", $6))
}
END {
    printf "%s", missing
    print "\n| server | memory, idle, MB | afterwards, MB | entries | bytes an entry on disk |"
    print "| --- | ---: | ---: | ---: | ---: |"
    printf "%s", memory
    if (notes != "") printf "\nNot available:\n\n%s", notes
}
