#!/usr/bin/env bash
# A CRM that nobody here wrote, told over its own API by config/targets/tryton.toml: who is deactivated cannot sign in there,
# groups follow roles, what was said while it was down arrives, and a lost answer makes no second user.
#   check-tryton.sh PATH-OF-PORTVAKT [postgres://…]
source "$(dirname "${BASH_SOURCE[0]}")/lib/daemon.sh"
check_begin tryton "${1:-}"
TRYTON="$CP_ROOT/crm-trytond/crm.sh"; CRM_DATA="$WORK/tryton"; CRM_PORT="$(cp_free_port)"; CRM="http://127.0.0.1:$CRM_PORT"
crm() { python3 "$CP_ROOT/crm-trytond/tryton.py" "$CRM" "$@"; }
# In a process of its own: the script's DATA and PORT are its own.
tryton() { DATA="" PORT="" "$TRYTON" "$1" --port "$CRM_PORT" --data "$CRM_DATA" >> "$WORK/crm.log" 2>&1 || { tail -n 15 "$WORK/crm.log" >&2; return 1; }; }
ok "Tryton starts" tryton start
also_stop "$TRYTON" "$CRM_DATA"
for group in "CRM Board" "CRM Mailings" "Egen grupp"; do ok "Tryton has the group $group" crm group "$group"; done

wire_to "$CRM"

ok "the settings, the policy and the description are in order" daemon_settings generic http://127.0.0.1:9 "${2:-}" <<TOML
[[target]]
id = "tryton"
kind = "rest"
url = "$WIRE"
description = "$(realpath "$CP_ROOT/../../config/targets/tryton.toml")"
user_name = "admin"
secret = "admin-pass-9531"
values = { database = "crm" }
roles = { board = "CRM Board", communicator = "CRM Mailings" }
TOML
users() { python3 - "$CRM_DATA/db/crm.sqlite" <<'PY'
import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("select count(*) from res_user").fetchone()[0])
PY
}
before="$(users)"
tested() { portvakt target test tryton > "$WORK/test.log" && ! grep -q '^BAD' "$WORK/test.log"; }
ok "a trial reaches it, signs in, finds the groups and reads the people" tested
sed 's/^/        /' "$WORK/test.log"
unchanged() { [ "$(users)" = "$before" ]; }
ok "and has changed nothing" unchanged
ok "the daemon becomes ready" daemon_start
TOKEN="$(portvakt directory token create generic)"; SCIM="$BASE/scim/v2/generic"

# is LOGIN ACTIVE GROUPS... : how the user stands in Tryton
is() { local login="$1" active="$2"; shift 2; crm user "$login" 2> "$WORK/user.log" | python3 -c '
import json, sys
user = json.loads(sys.stdin.read() or "{}")
sys.exit(0 if str(user.get("active")).lower() == sys.argv[1] and user.get("groups") == sorted(sys.argv[2:]) else 1)' "$active" "$@"; }
bo="$(provision_person bo.lindstrom Bo Lindström sv)"
anna="$(provision_person anna.andersson Anna Andersson sv)"
mailings="$(provision_group crm-utskick "$bo")"
ok "Bo comes into Tryton, with the group of his role" until_ok 20 is bo.lindstrom true "CRM Mailings"
ok "so does Anna" until_ok 20 is anna.andersson true "CRM Mailings"
crm password bo.lindstrom "Hoeg-Berg-4711"
signs_in() { session="$(crm login bo.lindstrom "Hoeg-Berg-4711")"; }
ok "he signs in there" signs_in
ok "and has a session" crm ask "$session"
crm join bo.lindstrom "Egen grupp"
cecilia="$(provision_person cecilia.berg Cecilia Berg sv)"
board="$(provision_group styrelse "$bo" "$cecilia")"
ok "with a second role he has its group too, and keeps the one that Tryton gave" until_ok 20 is bo.lindstrom true "CRM Board" "CRM Mailings" "Egen grupp"

leave() { scim PATCH "/Groups/$board" '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"members[value eq \"'"$bo"'\"]"}]}' > /dev/null; }
ok "he leaves the board" leave
ok "and its group" until_ok 20 is bo.lindstrom true "CRM Mailings" "Egen grupp"

# --- deactivated
ok "his directory deactivates him" set_active "$bo" false
began="$(date +%s%N)"
refused() { ! crm login bo.lindstrom "Hoeg-Berg-4711" > /dev/null 2>&1; }
ok "he cannot sign in to Tryton" until_ok 20 refused
echo "        (after $((($(date +%s%N) - began) / 1000000)) ms)"
ok "his groups of ours are gone, the one that Tryton gave stays" until_ok 20 is bo.lindstrom false "Egen grupp"
dead() { ! crm ask "$session" > /dev/null 2>&1; }
ok "his session there is good for nothing" dead
ok "his directory takes him back" set_active "$bo" true
ok "he is as he was" until_ok 20 is bo.lindstrom true "CRM Mailings" "Egen grupp"
ok "and signs in again" signs_in
shown() { portvakt account show bo.lindstrom --format json > "$WORK/show.json" && python3 - "$WORK/show.json" <<'PY'
import json, sys
told = json.load(open(sys.argv[1]))["told"]
sys.exit(0 if len(told) == 1 and told[0]["target"] == "tryton" and told[0]["answer"].startswith("done: found") and told[0]["pending"] is None else str(told))
PY
}
ok "the account shows what Tryton was told, when and what it answered" until_ok 10 shown

# --- a lost answer
faults '[{"asks": "res.user.create", "after": "drop", "times": 1}]'
cia="$(provision_person cia.ek Cia Ek sv)"
ok "the answer to the making of Cia is lost, and she is there once" until_ok 30 is cia.ek true "CRM Mailings"
lost() { [ "$(grep -c 'res.user.create.*cia.ek' "$WORK/wire.jsonl")" = 1 ]; }
ok "she was made by one request" lost
faults '[{"asks": "res.user.write.*active.*false", "after": "drop", "times": 1}]'
ok "the answer to her deactivation is lost" set_active "$cia" false
ok "and she is closed all the same" until_ok 30 is cia.ek false
faults '[{"asks": "search_read", "truncate": 20, "times": 1}]'
ok "she comes back over a bad wire" set_active "$cia" true
ok "an answer that was cut is asked for again" until_ok 40 is cia.ek true "CRM Mailings"
faults '[{"asks": "search_read", "status": 429, "headers": {"Retry-After": "2"}, "times": 1}]'
dan="$(provision_person dan.ros Dan Ros sv)"
ok "so is one that put off" until_ok 40 is dan.ros true "CRM Mailings"
ok "Dan has left" set_active "$dan" false
faults '[]'

# --- Tryton is down for a while
ok "Tryton is taken down" tryton stop
for n in 1 2 3 4 5 6; do provision_person "ny$n" Ny "Person$n" sv > /dev/null; done
ok "Anna leaves meanwhile" set_active "$anna" false
rests() { portvakt target list | grep -q 'LEFT ALONE'; }
ok "it is left alone, and the list says so" until_ok 60 rests
ok "Tryton comes back" tryton start
ok "the queue is emptied without waiting for pauses" portvakt target drain tryton --within 90s
ok "Anna cannot sign in" is anna.andersson false
for n in 1 6; do ok "ny$n is there, once" is "ny$n" true "CRM Mailings"; done
nothing_dead() { [ "$(portvakt target dead tryton | wc -l)" = 0 ]; }
ok "nothing is a dead letter" nothing_dead

# --- a role that Tryton lacks is said, and mended
ok "the trial finds nothing to complain of" tested
counted() { [ "$(portvakt target replay tryton --dry-run | grep -o '[0-9]* account')" = "11 account" ]; }
ok "a replay would be of everybody" counted
