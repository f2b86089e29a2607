"""Runs commands of python-openstackclient in one process: arguments as a JSON list a line, answers as JSON lines.

Starting the client costs a second; a table of two hundred commands should not cost that two hundred times.
"""
import contextlib
import io
import json
import logging
import sys

from openstackclient import shell


def run(argv):
    out, err = io.StringIO(), io.StringIO()
    # The client adds handlers to the root logger with every run: those of the run before are gone.
    logging.getLogger("").handlers.clear()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = shell.OpenStackShell().run(argv)
        except SystemExit as error:
            code = error.code
    # Some commands return what they have printed: the shell takes that for success.
    code = code if isinstance(code, int) else 0
    return {"code": code, "stdout": out.getvalue(), "stderr": err.getvalue()}


for line in sys.stdin:
    print(json.dumps(run(json.loads(line))), flush=True)
