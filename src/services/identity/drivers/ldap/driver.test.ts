import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { join } from 'node:path'
import { loadConfig } from '../../../../platform/config/config.ts'
import { ldapOptions } from '../../config-ldap.ts'
import {
  group,
  noSlapd,
  person,
  rootDn,
  rootPassword,
  startDirectory,
  suffix,
  type TestDirectory,
} from '../../testing/slapd.ts'
import { DirectoryDown } from '../driver.ts'
import { LdapDirectory } from './driver.ts'
import type { LdapSettings } from './settings.ts'

const ldif = [
  person('alice', {
    sn: 'Alice',
    mail: 'alice@example.org',
    userPassword: 'wonder',
    description: 'a',
    enabled: 'TRUE',
  }),
  person('bob', { sn: 'Bob', userPassword: 'builder', enabled: 'FALSE', userAccountControl: '514' }),
  person('carol', { sn: 'Carol', enabled: '0', userAccountControl: '512', telephoneNumber: '123' }),
  person('dave', { sn: 'Dave (x)*', enabled: 'no', employeeType: 'staff' }),
  person('erin', { sn: ' ' }).replace('sn:  ', 'sn: Erin'),
  group('devs', ['alice', 'bob', `uid=ghost,ou=Users,${suffix}`, `ou=UserGroups,${suffix}`], 'Developers'),
  group('ops', ['alice']),
  group('enabled_people', ['alice', 'carol']),
  `dn: cn=unix,ou=UserGroups,${suffix}\nobjectClass: posixGroup\ncn: unix\ngidNumber: 1\nmemberUid: alice\nmemberUid: nobody\n\n`,
  `dn: ou=deep,ou=Users,${suffix}\nobjectClass: organizationalUnit\nou: deep\n\n`,
  person('frank').replace('ou=Users', 'ou=deep,ou=Users'),
].join('')

let directory: TestDirectory
before(async () => {
  if (noSlapd === false) directory = await startDirectory(ldif)
})
after(() => directory?.close())

/** A driver with keystone's defaults, uid as the id. */
function open(settings: Partial<LdapSettings> = {}): LdapDirectory {
  const defaults = loadConfig('keystone', ldapOptions, [join(import.meta.dirname, 'no-such-file')])
  return new LdapDirectory({
    ...defaults,
    url: directory.url,
    suffix,
    user: rootDn,
    password: rootPassword,
    userIdAttribute: 'uid',
    ...settings,
  })
}

async function using<T>(settings: Partial<LdapSettings>, work: (ldap: LdapDirectory) => Promise<T>): Promise<T> {
  const ldap = open(settings)
  try {
    return await work(ldap)
  } finally {
    await ldap.close()
  }
}

const names = (rows: readonly { name: string }[]) => rows.map((row) => row.name).sort()

describe('a real directory', { skip: noSlapd }, () => {
  test('a user is found by id and by name', () =>
    using({}, async (ldap) => {
      const alice = await ldap.findUser('alice')
      assert.equal(alice?.name, 'Alice')
      assert.equal(alice.enabled, true)
      assert.deepEqual(alice.extra, { email: 'alice@example.org', description: 'a' })
      assert.equal((await ldap.findUserByName('Alice'))?.localId, 'alice')
      assert.equal(await ldap.findUser('nobody'), undefined)
    }))

  test('one-level searches do not see what is deeper; sub does', async () => {
    assert.deepEqual(names(await using({}, (ldap) => ldap.listUsers())), ['Alice', 'Bob', 'Carol', 'Dave (x)*', 'Erin'])
    assert.ok(names(await using({ queryScope: 'sub' }, (ldap) => ldap.listUsers())).includes('frank'))
  })

  test('filters of a listing', () =>
    using({}, async (ldap) => {
      const list = async (comparator: 'equals' | 'contains' | 'startswith' | 'endswith', value: string) =>
        names(await ldap.listUsers({ comparator, value }))
      assert.deepEqual(await list('equals', 'Bob'), ['Bob'])
      assert.deepEqual(await list('contains', 'ar'), ['Carol'])
      assert.deepEqual(await list('startswith', 'Al'), ['Alice'])
      assert.deepEqual(await list('endswith', 'in'), ['Erin'])
    }))

  test('values cannot change the filter', () =>
    using({}, async (ldap) => {
      for (const value of ['*', 'alice)(uid=*', 'a*', '\\2a', '*)(objectClass=*', '\0']) {
        assert.equal(await ldap.findUser(value), undefined, value)
        assert.equal(await ldap.findUserByName(value), undefined, value)
      }
      assert.equal((await ldap.findUserByName('Dave (x)*'))?.localId, 'dave')
      assert.deepEqual(names(await ldap.listUsers({ comparator: 'endswith', value: '*' })), ['Dave (x)*'])
    }))

  test('pages make no difference', async () => {
    assert.equal((await using({ pageSize: 2 }, (ldap) => ldap.listUsers())).length, 5)
  })

  test('an operator filter with and without parentheses', async () => {
    assert.deepEqual(names(await using({ userFilter: '(employeeType=staff)' }, (ldap) => ldap.listUsers())), [
      'Dave (x)*',
    ])
    assert.deepEqual(names(await using({ userFilter: 'employeeType=staff' }, (ldap) => ldap.listUsers())), [
      'Dave (x)*',
    ])
    assert.equal(await using({ userFilter: '(employeeType=staff)' }, (ldap) => ldap.findUser('alice')), undefined)
    assert.throws(() => open({ userFilter: '(broken' }), /user_filter/)
  })

  test('further attributes are mapped', () =>
    using({ userAdditionalAttributeMapping: ['telephoneNumber:phone', 'nonsense'] }, async (ldap) => {
      assert.deepEqual((await ldap.findUser('carol'))?.extra, { phone: '123' })
    }))

  test('ignored attributes are not read', () =>
    using({ userAttributeIgnore: ['email', 'enabled'] }, async (ldap) => {
      assert.deepEqual((await ldap.findUser('alice'))?.extra, { description: 'a' })
      assert.equal((await ldap.findUser('bob'))?.enabled, true)
    }))

  test('an entry without a name is none', async () => {
    assert.deepEqual(
      await using({ userNameAttribute: 'employeeType' }, async (ldap) => names(await ldap.listUsers())),
      ['staff'],
    )
  })

  test('a tree that is not there has no users', async () => {
    assert.deepEqual(await using({ userTreeDn: `ou=None,${suffix}` }, (ldap) => ldap.listUsers()), [])
  })

  const enabled = async (settings: Partial<LdapSettings>) =>
    using(settings, async (ldap) =>
      (await ldap.listUsers())
        .filter((user) => user.enabled)
        .map((user) => user.localId)
        .sort(),
    )

  test('A8: enabled is parsed: FALSE, 0 and no are false, a missing value is the default', async () => {
    assert.deepEqual(await enabled({}), ['alice', 'erin'])
    assert.deepEqual(await enabled({ userEnabledDefault: 'False' }), ['alice'])
  })

  test('A8: an inverted attribute', async () => {
    assert.deepEqual(await enabled({ userEnabledInvert: true, userEnabledDefault: 'False' }), [
      'bob',
      'carol',
      'dave',
      'erin',
    ])
    assert.deepEqual(await enabled({ userEnabledInvert: true }), ['bob', 'carol', 'dave'])
  })

  test('a bit of a number disables', async () => {
    const mask = { userEnabledAttribute: 'userAccountControl', userEnabledMask: 2, userEnabledDefault: '512' }
    assert.deepEqual(await enabled(mask), ['alice', 'carol', 'dave', 'erin'])
  })

  test('members of a group are enabled', async () => {
    const emulation = {
      userEnabledEmulation: true,
      userEnabledEmulationDn: `cn=enabled_people,ou=UserGroups,${suffix}`,
    }
    assert.deepEqual(await enabled(emulation), ['alice', 'carol'])
    await using(emulation, async (ldap) => {
      assert.equal((await ldap.findUser('carol'))?.enabled, true)
      assert.equal((await ldap.findUser('dave'))?.enabled, false)
    })
    assert.deepEqual(await enabled({ userEnabledEmulation: true }), [], 'a group that is not there enables nobody')
  })

  test('groups and their members', () =>
    using({}, async (ldap) => {
      assert.deepEqual(names(await ldap.listGroups()), ['devs', 'enabled_people', 'ops'])
      assert.equal((await ldap.findGroup('devs'))?.description, 'Developers')
      assert.equal((await ldap.findGroupByName('ops'))?.localId, 'ops')
      assert.deepEqual(names(await ldap.membersOf('devs')), ['Alice', 'Bob'])
      assert.deepEqual(names(await ldap.groupsOf('alice')), ['devs', 'enabled_people', 'ops'])
      assert.deepEqual(await ldap.groupsOf('nobody'), [])
      assert.deepEqual(await ldap.membersOf('nothing'), [])
    }))

  test('groups whose members are ids', () =>
    using(
      {
        groupObjectclass: 'posixGroup',
        groupNameAttribute: 'cn',
        groupMemberAttribute: 'memberUid',
        groupMembersAreIds: true,
      },
      async (ldap) => {
        assert.deepEqual(names(await ldap.groupsOf('alice')), ['unix'])
        assert.deepEqual(names(await ldap.membersOf('unix')), ['Alice'])
      },
    ))

  test('passwords are tried at the directory', () =>
    using({}, async (ldap) => {
      assert.equal(await ldap.checkPassword('alice', 'wonder'), true)
      assert.equal(await ldap.checkPassword('alice', 'wrong'), false)
      assert.equal(await ldap.checkPassword('alice', ''), false, 'an empty password is an anonymous login')
      assert.equal(await ldap.checkPassword('carol', 'anything'), false, 'a user without a password')
      assert.equal(await ldap.checkPassword('nobody', 'x'), false)
    }))

  test('TLS with a certificate that is known, unknown, and unknown but accepted', async () => {
    const alice = (ldap: LdapDirectory) => ldap.findUser('alice')
    const good = { url: directory.tlsUrl, tlsCacertfile: directory.caFile }
    assert.ok(await using(good, alice))
    await assert.rejects(using({ url: directory.tlsUrl }, alice), DirectoryDown)
    assert.ok(await using({ url: directory.tlsUrl, tlsReqCert: 'never' }, alice))
    assert.ok(await using({ useTls: true, tlsCacertfile: directory.caFile }, alice))
    await assert.rejects(using({ useTls: true }, alice), DirectoryDown)
    assert.equal(
      await using({ useTls: true, tlsCacertfile: directory.caFile }, (ldap) => ldap.checkPassword('alice', 'wonder')),
      true,
    )
  })

  test('options that contradict each other are named', () => {
    assert.throws(() => open({ url: directory.tlsUrl, useTls: true }), /use_tls/)
    assert.throws(() => open({ url: 'http://x' }), /\[ldap\] url/)
    assert.throws(() => open({ url: '' }), /\[ldap\] url/)
  })

  test('a wrong password of this service is no answer', async () => {
    await assert.rejects(
      using({ password: 'wrong' }, (ldap) => ldap.findUser('alice')),
      DirectoryDown,
    )
  })

  test('the next server is asked when the first is down', async () => {
    const both = `ldap://127.0.0.1:1, ${directory.url}`
    assert.ok(await using({ url: both }, (ldap) => ldap.findUser('alice')))
    assert.equal(await using({ url: both }, (ldap) => ldap.checkPassword('alice', 'wonder')), true)
  })

  test('a pool of one serves many', () =>
    using({ poolSize: 1 }, async (ldap) => {
      const found = await Promise.all(Array.from({ length: 20 }, () => ldap.findUser('alice')))
      assert.ok(found.every((user) => user?.name === 'Alice'))
    }))

  test('a restart of the server is not noticed', () =>
    using({}, async (ldap) => {
      assert.ok(await ldap.findUser('alice'))
      await directory.stop()
      await assert.rejects(ldap.findUser('alice'), DirectoryDown)
      await assert.rejects(ldap.checkPassword('alice', 'wonder'), DirectoryDown)
      await directory.start()
      assert.ok(await ldap.findUser('alice'))
    }))

  test('a server that does not answer ends in an error, and then recovers', () =>
    using({ connectionTimeout: 1, poolSize: 2 }, async (ldap) => {
      assert.ok(await ldap.findUser('alice'))
      await directory.suspend()
      try {
        const results = await Promise.allSettled(Array.from({ length: 5 }, () => ldap.findUser('alice')))
        assert.ok(results.every((result) => result.status === 'rejected' && result.reason instanceof DirectoryDown))
      } finally {
        directory.resume()
      }
      assert.ok(await ldap.findUser('alice'))
    }))
})
