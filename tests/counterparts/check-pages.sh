#!/usr/bin/env bash
# The console in a browser: Chromium clicks through the demo's Portvakt as its administrators and its auditor do, and asks
# the daemon what came of it. What it looks like is kept in target/pages.
#   check-pages.sh PATH-OF-PORTVAKT [postgres://…]
# PORTVAKT_DOCS_SHOTS=write puts the pictures of the documentation anew into docs/pages.
source "$(dirname "${BASH_SOURCE[0]}")/lib/daemon.sh"
check_begin pages "${1:-}"; DATABASE="${2:-}"
PAGES="$CP_ROOT/pages"; ROOT="$(realpath "$CP_ROOT/../..")"; PICTURES="$ROOT/target/pages"
rm -rf "$PICTURES"; mkdir -p "$PICTURES"
DEMO=("$BIN" demo --port "$DAEMON_PORT" --data "$WORK/demo" --lang en); [ -z "$DATABASE" ] || DEMO+=(--database "$DATABASE")
portvakt() { "$BIN" --config "$WORK/demo/portvakt.toml" "$@"; }

ok "Chromium, playwright-core and axe-core are there" "$TOOLS/ui.sh" install
ok "the demo begins" cp_spawn portvakt "${DEMO[@]}"
is_open() { grep -q "The demo is open" "$DATA/log/portvakt.log"; }
ok "fourteen months pass, and it is open" until_ok 240 is_open
SCIM_TOKEN="$(portvakt directory token create entra)"; export SCIM_TOKEN
PORTVAKT_CLI="[\"$BIN\", \"--config\", \"$WORK/demo/portvakt.toml\"]"; export PORTVAKT_CLI

story() { # story FILE SECONDS : one story; its sentences count as assertions of ours
  local file="$1" seconds="$2" start=$SECONDS status=0
  timeout --kill-after=10 "$seconds" "$TOOLS/ui.sh" run "$PAGES/$file.mjs" "$BASE" "$PICTURES" > "$WORK/story.log" 2>&1 || status=$?
  cat "$WORK/story.log"
  ASSERTED=$((ASSERTED + $(grep -c '^  ok ' "$WORK/story.log" || true)))
  [ "$status" != 124 ] || echo "  no end after $seconds s" >&2
  echo "        $file: $((SECONDS - start)) s"
  return "$status"
}
tighten() { # nobody may be away for more than 35 days: more people than a run may take by itself
  sed 's/^inactive_after = "90d"/inactive_after = "35d"/; s/^notify_before = \["14d", "7d", "1d"\]/notify_before = ["7d", "1d"]/' "$WORK/demo/policy.toml" > "$WORK/tight.toml"
  portvakt policy apply "$WORK/tight.toml"
}

ok "story: the round of a review" story review-round 60
ok "story: limits, links and why" story limits-and-links 60
ok "the policy wants people to come more often" tighten
ok "story: pictures for the documentation" story pictures 60
ok "story: a held plan, released and undone" story held-plan 60
ok "story: an auditor" story auditor 60
ok "story: forged forms" story forged-forms 60
ok "story: back, twice and two at once" story twice-and-back 60
ok "story: without a script" story without-script 60
ok "story: with the keyboard alone" story keyboard 60
ok "story: a rule changed through its plan" story policy-change 60
ok "story: a token made and revoked" story tokens 60
ok "story: hostile names" story hostile-names 180
ok "story: for everybody's eyes and ears" story accessible 400
if [ "${PORTVAKT_DOCS_SHOTS:-}" = write ]; then
  for language in sv en; do mkdir -p "$ROOT/docs/pages/$language"; cp "$PICTURES/$language"/*.png "$ROOT/docs/pages/$language/"; done
  echo "  the pictures of the documentation are written anew"
fi
