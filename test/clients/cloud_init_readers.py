"""Reads metadata as cloud-init does in a guest: `drive FOLDER` or `service URL`. Prints what it makes of them."""
import json
import sys

from cloudinit.net import network_state
from cloudinit.sources.helpers import ec2, openstack


class ServiceReader(openstack.MetadataReader):
    """As in a guest, for whom the EC2 tree is at one fixed address."""

    def _read_ec2_metadata(self):
        return ec2.get_instance_metadata(metadata_address=self.base_path, retries=0)


def plain(value):
    if isinstance(value, bytes):
        return value.decode('latin-1')
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value


kind, where = sys.argv[1:]
reader = openstack.ConfigDriveReader(where) if kind == 'drive' else ServiceReader(where, retries=0)
found = reader.read_v2()
macs = {link['ethernet_mac_address']: 'eth%d' % at for at, link in enumerate(found['networkdata'].get('links', []))}
config = openstack.convert_net_json(found['networkdata'], known_macs=macs)
state = network_state.parse_net_config_data(config)
print(json.dumps({
    'chosen': reader._find_working_version(),
    'found': plain(found),
    'cards': [plain(dict(card)) for card in state.iter_interfaces()],
    'nameservers': plain(list(state.dns_nameservers)),
}))
