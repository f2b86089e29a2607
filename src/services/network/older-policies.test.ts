/** A policy file in the manner of the years before roles: owners are told by `tenant_id`, parents by a colon or an underscore. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createTestNetwork, type Item, type TestNetwork } from './testing/service.ts'

const file = {
  owner: 'tenant_id:%(tenant_id)s',
  admin_or_owner: 'rule:context_is_admin or rule:owner',
  admin_or_network_owner: 'rule:context_is_admin or tenant_id:%(network:tenant_id)s',
  admin_owner_or_network_owner: 'rule:owner or rule:admin_or_network_owner',
  network_owner: 'tenant_id:%(network_tenant_id)s',
  admin_or_sg_owner: 'rule:context_is_admin or tenant_id:%(security_group:tenant_id)s',
  create_subnet: 'rule:admin_or_network_owner',
  get_subnet: 'rule:admin_or_owner or rule:shared',
  update_subnet: 'rule:admin_or_network_owner',
  delete_subnet: 'rule:network_owner',
  create_network: '',
  get_network: 'rule:admin_or_owner or rule:shared or rule:external or rule:context_is_advsvc',
  update_network: 'rule:admin_or_owner',
  create_port: '',
  'create_port:mac_address': 'rule:context_is_advsvc or rule:admin_or_network_owner',
  'create_port:fixed_ips': 'rule:context_is_advsvc or rule:admin_or_network_owner',
  'create_port:fixed_ips:ip_address': 'rule:context_is_advsvc or rule:admin_or_network_owner',
  get_port: 'rule:context_is_advsvc or rule:admin_owner_or_network_owner',
  update_port: 'rule:admin_or_owner or rule:context_is_advsvc',
  delete_port: 'rule:context_is_advsvc or rule:admin_owner_or_network_owner',
  create_router: 'rule:regular_user',
  get_router: 'rule:admin_or_owner',
  add_router_interface: 'rule:admin_or_owner',
  remove_router_interface: 'rule:admin_or_owner',
  get_security_group: 'rule:admin_or_owner',
  create_security_group_rule: 'rule:admin_or_owner',
  get_security_group_rule: 'rule:admin_or_owner or rule:admin_or_sg_owner',
  get_quota: 'rule:admin_or_owner',
}

let net: TestNetwork
before(async () => {
  net = await createTestNetwork('', ['h1'], undefined, file)
})
after(() => net.close())

test('owners of networks make and change what is in them, strangers do not', async () => {
  const make = (who: string, path: string, body: object): Promise<Item> => net.make(who, 'POST', path, body)
  const network = await make('none@one', '/networks', { network: {} })
  const subnet = await make('none@one', '/subnets', {
    subnet: { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' },
  })
  await net.make('none@one', 'PUT', `/subnets/${subnet.id}`, { subnet: { name: 'renamed' } })
  const port = await make('none@one', '/ports', {
    port: { network_id: network.id, fixed_ips: [{ ip_address: '10.0.0.9' }] },
  })
  const router = await make('none@one', '/routers', { router: {} })
  const path = `/routers/${router.id}/add_router_interface`
  assert.equal((await net.send('none@one', 'PUT', `/v2.0${path}`, { subnet_id: subnet.id })).status, 200)
  await net.refused(404, 'none@two', 'GET', `/ports/${port.id}`)
  await net.refused(404, 'none@two', 'PUT', `/routers/${router.id}/remove_router_interface`, { subnet_id: subnet.id })
  await net.refused(404, 'none@two', 'DELETE', `/subnets/${subnet.id}`)
})

test('on a shared network only its owner chooses addresses', async () => {
  const network = await net.make('admin@ops', 'POST', '/networks', { network: { shared: true } })
  await net.make('admin@ops', 'POST', '/subnets', {
    subnet: { network_id: network.id, ip_version: 4, cidr: '10.1.0.0/24' },
  })
  await net.make('none@two', 'POST', '/ports', { port: { network_id: network.id } })
  const port = { network_id: network.id, fixed_ips: [{ ip_address: '10.1.0.9' }] }
  await net.refused(403, 'none@two', 'POST', '/ports', { port })
  const subnet = { network_id: network.id, ip_version: 4, cidr: '10.2.0.0/24' }
  await net.refused(403, 'none@two', 'POST', '/subnets', { subnet })
})

test('rules of groups are their owners’, as are quotas', async () => {
  const { body } = await net.send('none@one', 'GET', '/v2.0/security-groups')
  const [group] = body['security_groups']!
  const rule = { security_group_id: group!.id, direction: 'ingress', protocol: 'tcp' }
  const made = await net.make('none@one', 'POST', '/security-group-rules', { security_group_rule: rule })
  assert.equal((await net.make('none@one', 'GET', `/security-group-rules/${made.id}`)).id, made.id)
  await net.refused(404, 'none@two', 'GET', `/security-group-rules/${made.id}`)
  await net.refused(404, 'none@two', 'POST', '/security-group-rules', { security_group_rule: rule })
  assert.equal((await net.send('none@one', 'GET', '/v2.0/quotas/one')).status, 200)
  await net.refused(403, 'none@two', 'GET', '/quotas/one')
})
