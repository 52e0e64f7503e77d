#!/usr/bin/env python3
"""Says in what the daemon departs from the identity provider that pushed into it: one line for each difference, none where they agree.

  left_behind.py PROVIDER-SCIM PROVIDER-TOKEN OUR-SCIM OUR-TOKEN < accounts.json

PROVIDER-SCIM is the provider's own SCIM address, OUR-SCIM the directory's. What the daemon holds is asked for twice: over SCIM
(people, groups, members) and from its database, as `portvakt account list --format json` prints it, on standard input.

  person NAME missing | extra | name OURS, not THEIRS | active OURS, not THEIRS
  account NAME STATUS, though the provider says active | gone | locked
  group NAME missing | extra | has NAME | lacks NAME
"""
import json, sys, urllib.request


def asked(base, token, path):
    request = urllib.request.Request(f"{base}/{path}", headers={"Authorization": f"Bearer {token}"})
    return json.load(urllib.request.urlopen(request, timeout=15))


def everything(base, token, kind):
    found, total = [], 1
    while len(found) < total:
        # The first page without parameters: Canaille's own server answers 500 to `count`.
        page = asked(base, token, f"{kind}?startIndex={len(found) + 1}" if found else kind)
        found, total = found + (page.get("Resources") or []), page["totalResults"] if page.get("Resources") else 0
    return found


def people(base, token):
    return {one["userName"]: one for one in everything(base, token, "Users")}


def groups(base, token, known):
    names = {one["id"]: name for name, one in known.items()}
    shown = {}
    for one in everything(base, token, "Groups"):
        # A list need not show members; the group itself does.
        whole = asked(base, token, f"Groups/{one['id']}")
        shown[one["displayName"]] = {names.get(m["value"], m["value"]) for m in whole.get("members") or []}
    return shown


def differences(theirs, ours, accounts):
    for name in sorted(theirs.keys() | ours.keys()):
        if name not in ours:
            yield f"person {name} missing"
        elif name not in theirs:
            yield f"person {name} extra"
        else:
            for key, word in (("displayName", "name"), ("active", "active")):
                if ours[name].get(key) != theirs[name].get(key):
                    yield f"person {name} {word} {ours[name].get(key)}, not {theirs[name].get(key)}"
    for account in sorted(accounts, key=lambda one: one["user_name"]):
        name, status = account["user_name"], account["status"]
        said = "gone" if name not in theirs else "active" if theirs[name].get("active") else "locked"
        if (status == "active") != (said == "active"):
            yield f"account {name} {status}, though the provider says {said}"


def group_differences(theirs, ours):
    for name in sorted(theirs.keys() | ours.keys()):
        if name not in ours:
            yield f"group {name} missing"
        elif name not in theirs:
            yield f"group {name} extra"
        else:
            yield from (f"group {name} has {member}" for member in sorted(ours[name] - theirs[name]))
            yield from (f"group {name} lacks {member}" for member in sorted(theirs[name] - ours[name]))


provider, provider_token, daemon, daemon_token = sys.argv[1:]
theirs, ours = people(provider, provider_token), people(daemon, daemon_token)
for line in differences(theirs, ours, json.load(sys.stdin)):
    print(line)
for line in group_differences(groups(provider, provider_token, theirs), groups(daemon, daemon_token, ours)):
    print(line)
