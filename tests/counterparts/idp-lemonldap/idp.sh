#!/usr/bin/env bash
# LemonLDAP::NG 2.16.1 (Debian) as an OpenID provider, own configuration and sessions, unprivileged port.
#   idp.sh start --port 9561 --data DIR/cp-llng [--redirect "URL URL"]      idp.sh stop|status --data ..
source "$(dirname "${BASH_SOURCE[0]}")/../lib/counterpart.sh"
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cp_args "$@"; PORT="${PORT:-9561}"; DATA="${DATA:-${TMPDIR:-/tmp}/cp-llng}"
install_it() { cp_apt liblemonldap-ng-portal-perl liblemonldap-ng-common-perl libplack-perl libconvert-pem-perl libcrypt-openssl-rsa-perl libjson-perl libcache-cache-perl libgd-securityimage-perl libimage-magick-perl libstring-random-perl libio-string-perl; }
case "$ACTION" in
  install) install_it; echo installed;;
  start|restart) [ "$ACTION" = restart ] && cp_stop lemonldap; install_it; mkdir -p "$DATA"
    [ -f "$DATA/conf/lmConf-1.json" ] || python3 "$HERE/makeconf.py" "$PORT" "$DATA" "$(cp_opt --redirect 'http://127.0.0.1:9990/cb http://127.0.0.1:8080/sso/callback')" "$(cp_opt --postlogout http://127.0.0.1:9990/bye)" "$(cp_opt --logout-url http://127.0.0.1:9990/fclo)"
    cp_spawn lemonldap env LLNG_DEFAULTCONFFILE="$DATA/lemonldap-ng.ini" plackup -E production --host 127.0.0.1 --port "$PORT" "$HERE/app.psgi"
    cp_wait_http "http://127.0.0.1:$PORT/.well-known/openid-configuration" 30
    echo "issuer        http://127.0.0.1:$PORT"
    echo "client        crm-daemon / crm-daemon-secret (groups claim: absent when none, a string when one, a list when several)"
    echo "              crm-daemon-array (always a list; asks for consent), crm-daemon-joined (one string, separated by \"; \"); same secret"
    echo "people        dwho (crm-admins, styrelse), msmith (crm-utskick), rtyler (none); the password is the name";;
  stop) cp_stop lemonldap;; status) cp_alive lemonldap && echo running || echo stopped;;
esac
