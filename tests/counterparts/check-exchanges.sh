#!/usr/bin/env bash
# The recorded SCIM exchanges of tests/exchanges against a daemon of its own. Prints how many passed; fails below the bar.
#   check-exchanges.sh PATH-OF-PORTVAKT [postgres://… | sqlite:…]
source "$(dirname "${BASH_SOURCE[0]}")/lib/daemon.sh"
check_begin exchanges "${1:-}"
EXCHANGES="$(realpath "$CP_ROOT/../exchanges")"; BAR="$(cat "$EXCHANGES/bar")"

ok "the settings and the policy are in order" daemon_settings generic http://127.0.0.1:9 "${2:-}" < /dev/null
ok "the daemon becomes ready" daemon_start
TOKEN="$(portvakt directory token create generic)"
python3 "$EXCHANGES/run.py" --base-url "$BASE/scim/v2/generic" --token "$TOKEN" > "$WORK/exchanges.log" || true
grep -A1 '^FAIL' "$WORK/exchanges.log" | cut -c1-220 || true
tail -n 2 "$WORK/exchanges.log" | sed 's/^/  /'
passed="$(sed -n 's/^\([0-9]*\) passed, [0-9]* failed$/\1/p' "$WORK/exchanges.log" | tail -n 1)"
at_the_bar() { [ "${passed:-0}" -ge "$BAR" ]; }
ok "${passed:-0} exchanges pass; the bar is $BAR" at_the_bar
ok "the daemon is still ready" answers 200 "$BASE/readyz"
