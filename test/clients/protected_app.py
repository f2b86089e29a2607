"""A WSGI application behind keystonemiddleware: it answers with what the middleware says of the caller.

The first argument is a configuration file with [keystone_authtoken]; the port is the first line that it prints.
"""
import json
import sys
from wsgiref import simple_server

from keystonemiddleware import auth_token


class Handler(simple_server.WSGIRequestHandler):
    def log_message(self, *args):
        pass


def application(environ, start_response):
    said = {name: value for name, value in environ.items() if name.startswith("HTTP_X_")}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(said).encode()]


protected = auth_token.AuthProtocol(
    application, {"oslo_config_project": "application", "oslo_config_file": sys.argv[1]}
)
server = simple_server.make_server("127.0.0.1", 0, protected, handler_class=Handler)
print(server.server_port, flush=True)
server.serve_forever()
