"""Runs snippets in the vendor's environment, one after the other, its client imported once.

Reads a line of JSON for each snippet and writes one back; what the client itself prints or logs
does not get in between.
"""

import contextlib
import io
import json
import os
import sys
import traceback

answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

for line in sys.stdin:
    order = json.loads(line)
    os.chdir(order["folder"])
    given = []
    printed = io.StringIO()
    reply = {}
    try:
        with contextlib.redirect_stdout(printed):
            names = {"answer": given.append, "arguments": order["arguments"]}
            exec(order["code"], names)
        (reply["answer"],) = given
    except BaseException:
        reply["error"] = traceback.format_exc()
    reply["printed"] = printed.getvalue()
    print(json.dumps(reply, default=str), file=answers, flush=True)
