# SPDX-License-Identifier: BSD-3-Clause
# awk -f load.awk -v aors=N: what load/run-dataplane.sh prints becomes the bench's lines. The rate of the
# reflector, of the same run, stands in each.
function get(key,    i) {
    for (i = 2; i <= NF; i++)
        if (index($i, key "=") == 1)
            return substr($i, length(key) + 2)
}
$1 != "result" { next }
get("what") == "reflect" { reflector = get("rate_per_s"); next }
# No measurement, either of them.
get("kind") == "fill" || get("kind") == "repair" { next }
{
    if (get("kind") == "search")
        found = get("rate_per_s")
    line = "op=" get("kind") " phase=" get("what") " workers=1 bindings=" aors " fifo=" (fifo ? "true" : "false")
    if (get("kind") == "rate")
        line = line " load=" int(100 * get("rate_per_s") / found + 0.5)
    for (i = 2; i <= NF; i++)
        if ($i !~ /^(what|kind)=/)
            line = line " " $i
    if (reflector)
        line = line " reflector_per_s=" reflector
    print line
}
