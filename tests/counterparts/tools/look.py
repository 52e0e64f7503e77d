#!/usr/bin/env python3
"""Finds a record in JSON (one document, or one per line) by a value that it holds, and shows one of its fields. Reads stdin.

  look.py count                       how many records the list holds
  look.py field VALUE KEY             the field KEY of the first record that holds VALUE; status 1 if there is none
  look.py has VALUE KEY WANTED        status 0 if some record that holds VALUE has KEY with WANTED

A record is the innermost object with both; VALUE and KEY may stand at any depth within it.
"""
import json, sys


def documents(text):
    try:
        return [json.loads(text)]
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]


def inside(node):
    """Every (key, value) pair at any depth."""
    pairs = list(node.items()) if isinstance(node, dict) else [(None, v) for v in node] if isinstance(node, list) else []
    for k, v in pairs:
        yield k, v
        yield from inside(v)


def records(node, value, key):
    """The objects, innermost first, that hold both the value and the key."""
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    below = [r for child in children for r in records(child, value, key)]
    if below:
        return below
    if isinstance(node, dict):
        pairs = list(inside(node))
        if any(v == value for _, v in pairs) and any(k == key for k, _ in pairs):
            return [node]
    return []


what, *rest = sys.argv[1:]
found = documents(sys.stdin.read())
if what == "count":
    first = found[0]
    if isinstance(first, dict):
        first = next(v for v in first.values() if isinstance(v, list))
    print(len(first))
else:
    value, key = rest[:2]
    fields = [v for doc in found for r in records(doc, value, key) for k, v in inside(r) if k == key]
    if what == "has":
        sys.exit(0 if rest[2] in map(str, fields) else 1)
    if not fields:
        sys.exit(f"no record with {value!r} and {key!r}")
    print(json.dumps(fields[0], ensure_ascii=False) if not isinstance(fields[0], str) else fields[0])
