#!/usr/bin/env python3
"""Looks into Tryton, and plays its administrator and its users. Standard library only.

  tryton.py BASE user LOGIN            the user as one line of JSON: active, groups by name; status 1 if there is none, 2 if several
  tryton.py BASE login LOGIN PASSWORD  signs in and prints the session; status 1 if Tryton refuses
  tryton.py BASE ask SESSION           uses a session; status 1 if it is good for nothing any more
  tryton.py BASE group NAME            makes a group
  tryton.py BASE password LOGIN TEXT   sets a password
  tryton.py BASE join LOGIN GROUP      puts the user into a group, by hand
"""
import base64, json, sys, urllib.error, urllib.request

URL = sys.argv[1].rstrip("/") + "/crm/rpc/"


class Refused(Exception):
    pass


def rpc(method, *params, session=None):
    headers = {"Content-Type": "application/json"}
    if session:
        headers["Authorization"] = "Session " + session
    body = json.dumps({"id": 1, "method": method, "params": params}).encode()
    try:
        answer = json.load(urllib.request.urlopen(urllib.request.Request(URL, body, headers), timeout=30))
    except urllib.error.HTTPError as error:
        raise Refused(f"{method}: {error.code}")
    if answer.get("error"):
        raise Refused(f"{method}: {answer['error'][:1]}")
    return answer["result"]


def login(name, password):
    user, key, *_ = rpc("common.db.login", name, {"password": password}, "en")
    return base64.b64encode(f"{name}:{user}:{key}".encode()).decode()


def users(session, name):
    domain = [["login", "=", name], ["active", "in", [True, False]]]
    return rpc("model.res.user.search_read", domain, 0, None, None, ["login", "active", "groups", "name", "email"], {}, session=session)


def main(what, *rest):
    if what == "login":
        print(login(*rest))
        return 0
    if what == "ask":
        rpc("model.res.user.get_preferences", True, {}, session=rest[0])
        return 0
    admin = login("admin", "admin-pass-9531")
    groups = {g["name"]: g["id"] for g in rpc("model.res.group.search_read", [], 0, None, None, ["name"], {}, session=admin)}
    if what == "group":
        rpc("model.res.group.create", [{"name": rest[0]}], {}, session=admin)
        return 0
    found = users(admin, rest[0])
    if len(found) != 1:
        print(f"{len(found)} users are called {rest[0]}", file=sys.stderr)
        return 2 if found else 1
    if what == "user":
        names = {number: name for name, number in groups.items()}
        found[0]["groups"] = sorted(names[number] for number in found[0]["groups"])
        found[0]["active"] = bool(found[0]["active"])
        print(json.dumps(found[0], ensure_ascii=False, sort_keys=True))
    elif what == "password":
        rpc("model.res.user.write", [found[0]["id"]], {"password": rest[1]}, {}, session=admin)
    elif what == "join":
        rpc("model.res.user.write", [found[0]["id"]], {"groups": [["add", [groups[rest[1]]]]]}, {}, session=admin)
    return 0


try:
    sys.exit(main(*sys.argv[2:]))
except Refused as refused:
    print(refused, file=sys.stderr)
    sys.exit(1)
