/**
 * Why options that upstream has, and that published configurations write, mean nothing in this program. A service's own
 * declarations go before this table.
 */
import { keyOf, nameOf, sectionOf } from './names.ts'

const bus = 'messages stay inside the program'
const caches = 'caches are inside the program'
const tokens = 'tokens are validated inside the program'
const clients = 'the services of this cloud find each other by themselves'
const logs = 'logs are in the folder log of the state directory'
const locks = 'no lock files are used'
const parts = 'the parts of a service are fixed'
const agents = 'the agents are set up by the cloud'
const consoles = 'the console proxy is set up by the cloud'
const pool = 'the program keeps its own connections'
const processes = 'one process serves every API'
const addresses = 'addresses and ports are those of nephos up, --bind and --port-base'
const otherHypervisors = 'guests run on QEMU'
const encryption = 'TLS ends at a proxy in front'
const rootPower = 'the agent has the rights that it needs'
const upgrades = 'all parts of a cloud are of one version'
const measured = 'requests are measured by the metrics'

const sections = new Map<string, string>()
const of = (why: string, names: string) => {
  for (const name of names.split(' ')) sections.set(name, why)
}
of('nova has one database, that of [database]', 'api_database')
of('there is one cell', 'cells')
of(bus, 'matchmaker_redis matchmaker_ring notifications oslo_messaging oslo_messaging_amqp oslo_messaging_kafka')
of(bus, 'oslo_messaging_metrics oslo_messaging_notifications oslo_messaging_qpid oslo_messaging_rabbit')
of(bus, 'audit_middleware_notifications')
of(caches, 'cache memcache')
of(clients, 'cinder cyborg designate glance ironic keystone manila neutron nova placement service_user')
of(tokens, 'keystone_authtoken')
of(locks, 'oslo_concurrency')
of(parts, 'paste_deploy revoke kvs os_inherit')
of(measured, 'profiler profiler_jaeger profiler_otlp statsd')
of(consoles, 'vnc spice serial_console rdp mks console')
of(processes, 'wsgi eventlet_server eventlet_server_ssl conductor')
of(pool, 'database')
of(otherHypervisors, 'vmware xenserver hyperv powervm zvm')
of(rootPower, 'privsep vif_plug_linux_bridge_privileged vif_plug_ovs_privileged nova_sys_admin cinder_sys_admin')
of(rootPower, 'os_brick_privileged privsep_osbrick neutron_sys_admin')
of(upgrades, 'upgrade_levels')
of('limits are read from keystone with the service’s own user', 'oslo_limit')
of('credentials are encrypted with keys of the state directory', 'key_manager barbican barbican_service_user vault')
of('each rule says itself for which scopes it is', 'oslo_policy')
of('requests of any size that the API has are taken', 'oslo_middleware')
of('`nephos status` tells how each role is', 'healthcheck oslo_reports remote_debug')
of('browsers reach this service through the same origin', 'cors cors.subdomain')
of(encryption, 'ssl')
of('all rows are of the newest form', 'oslo_versionedobjects')

/** In whatever section. */
const names: readonly (readonly [RegExp, string])[] = [
  [
    /(^|_)workers$|^(backlog|tcp_keepidle|tcp_keepalive|wsgi_keep_alive|client_socket_timeout|http_keepalive)$/,
    processes,
  ],
  [/^(bind_host|bind_port|\w+_(listen|listen_port|bind_host|bind_port)|admin_port|public_port)$/, addresses],
  [/^(cert_file|key_file|ca_file|cafile|certfile|keyfile|use_ssl|ssl_\w+|enabled_ssl_apis)$/, encryption],
  [
    /^(logging_\w+|log_\w+|use_(journal|json|stderr|syslog|eventlog)|syslog_log_facility|publish_errors|watch_log_file)$/,
    logs,
  ],
  [
    /^(debug|verbose|default_log_levels|log|logdir|logfile|instance_(uuid_)?format|fatal_deprecations|rate_limit_\w+)$/,
    logs,
  ],
  [/^(rabbit_|qpid_|rpc_|notification_|kombu_|zmq_|amqp_|matchmaker_)\w+$/, bus],
  [
    /^(transport_url|control_exchange|fake_rabbit|conn_pool_\w+|executor_thread_pool_size|notify_on_state_change)$/,
    bus,
  ],
  [/^(lock_path|state_path|disable_process_locking|lock_dir)$/, locks],
  [/^(root_helper|root_helper_daemon|rootwrap_config|helper_command|use_rootwrap_daemon)$/, rootPower],
  [/^(vncserver|novncproxy|xvpvncproxy|vnc|spicehtml5proxy|html5proxy)_\w+$/, consoles],
  [/^(memcache|memcached)_\w+$/, caches],
  [/^(sql|db)_\w+$/, pool],
]

const options = new Map<string, string>()
const each = (why: string, section: string, words: string) => {
  for (const name of words.split(' ')) options.set(keyOf(section, name), why)
}
each(tokens, 'DEFAULT', 'auth_strategy')
each(tokens, 'api', 'auth_strategy use_forwarded_for')
each('a token for everything is a hole: use keystone-manage bootstrap', 'DEFAULT', 'admin_token')
each(parts, 'DEFAULT', 'api_paste_config core_plugin enabled_apis')
each(parts, 'DEFAULT', 'firewall_driver linuxnet_interface_driver paste_config')
each(parts, 'DEFAULT', 'network_api_class security_group_api service_plugins use_neutron compute_driver image_service')
each(parts, 'DEFAULT', 'network_manager volume_api_class scheduler_driver compute_scheduler_driver api_extensions_path')
each(parts, 'scheduler', 'driver')
each(parts, 'ml2', 'extension_drivers mechanism_drivers')
each(clients, 'DEFAULT', 'notify_nova_on_port_data_changes notify_nova_on_port_status_changes')
each(clients, 'DEFAULT', 'nova_url nova_region_name')
each(clients, 'DEFAULT', 'neutron_url glance_api_servers registry_host registry_port registry_client_protocol')
each(agents, 'DEFAULT', 'dhcp_driver enable_isolated_metadata interface_driver metadata_proxy_shared_secret my_ip')
each(agents, 'DEFAULT', 'allow_overlapping_ips instances_path nova_metadata_host')
each(agents, 'DEFAULT', 'nova_metadata_ip dhcp_agents_per_network')
each(agents, 'DEFAULT', 'enable_metadata_network external_network_bridge use_namespaces ovs_use_veth agent_mode')
each(agents, 'agent', 'l2_population tunnel_types arp_responder enable_distributed_routing prevent_arp_spoofing')
each(agents, 'linux_bridge', 'physical_interface_mappings bridge_mappings')
each(agents, 'ovs', 'bridge_mappings integration_bridge tunnel_bridge local_ip of_interface ovsdb_interface')
each(agents, 'vxlan', 'enable_vxlan l2_population local_ip')
each('the host is named by its own name', 'DEFAULT', 'host')
each(
  'guests that end with their host are SHUTOFF until somebody starts them',
  'DEFAULT',
  'resume_guests_state_on_host_boot',
)
each('the stores are those of [DEFAULT] enabled_backends', 'glance_store', 'stores')
each('the default store is that of default_backend', 'glance_store', 'default_store')
each('QEMU uses KVM where the machine has it', 'libvirt', 'virt_type')
each('new hosts are found at once', 'scheduler', 'discover_hosts_in_cells_interval')
each('filters are sets of nftables', 'securitygroup', 'enable_ipset firewall_driver')
each('security groups are always on', 'securitygroup', 'enable_security_group')
each('tokens are not stored', 'token', 'driver caching revoke_by_id bind enforce_token_bind hash_algorithm')

/** Why this option of upstream's does nothing here; undefined where there is no particular reason. */
export const whyWithoutEffect = (section: string, name: string): string | undefined =>
  options.get(keyOf(section, name)) ??
  sections.get(sectionOf(section)) ??
  names.find(([pattern]) => pattern.test(nameOf(keyOf(section, name))))?.[1]
