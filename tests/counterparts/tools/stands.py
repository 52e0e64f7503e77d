#!/usr/bin/env python3
"""How a user stands in a SCIM server: exit status 0 if there is one of that name, so active, in just these groups.
  stands.py BASE TOKEN LOGIN true|false [GROUP-NAME...]"""

import json, sys, urllib.parse, urllib.request
base, token, login, active, *groups = sys.argv[1:]
def get(path):
    return json.load(urllib.request.urlopen(urllib.request.Request(base + path, headers={"Authorization": "Bearer " + token}), timeout=10))
found = get("/Users?" + urllib.parse.urlencode({"filter": f'userName eq "{login}"'})).get("Resources", [])
held = []
if len(found) == 1:
    for group in get("/Groups").get("Resources", []):
        members = get("/Groups/" + group["id"]).get("members") or []
        if any(member["value"] == found[0]["id"] for member in members):
            held.append(group["displayName"])
sys.exit(0 if len(found) == 1 and str(found[0]["active"]).lower() == active and sorted(held) == sorted(groups) else 1)
