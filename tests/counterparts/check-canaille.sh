#!/usr/bin/env bash
# Canaille, an identity provider with a SCIM client of its own, pushes its people and groups into the daemon, signs one of
# them in and then deactivates him: the account follows, the CRM is told, the session is dead.
#   check-canaille.sh PATH-OF-PORTVAKT
source "$(dirname "${BASH_SOURCE[0]}")/lib/daemon.sh"
check_begin canaille "${1:-}"
IDP="$CP_ROOT/idp-canaille/idp.sh"; IDP_DATA="$WORK/ca"; IDP_PORT="$(cp_free_port)"; ISSUER="http://127.0.0.1:$IDP_PORT"
PASSWORD="Sommar-2031-lang"; SECRET="whsec_$(python3 -c 'import base64, os; print(base64.b64encode(os.urandom(24)).decode())')"
HOOK_PORT="$(cp_free_port)"; DELIVERIES="$WORK/deliveries.jsonl"; CRM_IS_DOWN="$WORK/crm-is-down"
IDP5_DATA="$WORK/ca5"; IDP5_PORT="$(cp_free_port)"; ISSUER5="http://127.0.0.1:$IDP5_PORT"
also_stop "$IDP" "$IDP_DATA"; also_stop "$IDP" "$IDP5_DATA"

ok "the settings and the policy are in order" daemon_settings ca "$ISSUER" <<TOML

[[target]]
id = "crm"
kind = "webhook"
url = "http://127.0.0.1:$HOOK_PORT/hooks/portvakt"
secret = "$SECRET"
allow_private = true

[[directory]]
id = "plain"
kind = "generic"
[directory.oidc]
issuer = "$ISSUER5"
client_id = "crm-daemon"
client_secret = "crm-daemon-secret"

[[directory]]
id = "told"
kind = "generic"
[directory.oidc]
issuer = "$ISSUER5"
client_id = "crm-daemon"
client_secret = "crm-daemon-secret"
algorithms = ["RS512"]
TOML
(DATA="$WORK/sink"; cp_spawn hook-sink python3 "$TOOLS/hook_sink.py" --listen "127.0.0.1:$HOOK_PORT" --log "$DELIVERIES" --secret "$SECRET" --refuse-file "$CRM_IS_DOWN")
cp_wait_http "http://127.0.0.1:$HOOK_PORT/" 10
ok "the daemon becomes ready before the provider is there" daemon_start
TOKEN="$(portvakt directory token create ca)"; SCIM="$BASE/scim/v2/ca"

idp() { DATA="" PORT="" "$IDP" start --port "$IDP_PORT" --data "$IDP_DATA" --scim-url "$SCIM" --scim-token "$TOKEN" --redirect "$BASE/sso/callback" --postlogout "$BASE/" > "$WORK/idp.log" 2>&1; }
ok "Canaille starts and pushes" idp
drive() { python3 "$CP_ROOT/idp-canaille/drive.py" "$ISSUER" "$@" > /dev/null; }
has_accounts() { [ "$(portvakt account list --format json | python3 "$TOOLS/look.py" count)" = "$1" ]; }
ok "five people have arrived" until_ok 20 has_accounts 5
groups() { scim GET "/Groups?filter=displayName%20eq%20%22$1%22" | python3 -c 'import json,sys; sys.exit(0 if json.load(sys.stdin)["totalResults"] == 1 else 1)'; }
ok "and their groups" groups crm-utskick
confidence() { ! scim GET /Users | grep -qi '"password"'; }
ok "a password that Canaille sent along never comes back" confidence
limited() { portvakt report access --format json | python3 "$TOOLS/look.py" has "$1" limited True; }
ok "Bo, a helper with mailings, is limited by his group" until_ok 20 limited bo.lindstrom

told() { python3 "$TOOLS/look.py" has "$1" status "$2" < "$DELIVERIES"; }
ok "the CRM has been told of Bo" until_ok 30 told bo.lindstrom active
ok "Bo signs in through Canaille" sign_in ca bo.lindstrom "$PASSWORD"
ok "his session is good" session_lives bo.lindstrom

touch "$CRM_IS_DOWN"
ok "Canaille deactivates him" drive deactivate bo.lindstrom
ok "his account is deactivated" until_ok 20 account_has bo.lindstrom status deactivated
ok "his session is dead" session_is_dead bo.lindstrom
ok "the others are as they were" account_has anna.andersson status active
refused() { grep -q '"status": 503' "$DELIVERIES"; }
ok "the CRM, which is down, could not be told" until_ok 30 refused
rm "$CRM_IS_DOWN"
delivered() { grep '"status": 204' "$DELIVERIES" | python3 "$TOOLS/look.py" has bo.lindstrom status deactivated; }
ok "it is told when it is up again" until_ok 120 delivered
in_order() { # every account's versions that the CRM took only ever rise: none twice, none late
  python3 - "$DELIVERIES" <<'PY'
import json, sys
newest = {}
for line in open(sys.argv[1], encoding="utf-8"):
    told = json.loads(line)
    if told["status"] == 204:
        account, version = told["body"]["account"]["user_name"], told["body"]["version"]
        if version <= newest.get(account, -1):
            sys.exit(f"{account}: version {version} after {newest[account]}")
        newest[account] = version
PY
}
ok "each account's versions came once and in order" in_order
all_signed() { ! grep -q '"signature": false' "$DELIVERIES"; }
ok "every delivery was signed" all_signed

ok "Canaille activates him" drive activate bo.lindstrom
ok "his account is as it was" until_ok 20 account_has bo.lindstrom status active
ok "Canaille deletes David" drive delete david.ek
ok "his account is deactivated" until_ok 20 account_has david.ek status deactivated

# --- a Canaille that signs as it does by default: RS512
idp5() { DATA="" PORT="" "$IDP" start --port "$IDP5_PORT" --data "$IDP5_DATA" --id-alg "" --scim-url "http://127.0.0.1:9/nowhere" --redirect "$BASE/sso/callback" --postlogout "$BASE/" > "$WORK/idp.log" 2>&1; }
ok "a second Canaille starts, which signs with RS512" idp5
refused() { ! sign_in "$1" anna.andersson "$PASSWORD" && ended_with anna.andersson 403 && grep -q "$2" "$WORK/anna.andersson.page"; }
ok "its token is refused, and the page does not say why" refused plain not_verified
ok "the log names the algorithm and the setting" grep -q 'signed with "RS512", while oidc.algorithms allows' "$DATA/log/portvakt.log"
sleep 1.2   # Canaille gives out the same access token twice within a second, and stumbles over it
ok "with that setting the token is believed, and the person waits to be linked" refused told not_provisioned
