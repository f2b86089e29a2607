/**
 * Options that upstream has and the install guides write, and that mean nothing in this program. A service's own
 * declarations go before this table.
 */

const bus = 'messages stay inside the program'
const caches = 'caches are inside the program'
const tokens = 'tokens are validated inside the program'
const clients = 'the services of this cloud find each other by themselves'
const logs = 'logs are in the folder log of the state directory'
const locks = 'no lock files are used'
const parts = 'the parts of a service are fixed'
const agents = 'the agents are set up by the cloud'
const consoles = 'the console proxy is set up by the cloud'

const sections: Readonly<Record<string, string>> = {
  api_database: 'nova has one database, that of [database]',
  cache: caches,
  cinder: clients,
  glance: clients,
  keystone_authtoken: tokens,
  memcache: caches,
  neutron: clients,
  nova: clients,
  oslo_concurrency: locks,
  oslo_messaging_amqp: bus,
  oslo_messaging_kafka: bus,
  oslo_messaging_notifications: bus,
  oslo_messaging_rabbit: bus,
  paste_deploy: 'there is one pipeline, with keystone',
  placement: clients,
  profiler: 'requests are measured by the metrics',
  revoke: parts,
  service_user: clients,
  vnc: consoles,
  wsgi: 'one program serves every API',
}

const byName = (why: string, names: string) => names.split(' ').map((name): [string, string] => [name, why])

/** Of [DEFAULT]. */
const defaults: Readonly<Record<string, string>> = Object.fromEntries([
  ...byName(bus, 'control_exchange notification_driver rabbit_host rabbit_hosts rabbit_password rabbit_port'),
  ...byName(bus, 'rabbit_use_ssl rabbit_userid rabbit_virtual_host rpc_backend rpc_response_timeout transport_url'),
  ...byName(
    logs,
    'debug default_log_levels log_config_append log_dir log_file use_journal use_stderr use_syslog verbose',
  ),
  ...byName(locks, 'lock_path state_path'),
  ...byName(tokens, 'auth_strategy'),
  ['admin_token', 'a token for everything is a hole: use keystone-manage bootstrap'],
  ...byName(parts, 'api_paste_config core_plugin enabled_apis firewall_driver linuxnet_interface_driver'),
  ...byName(parts, 'network_api_class security_group_api service_plugins use_neutron compute_driver'),
  ...byName(clients, 'notify_nova_on_port_data_changes notify_nova_on_port_status_changes nova_url'),
  ...byName(agents, 'dhcp_driver enable_isolated_metadata interface_driver metadata_proxy_shared_secret my_ip'),
  ...byName(agents, 'allow_overlapping_ips instances_path nova_metadata_host nova_metadata_ip'),
  ...byName(consoles, 'vncserver_listen vncserver_proxyclient_address'),
])

/** Of other sections of which a service knows some options itself. */
const others: Readonly<Record<string, string>> = {
  'agent/l2_population': agents,
  'agent/tunnel_types': agents,
  'api/auth_strategy': tokens,
  'glance_store/default_store': 'the default store is that of default_backend',
  'glance_store/stores': 'the stores are those of [DEFAULT] enabled_backends',
  'libvirt/virt_type': 'QEMU uses KVM where the machine has it',
  'linux_bridge/physical_interface_mappings': agents,
  'ml2/extension_drivers': parts,
  'ml2/mechanism_drivers': parts,
  'scheduler/discover_hosts_in_cells_interval': 'new hosts are found at once',
  'securitygroup/enable_ipset': 'filters are sets of nftables',
  'securitygroup/enable_security_group': 'security groups are always on',
  'securitygroup/firewall_driver': 'filters are nftables',
  'token/driver': 'tokens are not stored',
  'vxlan/enable_vxlan': agents,
  'vxlan/l2_population': agents,
  'vxlan/local_ip': agents,
}

/** Why this option of upstream's does nothing here; undefined for one that nobody knows. */
export function whyWithoutEffect(section: string, name: string): string | undefined {
  const of = (table: Readonly<Record<string, string>>, key: string) =>
    Object.hasOwn(table, key) ? table[key] : undefined
  return (
    of(sections, section) ??
    (section === 'DEFAULT' ? of(defaults, name) : undefined) ??
    of(others, `${section}/${name}`)
  )
}
