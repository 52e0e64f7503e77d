#!/usr/bin/env bash
# Signing in through npm oidc-provider, a certified OpenID provider: a full sign-in, last seen, refusals, new keys,
# and a provider that is down.        check-oidc.sh PATH-OF-PORTVAKT
source "$(dirname "${BASH_SOURCE[0]}")/lib/daemon.sh"
check_begin oidc "${1:-}"
IDP="$CP_ROOT/idp-oidc-provider/idp.sh"; IDP_DATA="$WORK/op"; IDP_PORT="$(cp_free_port)"; ISSUER="http://127.0.0.1:$IDP_PORT"
PASSWORD="Sommar-2031"
also_stop "$IDP" "$IDP_DATA"

idp() { DATA="" PORT="" "$IDP" "$1" --port "$IDP_PORT" --data "$IDP_DATA" "${@:2}" > "$WORK/idp.log" 2>&1; }
openssl ecparam -genkey -name prime256v1 2> /dev/null | openssl pkcs8 -topk8 -nocrypt -out "$DATA/client.pem"; chmod 600 "$DATA/client.pem"
ok "the settings and the policy are in order" daemon_settings op "$ISSUER" <<TOML
par = "off"

[[directory]]
id = "key"
kind = "generic"
[directory.oidc]
issuer = "$ISSUER"
client_id = "crm-key"
client_key_file = "client.pem"
client_key_id = "portvakt-1"
par = "require"
TOML
portvakt directory key key > "$WORK/client.jwks"
ok "the key that is registered is only the public half" bash -c 'grep -q "\"x\"" "$1" && ! grep -q "\"d\"" "$1"' _ "$WORK/client.jwks"
idp start --redirect "$BASE/sso/callback" --backchannel "$BASE/sso/backchannel-logout/op" --postlogout "$BASE/sso/signed-out" --client-jwks "$WORK/client.jwks"
ok "the daemon becomes ready" daemon_start
TOKEN="$(portvakt directory token create op)"; SCIM="$BASE/scim/v2/op"

anna="$(provision_person anna.andersson Anna Andersson sv)"
bo="$(provision_person bo.lindstrom Bo Lindström sv)"
cecilia="$(provision_person cecilia.oberg Cecilia Öberg en)"
provision_group styrelse "$anna" > /dev/null
provision_group crm-utskick "$bo" > /dev/null

# --- a full sign-in
ok "Anna signs in" sign_in op anna.andersson "$PASSWORD"
ok "and ends where she wanted to go" ended_with anna.andersson 200
ok "her session is good" session_lives anna.andersson
says_who() { curl -sS -o /dev/null -D - -b "$WORK/$1.jar" "$BASE/sso/verify" | grep -qi '^x-portvakt-'; }
ok "and says who she is to the server in front of the CRM" says_who anna.andersson
ok "nobody is let in without a session" answers "401 302 303" "$BASE/sso/verify"
seen() { portvakt report access --format json | python3 "$TOOLS/look.py" field "$1" last_seen | grep -qE '^[0-9]{4}-'; }
ok "the report says when she was last seen" seen anna.andersson
not_seen() { ! seen "$1"; }
ok "and that Cecilia never was" not_seen cecilia.oberg

# --- a client that proves itself with a key, and pushes its requests
keyed() { ! sign_in key anna.andersson "$PASSWORD" && ended_with anna.andersson 403 && grep -q not_provisioned "$WORK/anna.andersson.page"; }
ok "with a key and a pushed request the token is had and believed; the person waits to be linked" keyed
queued() { portvakt link list --format json | python3 -c 'import json,sys; sys.exit(0 if [one["directory"] for one in json.load(sys.stdin)]==["key"] else 1)'; }
ok "under a reference in the queue" queued
approve() { portvakt link approve "$(portvakt link list --format json | python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["reference"])')" --account anna.andersson --reason "samma person" > /dev/null; }
ok "an operator ties her to her account" approve
ok "and she signs in that way too" sign_in key anna.andersson "$PASSWORD"
asked() { curl -sS -o /dev/null -w '%{redirect_url}' "$BASE/sso/login?directory=key&max_age=1&acr_values=urn:cp:mfa"; }
ok "the browser carries nothing but a reference" bash -c '[[ "$1" == *"request_uri=urn"* && "$1" != *nonce* && "$1" != *acr* ]]' _ "$(asked)"

# --- a fresh and strong sign-in
strong="$BASE/sso/verify?max_age=300&acr=urn:cp:mfa"
ok "a path that wants two factors is closed to a session that has one" answers 401 -b "$WORK/anna.andersson.jar" "$strong"
step_up() { # step_up MORE : goes where such a path sends, with the cookies of a new browser
  python3 "$TOOLS/oidc_login.py" --start-url "$BASE/sso/login?directory=op&return_to=/sso/verify&max_age=300&acr_values=urn:cp:mfa" --user anna.andersson --password "$PASSWORD" \
    --language sv --jar "$WORK/strong.jar" --page "$WORK/strong.page" "$@" > "$WORK/strong.json"
}
ok "she signs in with two" step_up --mfa
ok "and it opens" answers 200 -b "$WORK/strong.jar" "$strong"
ended() { curl -sS -b "$WORK/strong.jar" -H "Origin: $BASE" -X POST -o /dev/null -w '%{redirect_url}' "$BASE/sso/logout"; }
ok "on the way out the provider is told whose session ends" bash -c '[[ "$1" == *"id_token_hint=ey"* ]]' _ "$(ended)"

# --- refusals
ok "Bo signs in" sign_in op bo.lindstrom "$PASSWORD"
ok "his session is good" session_lives bo.lindstrom
ok "his directory disables him" set_active "$bo" false
ok "his session is dead" session_is_dead bo.lindstrom
refused() { ! sign_in op "$1" "$PASSWORD" "${2:-sv}" && ended_with "$1" 403; }
ok "he cannot sign in again" refused bo.lindstrom
ok "the page says in Swedish whom to turn to" grep -q "styrelsen" "$WORK/bo.lindstrom.page"
ok "somebody whom nobody provisioned is refused" refused david.guid
set_active "$cecilia" false
ok "Cecilia, who reads English, is refused" refused cecilia.oberg en
ok "the page says in English whom to turn to" grep -q "the board" "$WORK/cecilia.oberg.page"
ok "Bo comes back" set_active "$bo" true
ok "and signs in" sign_in op bo.lindstrom "$PASSWORD"

# --- new keys: the daemon asks for unknown ones at most once a minute
idp rotate-keys
ok "sign-in works with new keys, the old ones still published" until_ok 90 sign_in op anna.andersson "$PASSWORD"
idp drop-keys
ok "sign-in works when the old keys are gone" until_ok 90 sign_in op anna.andersson "$PASSWORD"

# --- the provider is down
half="$(curl -sS -o /dev/null -w '%{redirect_url}' -c "$WORK/half.jar" "$BASE/sso/login?directory=op&return_to=/sso/verify")"
state="$(python3 -c 'import sys, urllib.parse as up; print(dict(up.parse_qsl(up.urlsplit(sys.argv[1]).query))["state"])' "$half")"
idp stop
ok "with the provider down, a session that was begun lives" session_lives anna.andersson
ok "a sign-in that was under way gets a page that says so" \
  answers 503 -b "$WORK/half.jar" "$BASE/sso/callback?code=left-over&state=$state&iss=$(python3 -c 'import sys, urllib.parse as up; print(up.quote(sys.argv[1], safe=""))' "$ISSUER")"
daemon_stop > /dev/null; ok "the daemon starts without the provider" daemon_start
ok "the session lives on" session_lives anna.andersson
down() { answers 503 -H "Accept-Language: $1" "$BASE/sso/login?directory=op&return_to=/" && curl -sS -H "Accept-Language: $1" "$BASE/sso/login?directory=op&return_to=/" | grep -q "lang=\"$1\""; }
ok "the sign-in page says in Swedish that the provider is down" down sv
ok "and in English" down en
idp start
ok "when the provider is back, sign-in works" until_ok 90 sign_in op anna.andersson "$PASSWORD"
