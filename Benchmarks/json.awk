# json.awk: what summary.awk prints as JSON, one object a line.

function text(string) { gsub(/[\\"]/, "\\\\&", string); gsub(/[\001-\037]/, " ", string); return "\"" string "\"" }
function number(name, value) { return value == "" ? "" : sprintf(",\"%s\":%s", name, value + 0) }
function put(object) { printf "%s\n    %s", lines++ ? "," : "", object }

BEGIN { printf "{\n  \"measured\": %s,\n  \"machine\": %s,\n  \"figures\": [", text(measured), text(machine) }
$1 == "run" {
    put("{\"server\":" text($2) ",\"workload\":" text($3) number("per_second", $4) number("ratio", $5) number("cpu_us", $6) \
        number("cpu_ratio", $7) number("p50_us", $8) number("p99_us", $9) "}")
}
$1 == "failed" { put("{\"server\":" text($2) ",\"workload\":" text($3) ",\"failed\":true}") }
$1 == "missing" { put("{\"server\":" text($2) ",\"missing\":" text($3) "}") }
$1 == "server" {
    put("{\"server\":" text($2) number("idle_kB", $3) number("afterwards_kB", $4) number("entries", $5) \
        number("bytes_an_entry", $6) "}")
}
END { printf "\n  ]\n}\n" }
