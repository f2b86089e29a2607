"""Debian's swift, whole in one process: account, container, object and proxy server, with keystone in front.

Arguments: folder for its data, keystone's URL, name and password of the user who checks tokens. Prints the port of the proxy; ends
with its standard input.
"""
import getpass
import os
import sys

import eventlet

eventlet.monkey_patch()

from eventlet import tpool, wsgi  # noqa: E402
from swift.common import utils  # noqa: E402
from swift.common.ring import RingBuilder  # noqa: E402
from swift.common.wsgi import SwiftHttpProtocol, loadapp  # noqa: E402

folder, keystone, user, password = sys.argv[1:]
devices = os.path.join(folder, "devices")
os.makedirs(os.path.join(devices, "disk"))


def write(name, text):
    with open(os.path.join(folder, name), "w") as file:
        file.write(text)
    return file.name


common = f"""[DEFAULT]
swift_dir = {folder}
devices = {devices}
mount_check = false
user = {getpass.getuser()}
workers = 0
log_level = ERROR
"""
write("swift.conf", "[swift-hash]\nswift_hash_path_suffix = tests\n[storage-policy:0]\nname = one\ndefault = yes\n")
utils.set_swift_dir(folder)

sockets = {}
for kind in ("account", "container", "object"):
    sockets[kind] = eventlet.listen(("127.0.0.1", 0))
    port = sockets[kind].getsockname()[1]
    ring = RingBuilder(part_power=4, replicas=1, min_part_hours=0)
    where = {"ip": "127.0.0.1", "port": port, "device": "disk", "region": 1, "zone": 1, "weight": 1.0}
    ring.add_dev({"id": 0, "replication_ip": "127.0.0.1", "replication_port": port, **where})
    ring.rebalance()
    ring.get_ring().save(os.path.join(folder, f"{kind}.ring.gz"))
    write(f"{kind}.conf", f"{common}[pipeline:main]\npipeline = {kind}-server\n[app:{kind}-server]\nuse = egg:swift#{kind}\n")

write(
    "proxy.conf",
    f"""{common}
[pipeline:main]
pipeline = catch_errors gatekeeper listing_formats authtoken keystoneauth dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:dlo]
use = egg:swift#dlo
[filter:keystoneauth]
use = egg:swift#keystoneauth
operator_roles = admin, member
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
www_authenticate_uri = {keystone}
auth_url = {keystone}
auth_type = password
username = {user}
password = {password}
user_domain_id = default
project_domain_id = default
project_name = service
delay_auth_decision = true
""",
)
sockets["proxy"] = eventlet.listen(("127.0.0.1", 0))


class Silent:
    def write(self, _text):
        pass


def serve(kind):
    app = loadapp(os.path.join(folder, f"{kind}.conf"))
    wsgi.server(sockets[kind], app, Silent(), protocol=SwiftHttpProtocol)


for kind in sockets:
    eventlet.spawn(serve, kind)
print(sockets["proxy"].getsockname()[1], flush=True)
tpool.execute(sys.stdin.read)
os._exit(0)
