#!/usr/bin/env bash
# CRMs that sign people in through Portvakt: npm openid-client, a certified relying party, with npm oidc-provider as the
# directory's provider behind it.        check-provider.sh PATH-OF-PORTVAKT [DATABASE-URL]
source "$(dirname "${BASH_SOURCE[0]}")/lib/daemon.sh"
check_begin provider "${1:-}"
IDP="$CP_ROOT/idp-oidc-provider/idp.sh"; IDP_DATA="$WORK/op"; IDP_PORT="$(cp_free_port)"; ISSUER="http://127.0.0.1:$IDP_PORT"
RP="$CP_ROOT/rp-openid-client/rp.sh"; RP_DATA="$WORK/rp"; RP_PORT="$(cp_free_port)"; CRM="http://127.0.0.1:$RP_PORT"
PASSWORD="Sommar-2031"
also_stop "$IDP" "$IDP_DATA"; also_stop "$RP" "$RP_DATA"

DATA="" PORT="" "$IDP" start --port "$IDP_PORT" --data "$IDP_DATA" --redirect "$BASE/sso/callback" --backchannel "$BASE/sso/backchannel-logout/op" --postlogout "$BASE/sso/signed-out" > "$WORK/idp.log" 2>&1
ok "the settings and the policy are in order" daemon_settings op "$ISSUER" "${2:-}" <<TOML
[[client]]
id = "crm"
name = "Medlemsregistret"
secret = "a-secret-of-the-crm+for:the%check"
redirect_uris = ["$CRM/crm/callback"]
post_logout_redirect_uris = ["$CRM/bye"]
backchannel_logout_uri = "$CRM/crm/out"
[[client]]
id = "page"
public = true
redirect_uris = ["$CRM/page/callback"]
backchannel_logout_uri = "$CRM/page/out"
algorithm = "ES256"
subject = "pairwise"
requires = { role = "board" }
TOML
ok "the daemon becomes ready" daemon_start
DATA="" PORT="" "$RP" start --port "$RP_PORT" --data "$RP_DATA" --issuer "$BASE" > "$WORK/rp.log" 2>&1
TOKEN="$(portvakt directory token create op)"; SCIM="$BASE/scim/v2/op"
anna="$(provision_person anna.andersson Anna Andersson sv)"
bo="$(provision_person bo.lindstrom Bo Lindström sv)"
provision_group styrelse "$anna" > /dev/null
provision_group crm-utskick "$bo" > /dev/null

# enter CLIENT USER [QUERY] : a browser of USER goes to the client and ends where it ends; cookies and page as sign_in keeps them
enter() {
  python3 "$TOOLS/oidc_login.py" --start-url "$CRM/$1/login${3:-}" --user "$2" --password "$PASSWORD" --language sv \
    ${LOAD:+--load "$LOAD"} --jar "$WORK/$2.jar" --page "$WORK/$2.page" > "$WORK/$2.json"
}
again() { local LOAD="$WORK/$2.jar"; enter "$@"; } # again CLIENT USER [QUERY] : with the cookies of the last time
says() { # says FILE PATH WANTED : the JSON in FILE has WANTED there; PATH is a.b, WANTED is JSON
  python3 - "$@" <<'PY'
import json, sys
node = json.load(open(sys.argv[1]))
for part in sys.argv[2].split("."): node = node.get(part) if isinstance(node, dict) else None
sys.exit(0 if node == json.loads(sys.argv[3]) else f"{sys.argv[2]} is {json.dumps(node, ensure_ascii=False)}")
PY
}
page_says() { says "$WORK/$1.page" "$2" "$3"; } # page_says USER PATH WANTED : of the page where the browser ended
crm_says() { # crm_says CLIENT/PAGE USER PATH WANTED : of a page that USER asks the client for
  curl -sS --max-time 15 -b "$WORK/$2.jar" "$CRM/$1" > "$WORK/said" && says "$WORK/said" "$3" "$4"
}
heard() { curl -sS "$CRM/heard" | python3 -c 'import json,sys; n = sum(h["id"] == sys.argv[1] and h["ended"] > 0 for h in json.load(sys.stdin)); sys.exit(0 if n == int(sys.argv[2]) else 1)' "$1" "$2"; } # heard CLIENT TIMES
field() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["claims"][sys.argv[2]])' "$WORK/$1.page" "$2"; }

# --- discovery, code with PKCE, ID token, userinfo
ok "Anna goes to the CRM, signs in at her directory, and is in" enter crm anna.andersson
ok "the CRM knows her by name" page_says anna.andersson claims.name '"Anna Andersson"'
ok "and what she may do" page_says anna.andersson claims.roles '["board", "communicator"]'
ok "and that her directory vouches for her address" page_says anna.andersson claims.email_verified true
ok "userinfo says the same" page_says anna.andersson userinfo.roles '["board", "communicator"]'
sub="$(field anna.andersson sub)"
is_account() { [[ "$(portvakt account list --format json)" == *"$sub"* ]]; }
ok "the CRM knows her under the id that the webhook carries" is_account
ok "a second CRM lets her in without asking anything, by an ES256 signature" again page anna.andersson '?prompt=none'
another_sub() { [ "$(field anna.andersson sub)" != "$sub" ]; }
ok "it knows her under another name" another_sub
ok "Bo gets into the CRM" enter crm bo.lindstrom
cp "$WORK/bo.lindstrom.jar" "$WORK/bo-at-crm.jar"
ok "the CRM knows that he is limited, and to what" page_says bo.lindstrom claims.sectors '["mailings", "members"]'
turned_away() { ! again page bo.lindstrom && ended_with bo.lindstrom 403; }
ok "but not into the one that requires the board" turned_away
ok "and sees whom to turn to" grep -q "styrelsen" "$WORK/bo.lindstrom.page"
quiet() { ! LOAD="" enter crm cecilia.oberg '?prompt=none' && page_says cecilia.oberg error '"login_required"'; }
ok "with prompt=none the CRM hears that nobody is signed in" quiet

# --- what the CRM asks of the sign-in goes on to the directory
ok "the CRM asks that she sign in anew, and believes that she did" again crm anna.andersson '?prompt=login&max_age=0'
ok "it asks how strongly she proved who she is, and is told" again crm anna.andersson '?acr_values=urn:cp:pwd'
ok "in the directory's words" page_says anna.andersson claims.acr '"urn:cp:pwd"'

# --- refresh tokens
ok "the CRM renews its tokens" crm_says crm/refresh anna.andersson refreshed true
ok "and again" crm_says crm/refresh anna.andersson refreshed true
ok "userinfo takes the new access token" crm_says crm/userinfo anna.andersson name '"Anna Andersson"'
ok "a refresh token that was used is refused" crm_says 'crm/refresh?former' anna.andersson error '"invalid_grant"'
ok "and has taken the others with it" crm_says crm/refresh anna.andersson error '"invalid_grant"'
ok "so Anna signs in to the CRM again, without a question" again crm anna.andersson
ok "a code that comes twice is refused" crm_says crm/replay anna.andersson error '"invalid_grant"'
ok "and has taken back what it gave" crm_says crm/refresh anna.andersson error '"invalid_grant"'

# --- signing out at the CRM's wish, and the other CRM hears of it
ok "Anna enters the second CRM anew" again page anna.andersson
cp "$WORK/anna.andersson.jar" "$WORK/page.jar"
ok "and the first" again crm anna.andersson
ended_before="$(curl -sS "$CRM/heard" | python3 -c 'import json,sys; print(sum(h["id"] == "page" and h["ended"] > 0 for h in json.load(sys.stdin)))')"
ok "nobody was logged out so far" test "$ended_before" = 0
leave() {
  python3 "$TOOLS/oidc_login.py" --start-url "$CRM/crm/logout" --load "$WORK/anna.andersson.jar" --jar "$WORK/left.jar" --page "$WORK/left.page" > "$WORK/left.json"
}
ok "she signs out at the first CRM" leave
ok "and is back there" says "$WORK/left.page" bye '"gone"'
ok "Portvakt knows her no longer" session_is_dead anna.andersson
ok "the second CRM hears of it" until_ok 10 heard page 1
ok "and has no session of hers" answers 401 -b "$WORK/page.jar" "$CRM/page/me"

# --- the account ends
ok "Bo is in the CRM" crm_says crm/userinfo bo-at-crm name '"Bo Lindström"'
touch "$RP_DATA/deaf"
bo_before="$(curl -sS "$CRM/heard" | python3 -c 'import json,sys; print(sum(h["id"] == "crm" and h["ended"] > 0 for h in json.load(sys.stdin)))')"
ok "his directory disables him while the CRM is deaf" set_active "$bo" false
ok "his access token opens nothing" crm_says crm/userinfo bo-at-crm error '"OAUTH_WWW_AUTHENTICATE_CHALLENGE"'
ok "his refresh token gives nothing" crm_says crm/refresh bo-at-crm error '"invalid_grant"'
daemon_stop > /dev/null; ok "the daemon starts again" daemon_start
rm "$RP_DATA/deaf"
ok "the CRM hears of it as soon as it listens" until_ok 30 heard crm "$((bo_before + 1))"
ok "and has thrown him out" answers 401 -b "$WORK/bo-at-crm.jar" "$CRM/crm/me"
refused_at_crm() { ! enter crm bo.lindstrom && ended_with bo.lindstrom 403; }
ok "he does not get into the CRM again" refused_at_crm
two_kinds() { [ "$(portvakt client keys | cut -d" " -f3 | sort | paste -sd,)" = "ES256,RS256" ]; }
ok "two keys sign, one of each kind" two_kinds

# --- new keys
ok "Anna is in the CRM" enter crm anna.andersson
ok "an operator replaces every key" portvakt client replace-keys --reason "the check"
kid() { python3 -c 'import json,urllib.request,sys; print(",".join(sorted(k["kid"] for k in json.load(urllib.request.urlopen(sys.argv[1]))["keys"])))' "$BASE/oauth2/jwks"; }
listed() { [ "$(portvakt client keys | cut -d" " -f1 | sort | paste -sd,)" = "$(kid)" ]; }
ok "the daemon publishes the new ones" until_ok 90 listed
DATA="$RP_DATA" cp_stop openid-client > /dev/null
DATA="" PORT="" "$RP" start --port "$RP_PORT" --data "$RP_DATA" --issuer "$BASE" > "$WORK/rp.log" 2>&1
ok "and Anna gets into a CRM that knows only those" again crm anna.andersson
no_secret() { ! grep -qE 'pva_|pvr_|a-secret-of-the-crm|eyJ' "$DATA/log/portvakt.log"; }
ok "no token and no secret stands in the log" no_secret
