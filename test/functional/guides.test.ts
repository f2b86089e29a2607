/** Configuration as the install guides write it: a cloud takes it, and says of each option that does nothing why. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { login } from '../api.ts'
import { createTestCloud } from '../cloud.ts'

const authtoken = (user: string) => `
[keystone_authtoken]
www_authenticate_uri = http://controller:5000
auth_url = http://controller:5000
memcached_servers = controller:11211
auth_type = password
project_domain_name = Default
user_domain_name = Default
project_name = service
username = ${user}
password = secret
`

const configs = {
  'keystone/keystone.conf': `
[DEFAULT]
verbose = true
log_dir = /var/log/keystone
[memcache]
servers = controller:11211
[revoke]
driver = sql
[token]
provider = fernet
expiration = 1800
[oslo_middleware]
enable_proxy_headers_parsing = true
`,
  'glance/glance-api.conf': `
[DEFAULT]
use_keystone_limits = False
[glance_store]
stores = file,http
default_store = file
filesystem_store_datadir = STATE/glance-images/
[paste_deploy]
flavor = keystone
${authtoken('glance')}`,
  'placement/placement.conf': `
[api]
auth_strategy = keystone
${authtoken('placement')}`,
  'nova/nova.conf': `
[DEFAULT]
enabled_apis = osapi_compute,metadata
transport_url = rabbit://openstack:secret@controller:5672/
my_ip = 10.0.0.11
use_neutron = true
firewall_driver = nova.virt.firewall.NoopFirewallDriver
[api]
auth_strategy = keystone
max_limit = 500
[api_database]
connection = mysql+pymysql://nova:secret@controller/nova_api
[glance]
api_servers = http://controller:9292
[libvirt]
virt_type = qemu
[neutron]
auth_url = http://controller:5000
service_metadata_proxy = true
metadata_proxy_shared_secret = secret
[oslo_concurrency]
lock_path = /var/lib/nova/tmp
[placement]
region_name = RegionOne
[scheduler]
discover_hosts_in_cells_interval = 300
[service_user]
send_service_user_token = true
[vnc]
enabled = true
server_listen = $my_ip
novncproxy_base_url = http://controller:6080/vnc_auto.html
${authtoken('nova')}`,
  'neutron/neutron.conf': `
[DEFAULT]
core_plugin = ml2
service_plugins = router
allow_overlapping_ips = true
transport_url = rabbit://openstack:secret@controller
auth_strategy = keystone
notify_nova_on_port_status_changes = true
notify_nova_on_port_data_changes = true
[nova]
auth_url = http://controller:5000
[oslo_concurrency]
lock_path = /var/lib/neutron/tmp
${authtoken('neutron')}`,
  'neutron/plugins/ml2/ml2_conf.ini': `
[ml2]
type_drivers = flat,vlan,vxlan
tenant_network_types = vxlan
mechanism_drivers = linuxbridge,l2population
extension_drivers = port_security
[ml2_type_flat]
flat_networks = provider
[ml2_type_vxlan]
vni_ranges = 1:1000
[securitygroup]
enable_ipset = true
`,
}

test('a cloud takes the configuration of the install guides, and tells what of it has no effect', async () => {
  const cloud = await createTestCloud({ args: ['--fake'] })
  try {
    for (const [name, text] of Object.entries(configs)) {
      const file = join(cloud.stateDir, 'etc', name)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text.replace('STATE', cloud.stateDir))
    }
    await cloud.up()
    const demo = await login(cloud, 'demo')
    const { body } = await demo.call<{ networks: object[] }>('network', 'GET', '/v2.0/networks')
    assert.ok(body.networks.length > 0)
    assert.equal(readdirSync(join(cloud.stateDir, 'glance-images')).length, 1, 'the guest image is there')
    const forwarded = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'api.example' }
    const linksOf = async (service: 'identity' | 'compute', path: string) =>
      JSON.stringify(await (await fetch(cloud.url(service) + path, { headers: forwarded })).json())
    assert.match(await linksOf('identity', '/v3'), /"https:\/\/api\.example\/v3\/"/)
    assert.doesNotMatch(await linksOf('compute', '/v2.1'), /api\.example/, 'only where it is configured')
    const log = readFileSync(join(cloud.stateDir, 'log', 'control', 'compute.log'), 'utf8')
    assert.match(log, /nova\.conf:4: \[DEFAULT\] transport_url has no effect: messages stay inside the program/)
    assert.ok(!log.includes('openstack:secret'), 'no value is told')
  } finally {
    await cloud.destroy()
  }
})

const wrong = {
  'keystone/keystone.conf': '[token]\nexpirationn = 5\nprovider = magic\n',
  'glance/glance-api.conf': '[DEFAULT]\nimage_size_cap = big\n',
  'nova/nova.conf': 'what is this\n[libvirt]\ncpu_mod = none\n',
  'nova/policy.yaml': 'os_compute_api:servers:create: 5\n',
  'neutron/plugins/ml2/ml2_conf.ini': '[ml2]\ntype_driver = flat\n',
}

test('all that is wrong in all files is named at once, with the remedy', async () => {
  const cloud = await createTestCloud({ args: ['--fake'] })
  try {
    for (const [name, text] of Object.entries(wrong)) {
      const file = join(cloud.stateDir, 'etc', name)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    }
    await assert.rejects(cloud.up(), (error: Error) => {
      for (const expected of [
        /keystone\.conf:2: \[token\] expirationn is no known option; is \[token\] expiration meant\?/,
        /keystone\.conf:3: \[token\] provider = magic: must be one of fernet, jws/,
        /glance-api\.conf:2: \[DEFAULT\] image_size_cap = big: must be a number/,
        /nova\.conf:1: 'what is this' is neither/,
        /nova\.conf:3: \[libvirt\] cpu_mod is no known option; is \[libvirt\] cpu_mode meant\?/,
        /policy\.yaml: rule os_compute_api:servers:create must be a check string/,
        /ml2_conf\.ini:2: \[ml2\] type_driver is no known option; is \[ml2\] type_drivers meant\?/,
      ])
        assert.match(error.message, expected)
      return true
    })
    // Without a problem of identity's the others run, and each role says all of its own.
    for (const name of ['keystone/keystone.conf', 'glance/glance-api.conf', 'neutron/plugins/ml2/ml2_conf.ini'])
      writeFileSync(join(cloud.stateDir, 'etc', name), '')
    await assert.rejects(cloud.up(), /not everything is up: nova-api: .*nova\.conf:1[^]*nova\.conf:3[^]*policy\.yaml/)
    const { output } = await cloud.nephos('status')
    assert.match(output, /^glance-api +up/m)
  } finally {
    await cloud.destroy()
  }
})
