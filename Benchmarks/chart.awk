# chart.awk: a chart of what summary.awk prints: requests a second beside the bare responder's, as SVG.
#
# It is read on light and on dark ground, and every bar has its number beside it.

function escape(text) { gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); return text }

BEGIN {
    FS = "\t"
    left = 120; width = 520; bar = 14; gap = 4
    meaning["wl"] = "wl: a whitelisted recipient"
    meaning["state"] = "state: a request at DATA"
    meaning["known"] = "known: triplets that have passed"
    meaning["seen"] = "seen: early retries"
    meaning["new"] = "new: triplets never seen"
    meaning["mixed"] = "mixed: 70 % seen, 30 % new"
}
$1 == "run" && $2 != "responder" && $5 != "" {
    if (!($3 in known)) { known[$3] = 1; workload[++groups] = $3 }
    n[$3]++
    server[$3, n[$3]] = $2
    ratio[$3, n[$3]] = $5
    if ($5 + 0 > most) most = $5 + 0
}
END {
    # Round figures for the axis: tenths.
    top = int(most * 10 + 0.999) / 10
    if (top <= 0) top = 1
    y = 44
    for (g = 1; g <= groups; g++) {
        w = workload[g]
        body = body sprintf("<text class=\"head\" x=\"0\" y=\"%d\">%s</text>\n", y + 12, escape(w in meaning ? meaning[w] : w))
        y += 20
        for (i = 1; i <= n[w]; i++) {
            length_ = ratio[w, i] / top * width
            body = body sprintf("<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>", left - 8, y + 11, escape(server[w, i]))
            body = body sprintf("<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>",
                server[w, i] == "postgrey" ? "other" : "ours", left, y, length_ < 1 ? 1 : length_, bar)
            body = body sprintf("<text x=\"%.1f\" y=\"%d\">%.3f</text>\n", left + length_ + 6, y + 11, ratio[w, i])
            y += bar + gap
        }
        y += 10
    }
    for (t = 0; t <= top + 0.001; t += 0.1) {
        x = left + t / top * width
        grid = grid sprintf("<line x1=\"%.1f\" y1=\"40\" x2=\"%.1f\" y2=\"%d\"/><text class=\"tick\" x=\"%.1f\" y=\"34\" text-anchor=\"middle\">%.1f</text>\n",
            x, x, y, x, t)
    }
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"title\">\n", left + width + 60, y + 6
    print "<title id=\"title\">Requests a second of each server, by workload; 1.0 is the bare responder</title>"
    print "<style>"
    print "text { font: 12px sans-serif; fill: #24292f } .head { font-weight: bold } .tick { font-size: 11px; fill: #57606a }"
    print "line { stroke: #d0d7de } .ours { fill: #0969da } .other { fill: #9a6700 }"
    print "@media (prefers-color-scheme: dark) {"
    print "  text { fill: #e6edf3 } .tick { fill: #9198a1 } line { stroke: #3d444d } .ours { fill: #4493f8 } .other { fill: #d29922 }"
    print "}"
    print "</style>"
    print "<text class=\"head\" x=\"0\" y=\"14\">Requests a second, beside a bare responder = 1.0</text>"
    printf "%s%s</svg>\n", grid, body
}
