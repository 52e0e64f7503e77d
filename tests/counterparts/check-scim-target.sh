#!/usr/bin/env bash
# A CRM that speaks SCIM: scim2-server, which nobody here wrote, over a bad wire, and then another Portvakt.
#   check-scim-target.sh PATH-OF-PORTVAKT [postgres://…]
source "$(dirname "${BASH_SOURCE[0]}")/lib/daemon.sh"
check_begin scim-target "${1:-}"
SERVER="$CP_ROOT/scim-server/scim.sh"; CRM_DATA="$WORK/crm"; CRM_PORT="$(cp_free_port)"; CRM="http://127.0.0.1:$CRM_PORT"
server() { DATA="" PORT="" "$SERVER" "$1" --port "$CRM_PORT" --data "$CRM_DATA" >> "$WORK/crm.log" 2>&1 || { tail -n 15 "$WORK/crm.log" >&2; return 1; }; }
ok "scim2-server starts" server start
also_stop "$SERVER" "$CRM_DATA"
group_at() { curl -sS --fail -o /dev/null "$1/Groups" ${3:+-H "Authorization: Bearer $3"} -H 'Content-Type: application/scim+json' \
  --data "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"],\"displayName\":\"$2\"}"; }
for group in Styrelse Utskick; do ok "it has the group $group" group_at "$CRM" "$group"; done

wire_to "$CRM"

# --- another Portvakt, whose SCIM is a target too
OTHER="$WORK/other"; OTHER_PORT="$(cp_free_port)"; mkdir -p "$OTHER"
sed "s/@DIRECTORY@/first/" "$CP_LIB_DIR/policy.toml" > "$OTHER/policy.toml"
cat > "$OTHER/portvakt.toml" <<TOML
[server]
listen = "127.0.0.1:$OTHER_PORT"
public_url = "http://127.0.0.1:$OTHER_PORT"
[database]
url = "sqlite:$OTHER/portvakt.db"
[policy]
file = "$OTHER/policy.toml"
[[directory]]
id = "first"
kind = "generic"
TOML
chmod 600 "$OTHER/portvakt.toml"
other() { "$BIN" --config "$OTHER/portvakt.toml" "$@"; }
cp_spawn other "$BIN" --config "$OTHER/portvakt.toml" serve
printf '%s\n' "source '$CP_LIB_DIR/counterpart.sh'; DATA='$DATA'; cp_stop other" > "$WORK/stop-other.sh"
STOP+=("bash $WORK/stop-other.sh")
ok "another Portvakt becomes ready" until_ok 30 answers 200 "http://127.0.0.1:$OTHER_PORT/readyz"
OTHER_SCIM="http://127.0.0.1:$OTHER_PORT/scim/v2/first"; OTHER_TOKEN="$(other directory token create first)"
for group in styrelse crm-utskick; do ok "it has the group $group" group_at "$OTHER_SCIM" "$group" "$OTHER_TOKEN"; done

ok "the settings and the policy are in order" daemon_settings generic http://127.0.0.1:9 "${2:-}" <<TOML
[[target]]
id = "crm"
kind = "scim"
url = "$WIRE"
secret = "a-token-that-this-server-does-not-ask-for"
roles = { board = "Styrelse", communicator = "Utskick" }

[[target]]
id = "other"
kind = "scim"
url = "$OTHER_SCIM"
secret = "$OTHER_TOKEN"
roles = { board = "styrelse", communicator = "crm-utskick" }
TOML
tested() { portvakt target test "$1" > "$WORK/test-$1.log" && ! grep -q '^BAD' "$WORK/test-$1.log"; }
for target in crm other; do
  ok "a trial of $target finds nothing to complain of" tested "$target"
  sed 's/^/        /' "$WORK/test-$target.log"
done
ok "the daemon becomes ready" daemon_start
TOKEN="$(portvakt directory token create generic)"; SCIM="$BASE/scim/v2/generic"

crm() { python3 "$TOOLS/stands.py" "$CRM" none "$@"; }
twin() { python3 "$TOOLS/stands.py" "$OTHER_SCIM" "$OTHER_TOKEN" "$@"; }
anna="$(provision_person anna.andersson Anna Andersson sv)"; bo="$(provision_person bo.lindstrom Bo Lindström sv)"
board="$(provision_group styrelse "$anna" "$bo")"
ok "Bo comes into the CRM, with the groups of his roles" until_ok 20 crm bo.lindstrom true Styrelse Utskick
ok "and into the other Portvakt" until_ok 20 twin bo.lindstrom true styrelse crm-utskick
leave() { scim PATCH "/Groups/$board" '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"members[value eq \"'"$bo"'\"]"}]}' > /dev/null; }
ok "he leaves the board" leave
ok "and its group" until_ok 20 crm bo.lindstrom true Utskick
ok "there too" until_ok 20 twin bo.lindstrom true crm-utskick
ok "his directory deactivates him" set_active "$bo" false
ok "he is closed" until_ok 20 crm bo.lindstrom false
ok "there too" until_ok 20 twin bo.lindstrom false
gone() { other account list --format json | python3 "$TOOLS/look.py" has bo.lindstrom status deactivated; }
ok "where nobody of that name has access any more" gone
ok "he comes back" set_active "$bo" true
ok "as he was" until_ok 20 crm bo.lindstrom true Utskick

# --- a bad wire, fault by fault; each on a person of its own
n=0
over() { # over SENTENCE RULES
  n=$((n + 1)); faults "$2"
  provision_person "fel$n" Fel "Nummer$n" sv > /dev/null
  ok "$1" until_ok 60 crm "fel$n" true Utskick
  faults '[]'
}
over "a 429 with a pause" '[{"path": "^/Users", "status": 429, "headers": {"Retry-After": "1"}, "times": 1}]'
over "a 500" '[{"path": "^/Users", "status": 500, "times": 1}]'
over "a connection that breaks before the write" '[{"method": "POST", "path": "^/Users", "drop": true, "times": 1}]'
over "one that breaks after it" '[{"method": "POST", "path": "^/Users", "after": "drop", "times": 1}]'
over "an answer that is cut" '[{"path": "^/Users", "truncate": 25, "times": 1}]'
over "an answer that does not come" '[{"method": "POST", "path": "^/Users", "delay": 14, "times": 1}]'
over "a group's change whose answer is lost" '[{"method": "PATCH", "path": "^/Groups", "after": "drop", "times": 1}]'
everybody() { [ "$(curl -sS "$CRM/Users?count=100" | python3 -c 'import json,sys; print(json.load(sys.stdin)["totalResults"])')" = $((n + 2)) ]; }
ok "everybody is there once" everybody
nothing_dead() { [ "$(portvakt target dead crm | wc -l)" = 0 ]; }
ok "nothing is a dead letter" nothing_dead
