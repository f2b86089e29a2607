"""
Debian's swift as judge of formats. `write DEVICES OBJECT_PART CONTAINER_PART ACCOUNT_PART` writes an object, its container
and its account below DEVICES/d1; `read` with the same words prints what its own code finds there.
"""
import hashlib
import json
import logging
import os
import sys

import swift.common.utils as utils
from swift.account.backend import AccountBroker
from swift.common.storage_policy import POLICIES
from swift.common.utils import Timestamp, hash_path, storage_directory
from swift.container.backend import ContainerBroker
from swift.obj.diskfile import DiskFileManager

utils.HASH_PATH_PREFIX = b'p'
utils.HASH_PATH_SUFFIX = b's'
mode, devices, object_part, container_part, account_part = sys.argv[1:]
files = DiskFileManager({'devices': devices, 'mount_check': 'false'}, logging.getLogger())


def database(kind, part, *names):
    name = hash_path(*names)
    return os.path.join(devices, 'd1', storage_directory(kind, part, name), name + '.db')


container = ContainerBroker(database('containers', container_part, 'AUTH_demo', 'c'), account='AUTH_demo', container='c')
account = AccountBroker(database('accounts', account_part, 'AUTH_demo'), account='AUTH_demo')
if mode == 'write':
    body = b'from python'
    moment = Timestamp(1700000000.5).internal
    etag = hashlib.md5(body).hexdigest()
    file = files.get_diskfile('d1', object_part, 'AUTH_demo', 'c', 'täg', POLICIES[0])
    with file.create() as writer:
        writer.write(body)
        writer.put({'Content-Length': str(len(body)), 'Content-Type': 'text/plain', 'X-Timestamp': moment, 'ETag': etag,
                    'X-Object-Meta-Color': 'grün'})
        writer.commit(Timestamp(moment))
    file.write_metadata({'X-Timestamp': Timestamp(1700000001).internal, 'X-Object-Meta-Shape': 'round'})
    container.initialize(Timestamp(1700000000).internal, 0)
    # Beside the database, not yet in it.
    container.put_object('täg', moment, len(body), 'text/plain', etag)
    container.update_metadata({'X-Container-Meta-Owner': ('jö', Timestamp(1700000000).internal)})
    account.initialize(Timestamp(1700000000).internal)
    account.put_container('c', Timestamp(1700000000).internal, '0', 1, len(body), 0)
else:
    file = files.get_diskfile('d1', object_part, 'AUTH_demo', 'c', 'öwn', POLICIES[0])
    with file.open():
        metadata = file.get_metadata()
        content = b''.join(file.reader()).decode()
    print(json.dumps({
        'content': content,
        'metadata': metadata,
        'objects': [row[0] for row in container.list_objects_iter(10, None, None, None, None)],
        'container': {key: value[0] for key, value in container.metadata.items()},
        'counts': [container.get_info()['object_count'], container.get_info()['bytes_used']],
        'containers': [list(row[:3]) for row in account.list_containers_iter(10, None, None, None, None)],
        'hash': container.get_info()['hash'],
    }))
