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
# What an operator is told without asking the provider: people, groups, refused changes, and whether it is paused.
directory_shows() { # directory_shows PEOPLE GROUPS REFUSED [paused]
  portvakt directory show ca --format json | python3 -c '
import json, sys
told = json.load(sys.stdin)
got = [told["people"], told["groups"], told["refused_changes"], told["paused_since"] is not None]
wanted = [*map(int, sys.argv[1:4]), len(sys.argv) > 4]
sys.exit(0 if got == wanted and told["last_change"] else f"directory show: {got}, not {wanted}")' "$@"
}
shows_soon() { until_ok 20 directory_shows "$@" 2> "$WORK/why" || { tail -n 1 "$WORK/why" >&2; return 1; }; }
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
ok "\`directory show\` counts those that it has, and knows of no refusal: nothing of this ever reached it" directory_shows 7 4 0

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
ok "\`directory show\` counts them" directory_shows 7 4 0

# What the daemon itself refuses Canaille swallows likewise; here it is kept until it has been mended.
stranger() { scim POST /Users '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"hans.berg","externalId":"from-before","active":true}' > /dev/null; }
ok "there is a Hans from before, under another id" stranger
ok "Canaille creates Hans, is told 409, and says nothing" drive create hans.berg Hans Berg
ok "\`directory show\` has the refusal" shows_soon 8 4 1
known_by_its_id() {
  local theirs; theirs="$(python3 "$CP_ROOT/idp-canaille/drive.py" "$ISSUER" list | awk '$1 == "hans.berg" { print $2 }')"
  scim PATCH "/Users/$(id_of Users userName hans.berg)" "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":[{\"op\":\"replace\",\"path\":\"externalId\",\"value\":\"$theirs\"}]}" > /dev/null
}
ok "somebody gives him the id that Canaille knows him by" known_by_its_id
ok "Canaille saves Hans again" drive rename hans.berg "Hans Berg"
ok "it is the same person on both sides" agreed
ok "the refusal is gone from \`directory show\`" shows_soon 8 4 0

paused() { portvakt directory pause ca --reason "the provider is being moved" > /dev/null; }
resumed() { portvakt directory resume ca > /dev/null; }
ok "the directory is paused" paused
ok "Canaille deactivates Hans, and hears 503 for everything" drive deactivate hans.berg
ok "\`directory show\` says that it is paused" shows_soon 8 4 0 paused
ok "the directory is let in again" resumed
ok "what was lost meanwhile is seen" leaves <<'LINES'
person hans.berg active True, not False
account hans.berg active, though the provider says locked
LINES
ok "Canaille saves him again" drive deactivate hans.berg
ok "now both agree" agreed
