#!/usr/bin/env bash
# A throw-away PostgreSQL 15 cluster run by an unprivileged user; TCP on loopback and a socket in the data folder.
#   pg.sh start --port 9541 --data DIR/cp-pg [--tls] [--fsync-on]      pg.sh stop|status|wipe --data ..
#   pg.sh pause --data .. / resume --data ..    freezes / thaws the whole server (a database that hangs)
#   pg.sh database NAME --data ..               makes a database for the role crm, prints its address
#   pg.sh pgbouncer --port 9542 --data ..       PgBouncer (transaction pooling) in front; stop ends it too
source "$(dirname "${BASH_SOURCE[0]}")/../lib/counterpart.sh"
SUB=""; pre=(); for a in "$@"; do case "$a" in database|wipe|pause|resume|pgbouncer) SUB="$a";; --tls) pre+=(--tls 1);; --fsync-on) pre+=(--fsync-on 1);; *) pre+=("$a");; esac; done
cp_args "${pre[@]}"; PORT="${PORT:-9541}"; DATA="${DATA:-${TMPDIR:-/tmp}/cp-pg}"
BIN="$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1 || true)"
install_it() {
  if [ ! -x "$BIN/initdb" ]; then
    # the package would make and start a cluster of its own; this setting is needed only while it installs
    local quiet=/etc/postgresql-common/createcluster.d/portvakt-tests.conf made=0
    if [ "$(id -u)" = 0 ]; then mkdir -p "$(dirname "$quiet")"; echo "create_main_cluster = false" > "$quiet"; fi
    cp_apt postgresql || made=$?
    rm -f "$quiet"; [ "$made" = 0 ] || return "$made"
    BIN="$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)"
  fi
}
as_pg() { if [ "$(id -u)" = 0 ]; then (cd / && setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"); else "$@"; fi; }
start_it() {
  install_it; mkdir -p "$DATA/run" "$DATA/log"; chmod 755 "$DATA" "$DATA/run"
  if [ ! -f "$DATA/pg/PG_VERSION" ]; then
    mkdir -p "$DATA/pg" "$DATA/sock"; [ "$(id -u)" = 0 ] && chown postgres "$DATA/pg" "$DATA/sock"
    local pw; pw="$(mktemp)"; echo crm-super > "$pw"; chmod 644 "$pw"
    as_pg "$BIN/initdb" -D "$DATA/pg" -U postgres --pwfile="$pw" -A scram-sha-256 -E UTF8 --locale=C.UTF-8 > "$DATA/log/initdb.log" 2>&1; rm -f "$pw"
    if [ "$(cp_opt --fsync-on)" != 1 ]; then printf 'fsync=off\nsynchronous_commit=off\nfull_page_writes=off\n' >> "$DATA/pg/postgresql.conf"; fi
    if [ "$(cp_opt --tls)" = 1 ]; then
      openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -keyout "$DATA/pg/server.key" -out "$DATA/pg/server.crt" 2>/dev/null
      [ "$(id -u)" = 0 ] && chown postgres "$DATA/pg/server.key" "$DATA/pg/server.crt"; chmod 600 "$DATA/pg/server.key"; echo 'ssl=on' >> "$DATA/pg/postgresql.conf"; cp "$DATA/pg/server.crt" "$DATA/ca.crt"
    fi
  fi
  if ! cp_alive postgres; then
    if [ "$(id -u)" = 0 ]; then cp_spawn postgres setpriv --reuid=postgres --regid=postgres --init-groups -- "$BIN/postgres" -D "$DATA/pg" -p "$PORT" -c listen_addresses=127.0.0.1 -c max_connections=400 -c unix_socket_directories="$DATA/sock"
    else cp_spawn postgres "$BIN/postgres" -D "$DATA/pg" -p "$PORT" -c listen_addresses=127.0.0.1 -c max_connections=400 -c unix_socket_directories="$DATA/sock"; fi
  fi
  echo "$PORT" > "$DATA/run/postgres.port"
  cp_wait_tcp 127.0.0.1 "$PORT" 30; local i; for i in $(seq 1 50); do "$BIN/pg_isready" -q -h 127.0.0.1 -p "$PORT" && break; sleep 0.2; done
  PGPASSWORD=crm-super "$BIN/psql" -qh 127.0.0.1 -p "$PORT" -U postgres -tAc "select 1 from pg_roles where rolname='crm'" | grep -q 1 || \
    PGPASSWORD=crm-super "$BIN/psql" -qh 127.0.0.1 -p "$PORT" -U postgres -c "create role crm login createdb password 'crm-pass'" -c "create database crm owner crm"
  echo "database      postgres://crm:crm-pass@127.0.0.1:$PORT/crm      (role crm may create databases)"
  echo "superuser     postgres://postgres:crm-super@127.0.0.1:$PORT/postgres"
  echo "version       $("$BIN/postgres" -V)"
}
case "$SUB" in
  database) PORT="$(cat "$DATA/run/postgres.port")"
    PGPASSWORD=crm-pass "$BIN/psql" -qh 127.0.0.1 -p "$PORT" -U crm crm -c "create database \"${EXTRA[0]}\""; echo "postgres://crm:crm-pass@127.0.0.1:$PORT/${EXTRA[0]}"; exit;;
  wipe) cp_stop pgbouncer; cp_stop postgres; rm -rf "$DATA/pg" "$DATA/sock"; exit;;
  pause|resume) read -r pid _ < "$DATA/run/postgres.pid"; for p in $pid $(pgrep -P "$pid"); do kill "-$([ "$SUB" = pause ] && echo STOP || echo CONT)" "$p"; done; echo "$SUB done"; exit;;
  pgbouncer) cp_apt pgbouncer; read -r BP < <(tr '\0' '\n' < "/proc/$(cut -d' ' -f1 "$DATA/run/postgres.pid")/cmdline" | grep -A1 '^-p$' | tail -1)
    mkdir -p "$DATA/bouncer"; printf '"crm" "crm-pass"\n' > "$DATA/bouncer/users"
    printf '[databases]\n* = host=127.0.0.1 port=%s\n[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port=%s\nunix_socket_dir=\nauth_type=scram-sha-256\nauth_file=%s\npool_mode=transaction\ndefault_pool_size=5\nmax_client_conn=200\nignore_startup_parameters=extra_float_digits\n' "$BP" "$PORT" "$DATA/bouncer/users" > "$DATA/bouncer/ini"
    [ "$(id -u)" = 0 ] && chown -R postgres "$DATA/bouncer"
    cp_spawn pgbouncer setpriv --reuid=postgres --regid=postgres --init-groups -- pgbouncer "$DATA/bouncer/ini"; cp_wait_tcp 127.0.0.1 "$PORT" 10
    echo "pooled        postgres://crm:crm-pass@127.0.0.1:$PORT/crm   (transaction pooling: no session state, no LISTEN, no session advisory locks)"; exit;;
esac
case "$ACTION" in
  install) install_it; echo installed;; start) start_it;; stop) cp_stop pgbouncer; cp_stop postgres;; restart) cp_stop postgres; start_it;;
  status) cp_alive postgres && echo running || echo stopped;;
esac
