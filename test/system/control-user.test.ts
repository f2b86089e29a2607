/** A cloud that root starts: its control plane runs as a user of its own, and its files are that user's, whatever is done with them. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { prepareControlUser } from '../../src/deployment/control-user.ts'
import { readSecret } from '../../src/deployment/secrets.ts'
import { loadSettings } from '../../src/deployment/settings.ts'
import { asUser } from '../../src/host/as-user.ts'
import { becomeHost, hostNamespaces, inNamespaces, reasonToSkip } from '../../src/host/testing.ts'
import { eventually, login } from '../api.ts'
import { collect, createTestCloud, type TestCloud } from '../cloud.ts'
import { openCheckout } from '../host.ts'

inNamespaces(import.meta.filename, { skip: await reasonToSkip([]), unshare: hostNamespaces }, defineTests)

const services = ['compute', 'identity', 'image', 'network', 'placement']
const ofControl = ['control', 'hosts', 'log/control', 'run/control', ...services]
const ofRoot = ['admin-openrc', 'clouds.yaml', 'demo-openrc', 'log', 'log/up.log', 'run', 'run/status.json']
const read = ['etc', 'secrets', 'secrets/bus', 'settings.json']

function defineTests() {
  let cloud: TestCloud
  let folder = ''
  let checkout = ''
  before(async () => {
    await becomeHost()
    checkout = await openCheckout()
    folder = '/run/clouds'
    mkdirSync(folder, { mode: 0o711 })
    cloud = await createTestCloud({ args: ['--fake'], parent: folder, checkout })
    await cloud.up()
  })
  after(() => cloud?.destroy())

  const at = (path: string) => join(cloud.stateDir, path)
  const nephos = async (...args: string[]) => {
    const { code, output } = await cloud.nephos(...args)
    assert.equal(code, 0, output)
    return output
  }
  const manage = async (program: string, ...words: string[]) => {
    const { code, output } = await collect([
      join(checkout, 'bin', 'nephos'),
      program,
      '--state-dir',
      cloud.stateDir,
      ...words,
    ])
    assert.equal(code, 0, output)
  }
  const below = (path: string): string[] =>
    readdirSync(at(path), { recursive: true, encoding: 'utf8' }).map((name) => join(path, name))
  const status = () =>
    JSON.parse(readFileSync(at('run/status.json'), 'utf8')) as { pids: { control: number }; remarks: string[] }
  /** A line of what the kernel tells of the control process. */
  const told = (key: string) => {
    const text = readFileSync(`/proc/${status().pids.control}/status`, 'utf8')
    return new RegExp(`^${key}:[ \\t]*(.*)$`, 'm').exec(text)![1]!.trim()
  }
  const user = () => {
    const [, , uid, gid] = readFileSync('/etc/passwd', 'utf8')
      .match(/^nephos:.*$/m)![0]
      .split(':')
    return { uid: Number(uid), gid: Number(gid) }
  }
  /** Everything is whose it is to be. */
  const checkOwners = () => {
    const { uid, gid } = user()
    for (const path of ofControl.flatMap((each) => [each, ...below(each)])) {
      const found = lstatSync(at(path))
      const isOpen = !found.isSymbolicLink() && (found.mode & 0o077) !== 0
      assert.deepEqual([path, found.uid, found.gid, isOpen], [path, uid, gid, false])
    }
    for (const path of ofRoot.filter((each) => existsSync(at(each)))) assert.equal(lstatSync(at(path)).uid, 0, path)
    for (const path of read) {
      const found = lstatSync(at(path))
      assert.deepEqual([path, found.uid, found.gid, found.mode & 0o027], [path, 0, gid, 0])
    }
  }

  test('P2: the control process is the user nephos, in no other group, without any capability or a way to one', async () => {
    const { uid, gid } = user()
    assert.equal(told('Uid'), [uid, uid, uid, uid].join('\t'))
    assert.equal(told('Gid'), [gid, gid, gid, gid].join('\t'))
    assert.equal(told('Groups'), '')
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) assert.match(told(set), /^0+$/, set)
    assert.equal(told('NoNewPrivs'), '1')
    checkOwners()
    // It may read what it needs, change none of it, and see nothing of root's.
    asUser(user(), () => {
      assert.ok(readSecret(cloud.stateDir, 'bus'))
      for (const path of [...read, ...ofRoot, 'x']) {
        assert.throws(() => writeFileSync(at(path), ''), /EACCES|EISDIR/, path)
        assert.throws(() => renameSync(at(path), at('control/x')), /EACCES|ENOENT/, path)
      }
      assert.throws(() => readdirSync(cloud.stateDir), /EACCES/)
      assert.throws(() => readFileSync(at('admin-openrc')), /EACCES/)
    })
  })

  test('P2: what commands make that root starts is the user’s too', async () => {
    for (const words of [['host'], ['guests'], ['status']]) await nephos(...words)
    await manage('keystone-manage', 'fernet_rotate')
    await manage('glance-manage', 'db_sync')
    const admin = await login(cloud, 'admin')
    await cloud.nephos('explain', admin.projectId)
    const backup = join(folder, 'monday')
    await nephos('backup', backup)
    checkOwners()
    assert.equal(statSync(backup).uid, 0)
    await cloud.stop()
    await manage('keystone-manage', 'fernet_rotate')
    await nephos('backup', join(folder, 'tuesday.tar'))
    checkOwners()
  })

  test('P2: a state directory of an earlier release, all of root, is taken over; links in it are not followed', async () => {
    const victim = join(folder, 'victim')
    writeFileSync(victim, 'precious', { mode: 0o600 })
    for (const path of ['', ...below('')]) lchownSync(at(path), 0, 0)
    renameSync(at('control/first-use.json'), at('first-use.json'))
    for (const path of ['control', 'run/control', 'log/control']) rmSync(at(path), { recursive: true })
    symlinkSync(victim, at('image/images/link'))
    mkdirSync(at('etc/nova'))
    symlinkSync(victim, at('etc/nova/other.conf'))
    writeFileSync(at('etc/nova/nova.conf'), '[consoleauth]\ntoken_ttl = 601\n', { mode: 0o600 })
    await cloud.up()
    checkOwners()
    assert.equal(existsSync(at('first-use.json')), false)
    assert.equal(statSync(victim).uid, 0)
    assert.equal(statSync(victim).mode & 0o777, 0o600)
    assert.equal(lstatSync(at('etc/nova/nova.conf')).gid, user().gid)
    rmSync(at('image/images/link'))
  })

  test('P2: links that the user plants lead root nowhere: at a start, a backup, a restore and a look', async () => {
    const victim = join(folder, 'victim')
    const untouched = () =>
      assert.deepEqual(
        [readFileSync(victim, 'utf8'), statSync(victim).uid, statSync(victim).mode & 0o777],
        ['precious', 0, 0o600],
      )
    await cloud.stop()
    const paths = ['image/images/link', 'log/control/x.log', 'run/control/bus.sock', 'control/a.json']
    mkdirSync(at('run/control/processes'), { recursive: true, mode: 0o700 })
    lchownSync(at('run/control/processes'), user().uid, user().gid)
    asUser(user(), () => {
      for (const path of [...paths, `run/control/processes/${process.pid}.json`]) {
        rmSync(at(path), { force: true })
        symlinkSync(victim, at(path))
      }
      assert.throws(() => renameSync(at('placement'), at('run/control/placement')), /EACCES/)
      renameSync(at('identity/fernet-keys'), at('identity/kept'))
      symlinkSync(folder, at('identity/fernet-keys'))
    })
    await cloud.nephos('status')
    await nephos('backup', join(folder, 'planted'))
    const copied = readdirSync(join(folder, 'planted'), { recursive: true, encoding: 'utf8' })
    assert.ok(!copied.some((name) => /victim|link|fernet-keys/.test(name)), String(copied))
    const through = await cloud.nephos('restore', join(folder, 'monday'))
    assert.match(through.output, /EACCES: permission denied, open .*fernet-keys/)
    assert.deepEqual(
      readdirSync(folder).filter((name) => /^\d+$/.test(name)),
      [],
      'no key was written through the link',
    )
    asUser(user(), () => {
      rmSync(at('identity/fernet-keys'))
      rmSync(at('compute/compute.db-wal'), { force: true })
      symlinkSync(victim, at('compute/compute.db-wal'))
    })
    for (const from of ['monday', 'tuesday.tar']) await nephos('restore', join(folder, from))
    untouched()
    checkOwners()
  })

  test('a cloud that the user cannot get to runs as root, says why, and goes on as the user when it can', async () => {
    chmodSync(folder, 0o700)
    await cloud.up()
    assert.equal(told('Uid').split('\t')[0], '0')
    const expected = `the control plane runs as root: user nephos cannot pass ${folder} on the way to ${cloud.stateDir}: open it to others (chmod o+x ${folder}), or have that elsewhere`
    const shown = JSON.parse(await nephos('status', '--json')) as { remarks: string[] }
    assert.deepEqual(shown.remarks, [expected])
    await cloud.stop()
    chmodSync(folder, 0o711)
    await cloud.up()
    assert.equal(told('Uid').split('\t')[0], String(user().uid))
    assert.deepEqual(status().remarks, [])
    checkOwners()
  })

  test('a role of its own runs as the user; folders of somebody else are not taken', async () => {
    await cloud.stop()
    // What cannot be read is not taken for what is not there.
    mkdirSync(at('etc/placement'), { mode: 0o700 })
    writeFileSync(at('etc/placement/policy.yaml'), '{}')
    lchownSync(at('etc/placement'), 12345, 12345)
    const api = cloud.start('run', 'keystone-api', 'placement-api')
    try {
      await eventually(
        'keystone answers',
        async () => (await fetch(cloud.url('identity')).catch(() => undefined)) !== undefined,
      )
      const [file] = readdirSync(at('run/control/processes'))
      assert.equal(statSync(at(`run/control/processes/${file}`)).uid, user().uid)
      const text = readFileSync(`/proc/${file!.split('.')[0]}/status`, 'utf8')
      assert.match(text, new RegExp(`^Uid:\\t${user().uid}\\t`, 'm'))
      const { output } = await cloud.nephos('status')
      assert.match(output, /keystone-api \(\d+\) +up/)
      assert.match(output, /placement-api \(\d+\) +down .*etc\/placement\/placement\.conf.*may not read it/)
    } finally {
      await api.end()
    }
    lchownSync(at('network'), 12345, 12345)
    const { code, output } = await cloud.nephos(...cloud.upArguments)
    assert.equal(code, 1)
    assert.match(output, /network belongs to user 12345 and not to nephos: give it with chown -R nephos: /)
    lchownSync(at('network'), user().uid, user().gid)
  })

  test('P2: in a state directory of another user nothing changes hands', async () => {
    const [victim, other] = [join(folder, 'of-root'), join(folder, 'other')]
    for (const each of [victim, other]) mkdirSync(each, { mode: 0o700 })
    const settings = loadSettings(other, {})
    symlinkSync(victim, join(other, 'network'))
    lchownSync(other, 12345, 12345)
    const remarks: string[] = []
    assert.equal(await prepareControlUser(other, settings, (text) => remarks.push(text)), undefined)
    assert.match(remarks.join(), /runs as root: .* is another user's; start the cloud as that user/)
    assert.equal(statSync(victim).uid, 0)
  })
}
