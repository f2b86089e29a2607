import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { ConfigError, loadConfig } from './config.ts'
import { option } from './options.ts'

const declarations = {
  myIp: option.string('DEFAULT', 'my_ip', '127.0.0.1', 'Address of this host.'),
  expiration: option.integer('token', 'expiration', 3600, 'Seconds.', { min: 1 }),
  debug: option.boolean('DEFAULT', 'debug', false, 'Log more.'),
  drivers: option.list('ml2', 'type_drivers', ['flat'], 'Types.'),
  aliases: option.multi('DEFAULT', 'alias', [], 'Repeated.'),
  url: option.string('vnc', 'url', '', 'With substitution.'),
  quota: option.integer('quota', 'instances', 10, 'As newer releases name it.'),
  provider: option.string('token', 'provider', 'fernet', 'Kind.', {
    choices: ['fernet'],
    formerly: { uuid: 'fernet' },
  }),
}

function load(t: TestContext, text: string, remarks: string[] = []) {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-config-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'nova.conf')
  writeFileSync(file, text)
  return loadConfig('nova', declarations, [file, join(folder, 'absent.conf')], (remark) => void remarks.push(remark))
}

const defaults = {
  myIp: '127.0.0.1',
  expiration: 3600,
  debug: false,
  drivers: ['flat'],
  aliases: [],
  url: '',
  quota: 10,
  provider: 'fernet',
}

test('values, lists, repeated options, substitution and comments as the install guides write them', (t) => {
  const config = load(
    t,
    '[DEFAULT]\n# comment\nmy_ip = 10.0.0.11\ndebug = True\nalias = a#b\nalias = c;d\n[ml2]\ntype_drivers = flat,vlan,\n  vxlan\n[vnc]\nurl = http://$my_ip:6080/$$/${ml2.type_drivers}\n[token]\nexpiration=7200\n',
  )
  assert.deepEqual(config, {
    ...defaults,
    myIp: '10.0.0.11',
    expiration: 7200,
    debug: true,
    drivers: ['flat', 'vlan', 'vxlan'],
    aliases: ['a#b', 'c;d'],
    url: 'http://10.0.0.11:6080/$/flat,vlan,\nvxlan',
  })
})

test('sections are one in whatever case, `-` and `_` are one in names, an empty number is the default', (t) => {
  assert.deepEqual(load(t, '[TOKEN]\nexpiration =\n[Ml2]\ntype-drivers = vlan\n'), { ...defaults, drivers: ['vlan'] })
})

test('an option under the name of an older release counts, unless the file has it under today’s', (t) => {
  const remarks: string[] = []
  assert.equal(load(t, '[DEFAULT]\nquota_instances = 7\n', remarks).quota, 7)
  assert.match(remarks[0]!, /nova\.conf:2: \[DEFAULT\] quota_instances is now \[quota\] instances$/)
  assert.equal(load(t, '[DEFAULT]\nquota_instances = 7\n[quota]\ninstances = 8\n').quota, 8)
  const former: string[] = []
  assert.equal(load(t, '[token]\nprovider = uuid\n', former).provider, 'fernet')
  assert.match(former[0]!, /provider = uuid is of older releases: fernet is taken$/)
})

test('what upstream or a distribution’s package knows is passed over and told with the reason', (t) => {
  const text =
    '[DEFAULT]\ntransport_url = rabbit://u:geheim@c\nosapi_compute_workers = 4\nec2_private_dns_show_ip = True\n' +
    '[extra_headers]\nDistribution = Ubuntu\n[os_region_name]\nopenstack = \n[workarounds]\ndisable_rootwrap = true\n'
  const remarks: string[] = []
  assert.deepEqual(load(t, text, remarks), defaults)
  assert.deepEqual(
    remarks.map((remark) => remark.replace(/^.*nova/, 'nova')),
    [
      'nova.conf:2: [DEFAULT] transport_url has no effect: messages stay inside the program',
      'nova.conf:3: [DEFAULT] osapi_compute_workers has no effect: one process serves every API',
      'nova.conf:4: [DEFAULT] ec2_private_dns_show_ip has no effect: nothing here reads it',
      'nova.conf:6: [extra_headers] Distribution has no effect: nothing here reads it',
      'nova.conf:8: [os_region_name] openstack has no effect: nothing here reads it',
      'nova.conf:10: [workarounds] disable_rootwrap has no effect: nothing here reads it',
    ],
  )
})

test('a wrong option names file, line, section, option and the remedy', (t) => {
  const message = (text: string) => {
    try {
      load(t, text)
    } catch (error) {
      assert.ok(error instanceof ConfigError)
      return error.message
    }
    return assert.fail(`accepted: ${text}`)
  }
  assert.match(message('[token]\nexpiration = soon\n'), /nova\.conf:2: \[token\] expiration = soon: must be a number/)
  assert.match(message('[token]\nexpiration = 1.5\n'), /must be a whole number/)
  assert.match(message('[token]\nexpiration = 0\n'), /at least 1/)
  assert.match(
    message('[DEFAULT]\nexpiration = 5\n'),
    /\[DEFAULT\] expiration is no known option; it belongs in \[token\]/,
  )
  assert.match(message('[token]\nexpirationn = 5\n'), /no known option; is \[token\] expiration meant\?/)
  assert.match(message('[libvirt]\ncpu_mod = host-model\n'), /no known option; is \[libvirt\] cpu_mode meant\?/)
  assert.match(message('[nobody]\nknows = this\n'), /no known option; remove it or correct its name/)
  assert.match(message('[DEFAULT]\ndebug = maybe\n'), /must be true or false/)
  assert.match(message('hello\n'), /neither \[section\] nor name = value/)
  assert.throws(() => load(t, '[DEFAULT]\ndebug = 2\n'), ConfigError)
  assert.deepEqual(
    message('hello\n[DEFAULT]\ndebug = 2\n[nobody]\nknows = this\n[token]\nexpiration = 0\n').match(/nova\.conf:\d+/g),
    ['nova.conf:1', 'nova.conf:3', 'nova.conf:5', 'nova.conf:7'],
    'all of them at once',
  )
})
