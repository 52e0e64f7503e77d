#!/usr/bin/env bash
# Signing in through Debian's LemonLDAP::NG, which ends its issuer with a slash and tells of groups in the token: left out,
# as one text, as a list, or joined in one text, by client.        check-lemonldap.sh PATH-OF-PORTVAKT
source "$(dirname "${BASH_SOURCE[0]}")/lib/daemon.sh"
check_begin lemonldap "${1:-}"
IDP="$CP_ROOT/idp-lemonldap/idp.sh"; IDP_DATA="$WORK/ll"; IDP_PORT="$(cp_free_port)"; ISSUER="http://127.0.0.1:$IDP_PORT/"
also_stop "$IDP" "$IDP_DATA"

directory() { # directory ID CLIENT ISSUER MORE
  printf '\n[[directory]]\nid = "%s"\nkind = "generic"\n[directory.oidc]\nissuer = "%s"\nclient_id = "%s"\nclient_secret = "crm-daemon-secret"\nsubject_is = "userName"\n%s\n%s\n' "$1" "$3" "$2" "$SCOPES" "$4"
}
idp() { DATA="" PORT="" "$IDP" start --port "$IDP_PORT" --data "$IDP_DATA" --redirect "$BASE/sso/callback" --postlogout "$BASE/sso/signed-out" > "$WORK/idp.log" 2>&1; }
ok "LemonLDAP::NG starts" idp
# LemonLDAP does not announce the scope that it gives groups for, so it has to be asked for by name.
SCOPES='scopes = ["openid", "profile", "email", "groups"]'
settings() { { echo "$SCOPES"; directory array crm-daemon-array "$ISSUER" ""; directory joined crm-daemon-joined "$ISSUER" 'groups_separator = ";"'; directory bare crm-daemon "${ISSUER%/}" ""; } | daemon_settings ll "$ISSUER"; }
ok "the settings are in order" settings
# The rules stand on what the token names, in any directory.
sed -i -e 's/directory = "ll", group_name = /group = /' -e '/volunteers/,/priority/s/equals = "Volontär"/equals = "Ingen"/' "$DATA/policy.toml"
ok "the daemon becomes ready" daemon_start
for directory in ll array joined; do
  TOKEN="$(portvakt directory token create $directory)"; SCIM="$BASE/scim/v2/$directory"
  for person in dwho msmith rtyler; do provision_person $person "$person" "$directory" sv > /dev/null; done
done

roles() { # roles DIRECTORY USER ROLES : signs in, and holds these
  sign_in "$1" "$2" "$2" && [ "$(curl -sS -o /dev/null -D - -b "$WORK/$2.jar" "$BASE/sso/verify" | tr -d '\r' | sed -n 's/^x-portvakt-roles: \{0,1\}//Ip')" = "$3" ]
}
ok "several groups come as a list and give the board" roles ll dwho board
ok "one group comes as a text and gives a helper" roles ll msmith communicator
ok "no group is left out, and gives nothing" roles ll rtyler ""
ok "a list of several" roles array dwho board
ok "a list of one" roles array msmith communicator
ok "several joined in one text" roles joined dwho board
ok "one, where several would be joined" roles joined msmith communicator
explained() { [[ "$(portvakt account explain "$(portvakt account list --format json | python3 -c 'import json,sys; print([one["account"] for one in json.load(sys.stdin) if one["user_name"]=="dwho"][0])')")" == *styrelse* ]]; }
ok "the account says through which group" explained
ok "an issuer without its slash is another issuer, and nobody signs in through it" answers 503 "$BASE/sso/login?directory=bare"
ok "the log says so with both" grep -q "calls itself .*$IDP_PORT/.* but oidc.issuer is" "$DATA/log/portvakt.log"
out() { curl -sS -b "$WORK/dwho.jar" -H "Origin: $BASE" -X POST -o /dev/null -w '%{redirect_url}' "$BASE/sso/logout"; }
ok "on the way out LemonLDAP is told whose session ends" bash -c '[[ "$1" == *"id_token_hint=ey"* ]]' _ "$(out)"
