#!/usr/bin/env bash
# Canaille drives a whole round (create, rename, group set, group emptied, deactivate, delete) through a proxy that answers 429
# and 503 and drops connections, before and after the write. Canaille says nothing and tries nothing again: what its silence
# leaves behind is found by laying its people and groups beside the daemon's, and what a later push mends and what none does is said.
#   check-canaille-faults.sh PATH-OF-PORTVAKT
source "$(dirname "${BASH_SOURCE[0]}")/lib/daemon.sh"
check_begin canaille-faults "${1:-}"
IDP="$CP_ROOT/idp-canaille/idp.sh"; IDP_DATA="$WORK/ca"; IDP_PORT="$(cp_free_port)"; ISSUER="http://127.0.0.1:$IDP_PORT"
WAY_PORT="$(cp_free_port)"; WAY="http://127.0.0.1:$WAY_PORT"; WIRE="$WORK/wire.jsonl"
also_stop "$IDP" "$IDP_DATA"

ok "the settings and the policy are in order" daemon_settings ca "$ISSUER" < /dev/null
ok "the daemon becomes ready" daemon_start
TOKEN="$(portvakt directory token create ca)"; SCIM="$BASE/scim/v2/ca"
(DATA="$WORK/sink"; cp_spawn hook-sink python3 "$TOOLS/faultproxy.py" --listen "127.0.0.1:$WAY_PORT" --target "$BASE" --log "$WIRE")
cp_wait_http "$WAY/__faults" 10
idp() { DATA="" PORT="" "$IDP" start --port "$IDP_PORT" --data "$IDP_DATA" --scim-url "$WAY/scim/v2/ca" --scim-token "$TOKEN" --redirect "$BASE/sso/callback" --postlogout "$BASE/" > "$WORK/idp.log" 2>&1; }
ok "Canaille starts and pushes through the proxy" idp

drive() { python3 "$CP_ROOT/idp-canaille/drive.py" "$ISSUER" "$@" > /dev/null; }
disturbed() { # disturbed RULE COMMAND... : the command while the proxy follows the rule; fails where the rule was never used
  local rule="$1" before; shift
  before="$(wc -l < "$WIRE")"
  curl -sS --max-time 5 -X POST "$WAY/__faults" --data "[$rule]" > /dev/null && "$@" && curl -sS --max-time 5 -X DELETE "$WAY/__faults" > /dev/null \
    && tail -n "+$((before + 1))" "$WIRE" | grep -q '"fault": {'
}
silent() { # silent COMMAND... : the command, of which nobody hears
  local before; before="$(wc -l < "$WIRE")"
  "$@" && [ "$(wc -l < "$WIRE")" = "$before" ]
}
left_behind() {
  portvakt account list --format json | python3 "$TOOLS/left_behind.py" "$ISSUER/scim/v2" driver-token-0123456789 "$SCIM" "$TOKEN" > "$WORK/left"
}
leaves() { # leaves < LINES : these differences and no others
  left_behind && diff - "$WORK/left"
}
# What the daemon counts for an operator. The place to ask `portvakt directory show ca`.
counts() { # counts PEOPLE GROUPS
  local kind
  for kind in "Users $1" "Groups $2"; do
    scim GET "/${kind% *}?count=0" | python3 -c 'import json, sys; sys.exit(json.load(sys.stdin)["totalResults"] != int(sys.argv[1]))' "${kind#* }" || return 1
  done
}
agreed() { leaves < /dev/null; }
ok "both know the same people and groups" until_ok 20 agreed

ok "Canaille creates Eva" drive create eva.nord Eva Nord
ok "she has arrived" agreed
ok "Canaille creates Fia, and is told 429" \
  disturbed '{"method": "POST", "path": "/Users", "status": 429, "headers": {"Retry-After": "3"}, "body": "{}"}' drive create fia.berg Fia Berg
ok "Canaille creates Gun, and never hears that she was taken" \
  disturbed '{"method": "POST", "path": "/Users", "after": "drop"}' drive create gun.vik Gun Vik
ok "Canaille renames Eva, and the connection drops" \
  disturbed '{"method": "PUT", "path": "/Users", "drop": true}' drive rename eva.nord "Eva Norden"
ok "Canaille renames Gun, and never hears that it was done" \
  disturbed '{"method": "PUT", "path": "/Users", "after": "drop"}' drive rename gun.vik "Gun Viken"
ok "Canaille puts Eva into a group, and is told 429" \
  disturbed '{"method": "PUT", "path": "/Groups", "status": 429, "headers": {"Retry-After": "3"}, "body": "{}"}' drive group-set crm-utskick bo.lindstrom eva.nord
ok "Canaille empties a group, and tells nobody at all" silent drive group-set crm-medlemmar
ok "Canaille deactivates Bo, and is told 503" \
  disturbed '{"method": "PUT", "path": "/Users", "status": 503, "headers": {"Retry-After": "3"}, "body": "{}"}' drive deactivate bo.lindstrom
ok "Canaille deletes David, and the connection drops" \
  disturbed '{"method": "DELETE", "path": "/Users", "drop": true}' drive delete david.ek

ok "its silence leaves behind just what the wire lost, and nothing is half done" leaves <<'LINES'
person bo.lindstrom active True, not False
person david.ek extra
person eva.nord name Eva Nord, not Eva Norden
person fia.berg missing
account bo.lindstrom active, though the provider says locked
account david.ek active, though the provider says gone
group crm-medlemmar has cecilia.oberg
group crm-moten has david.ek
group crm-utskick lacks eva.nord
LINES
ok "the daemon counts those that it has" counts 7 4

ok "Canaille saves Fia again" drive rename fia.berg "Fia Berg"
ok "and Gun, who is not there twice" drive rename gun.vik "Gun Vik"
ok "and Eva" drive rename eva.nord "Eva Norden"
ok "and the group" drive group-set crm-utskick bo.lindstrom eva.nord
ok "and Bo" drive deactivate bo.lindstrom
ok "whole states mend what was lost; what Canaille no longer has, it never speaks of again" leaves <<'LINES'
person david.ek extra
account david.ek active, though the provider says gone
group crm-medlemmar has cecilia.oberg
group crm-moten has david.ek
LINES
ok "Bo's account is deactivated" account_has bo.lindstrom status deactivated

id_of() { scim GET "/$1?filter=$2%20eq%20%22$3%22" | python3 -c 'import json, sys; print(json.load(sys.stdin)["Resources"][0]["id"])'; }
mended_by_hand() {
  local nobody='{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"members"}]}'
  scim DELETE "/Users/$(id_of Users userName david.ek)" > /dev/null && scim PATCH "/Groups/$(id_of Groups displayName crm-medlemmar)" "$nobody" > /dev/null
}
ok "somebody mends the rest by hand, with the directory's token" mended_by_hand
ok "now both agree again" agreed
ok "the daemon counts those that it has" counts 7 4
