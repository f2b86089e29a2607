"""Debian's account, container and object servers on DEVICES: `upstream_servers.py DEVICES PORT PORT PORT`; prints a line when up."""
import sys

import eventlet

eventlet.monkey_patch()

from eventlet import wsgi  # noqa: E402

import swift.common.utils as utils  # noqa: E402

utils.HASH_PATH_PREFIX = b'p'
utils.HASH_PATH_SUFFIX = b's'

from swift.account.server import AccountController  # noqa: E402
from swift.common.http_protocol import SwiftHttpProtocol  # noqa: E402
from swift.container.server import ContainerController  # noqa: E402
from swift.obj.server import ObjectController  # noqa: E402

conf = {'devices': sys.argv[1], 'mount_check': 'false', 'log_requests': 'false', 'fallocate_reserve': '0'}
for port, server in zip(sys.argv[2:], (AccountController, ContainerController, ObjectController)):
    listener = eventlet.listen(('127.0.0.1', int(port)))
    eventlet.spawn(wsgi.server, listener, server(conf), protocol=SwiftHttpProtocol, log_output=False)
print('up', flush=True)
eventlet.sleep(600)
