#!/usr/bin/env bash
# Debian's nginx with the files of deploy/ as they are shipped, only with addresses of this machine, in front of a small
# page. Speaks TLS with a certificate of its own (DATA/tls.crt).
#   nginx.sh start --port 9571 --data DIR/edge --portvakt 127.0.0.1:8080 --crm 127.0.0.1:8000 [--component member]
#   nginx.sh stop|status|install --data ..
source "$(dirname "${BASH_SOURCE[0]}")/../lib/counterpart.sh"
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"; DEPLOY="$(cd "$CP_ROOT/../../deploy" && pwd)"
cp_args "$@"; PORT="${PORT:-9571}"; DATA="${DATA:-${TMPDIR:-/tmp}/cp-edge}"
export PATH="$PATH:/usr/sbin"
install_it() { command -v nginx > /dev/null || cp_apt nginx; }
start_it() {
  install_it; mkdir -p "$DATA/conf.d" "$DATA/temp" "$DATA/run"
  [ -f "$DATA/tls.crt" ] || openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=localhost" -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" \
    -keyout "$DATA/tls.key" -out "$DATA/tls.crt" 2> /dev/null
  cp "$DEPLOY"/portvakt_*.conf "$DATA/"
  sed -e "s#listen 443 ssl;#listen 127.0.0.1:$PORT ssl;#" -e "s#server_name crm.example;#server_name 127.0.0.1;#" \
    -e "s#/etc/ssl/crm.example.crt#$DATA/tls.crt#" -e "s#/etc/ssl/crm.example.key#$DATA/tls.key#" \
    -e "s#server 127.0.0.1:8080;#server $(cp_opt --portvakt 127.0.0.1:8080);#" -e "s#server 127.0.0.1:8000;#server $(cp_opt --crm 127.0.0.1:8000);#" \
    -e "s#/etc/nginx/portvakt_#$DATA/portvakt_#" -e "s#component=ledger#component=$(cp_opt --component ledger)#" "$DEPLOY/nginx.conf" > "$DATA/conf.d/crm.conf"
  cat > "$DATA/nginx.conf" <<CONF
pid $DATA/run/nginx.own; daemon off; error_log stderr notice; worker_processes 1;
events { worker_connections 256; }
http {
  access_log $DATA/access.log;
  client_body_temp_path $DATA/temp/b; proxy_temp_path $DATA/temp/p; fastcgi_temp_path $DATA/temp/f; uwsgi_temp_path $DATA/temp/u; scgi_temp_path $DATA/temp/s;
  include $DATA/conf.d/*.conf;
}
CONF
  nginx -t -q -p "$DATA" -c "$DATA/nginx.conf"
  cp_spawn nginx nginx -p "$DATA" -c "$DATA/nginx.conf"; cp_wait_tcp 127.0.0.1 "$PORT" 10
  local crm; crm="$(cp_opt --crm 127.0.0.1:8000)"
  cp_spawn page python3 "$HERE/page.py" "${crm##*:}"; cp_wait_tcp 127.0.0.1 "${crm##*:}" 10
  echo "https         https://127.0.0.1:$PORT"
}
case "$ACTION" in
  install) install_it; echo installed;;
  start) start_it;;
  stop) cp_stop nginx; cp_stop page;;
  restart) cp_stop nginx; cp_stop page; start_it;;
  status) if cp_alive nginx; then echo running; else echo stopped; fi;;
esac
