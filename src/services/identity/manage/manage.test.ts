import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { testDatabaseUrl } from '../../../platform/db/testing.ts'
import { createLogger } from '../../../platform/log/log.ts'
import { CommandFailed, CommandLineError, runCommand, type ManageEnv } from '../../../platform/manage/command.ts'
import { byPassword, startIdentity } from '../testing/identity.ts'
import { keystoneManage } from './commands.ts'

/** keystone-manage on a folder of its own; `lines` is what it printed. */
async function setUp(t: TestContext, stateDir?: string) {
  const folder = stateDir ?? mkdtempSync(join(tmpdir(), 'nephos-manage-'))
  if (!stateDir) t.after(() => rmSync(folder, { recursive: true }))
  const lines: string[] = []
  const env: ManageEnv = {
    stateDir: folder,
    configFiles: [join(folder, 'keystone.conf')],
    databaseUrl: await testDatabaseUrl(folder, 'identity'),
    log: createLogger({ name: 'test' }),
    print: (line) => lines.push(line),
    warn: (line) => lines.push(line),
  }
  const run = (...argv: string[]) => runCommand('keystone-manage', keystoneManage, argv, env)
  const configure = (text: string) => writeFileSync(env.configFiles[0]!, text)
  return { folder, lines, run, configure }
}

test('db_sync brings the schema up to date, --check says whether it must, db_version names it', async (t) => {
  const { run, lines } = await setUp(t)
  assert.equal(await run('db_sync', '--check'), 2)
  await assert.rejects(run('db_sync', '--contract'), /run keystone-manage db_sync --expand first/)
  assert.equal(await run('db_sync'), 0)
  assert.equal(await run('db_sync', '--check'), 0)
  assert.equal(await run('db_sync', '--migrate'), 0)
  await run('db_version')
  assert.match(lines.at(-1)!, /^\d{4}-/)
  await assert.rejects(run('db_sync', '0001-no-such'), CommandFailed)
  await assert.rejects(run('db_sync', '--expand', '--check'), /exclude each other/)
})

test('keys are set up once, rotated as keystone does, and refused when they are broken', async (t) => {
  const { run, folder, configure } = await setUp(t)
  configure('[fernet_tokens]\nmax_active_keys = 4\n')
  const keys = () => readdirSync(join(folder, 'fernet-keys')).sort()
  await run('fernet_setup')
  await run('fernet_setup')
  assert.deepEqual(keys(), ['0', '1'])
  for (let i = 0; i < 4; i++) await run('token_rotate')
  assert.deepEqual(keys(), ['0', '3', '4', '5'])
  writeFileSync(join(folder, 'fernet-keys', '4'), 'nonsense')
  await assert.rejects(run('fernet_rotate'), /fernet-keys\/4/)
  assert.deepEqual(keys(), ['0', '3', '4', '5'], 'nothing was changed')
})

test('an account that does not exist is refused, but for the one of the install guides', async (t) => {
  const { run, lines } = await setUp(t)
  await assert.rejects(run('fernet_setup', '--keystone-user', 'nobody-knows'), /Unknown user 'nobody-knows'/)
  await run('credential_setup', '--keystone-user', 'keystone', '--keystone-group', 'keystone')
  assert.ok(lines.some((line) => line.startsWith('made the keys in')))
})

test('bootstrap makes what a first login needs, may be run again, and lets the administrator in again', async (t) => {
  const identity = await startIdentity(t)
  const { run } = await setUp(t, identity.stateDir)
  const url = 'http://controller:5000/v3/'
  const words = ['bootstrap', '--bootstrap-public-url', url, '--bootstrap-region-id', 'Two']
  await assert.rejects(run(...words), /--bootstrap-password argument or OS_BOOTSTRAP_PASSWORD must be set/)
  for (let i = 0; i < 2; i++) await run(...words, '--bootstrap-password', 'another')
  await until(async () => (await identity.authenticate(byPassword('admin', 'another'))).status === 201)
  assert.equal((await identity.authenticate(byPassword('admin', 'admin-password'))).status, 401)
  identity.admin = await identity.login('admin', 'another', { project: { name: 'admin', domain: { id: 'default' } } })
  const endpoints = await identity.make<{ url: string; interface: string }[]>('GET', '/endpoints?region_id=Two')
  assert.deepEqual(
    endpoints.map((each) => [each.interface, each.url]),
    [['public', url]],
  )
})

test('rotation while identity runs loses no token, and new ones are encrypted with the new key', async (t) => {
  const identity = await startIdentity(t)
  const { run } = await setUp(t, identity.stateDir)
  const old = identity.admin
  await run('fernet_rotate')
  const works = async (token: string) =>
    (await identity.request('GET', '/auth/tokens', { token, headers: { 'x-subject-token': token } })).status
  assert.equal(await works(old), 200)
  const fresh = await identity.login('admin', 'admin-password')
  assert.equal(await works(fresh), 200)
  // Until the running process has looked, it still encrypts with the key that is the second now.
  await sleep(2500)
  const third = await identity.login('admin', 'admin-password')
  await run('fernet_rotate')
  await sleep(2500)
  assert.equal(await works(third), 200)
  assert.equal(await works(await identity.login('admin', 'admin-password')), 200)
})

test('credentials are encrypted anew after a rotation, which waits until all are', async (t) => {
  const identity = await startIdentity(t)
  const { run, lines } = await setUp(t, identity.stateDir)
  const user = await identity.make('POST', '/users', { user: { name: 'joe', password: 'x' } })
  const credential = await identity.make('POST', '/credentials', {
    credential: { type: 'cert', user_id: user.id, blob: 'secret words' },
  })
  await run('credential_rotate')
  await assert.rejects(run('credential_rotate'), /not all credentials are encrypted with the primary key/)
  assert.equal(await run('doctor'), 1)
  assert.match(lines.join('\n'), /1 credentials are encrypted with an older key/)
  await run('credential_migrate')
  assert.match(lines.at(-1)!, /encrypted 1 /)
  await run('credential_rotate')
  await run('credential_migrate')
  await until(async () => {
    const answer = await identity.request('GET', `/credentials/${credential.id}`)
    return (answer.body?.['credential'] as { blob?: string } | undefined)?.blob === 'secret words'
  })
})

test('trusts that are over are flushed, those of the given user only', async (t) => {
  const { run } = await setUp(t)
  await run('db_sync')
  await run('trust_flush', '--date', '01-02-2025', '--trustor-user-id', 'abc')
  await assert.rejects(run('trust_flush', '--date', '2025-02-01'), /should be DD-MM-YYYY/)
})

test('doctor names what is wrong and what to do', async (t) => {
  const { run, lines, folder, configure } = await setUp(t)
  assert.equal(await run('doctor'), 1)
  assert.match(lines.join('\n'), /run keystone-manage db_sync/)
  assert.match(lines.join('\n'), /keystone-manage fernet_setup/)
  await run('db_sync')
  await run('fernet_setup')
  await run('credential_setup')
  assert.equal(await run('doctor'), 0)
  chmodSync(join(folder, 'fernet-keys', '1'), 0o644)
  configure('[security_compliance]\npassword_regex = .*\n')
  lines.length = 0
  assert.equal(await run('doctor'), 1)
  assert.match(lines.join('\n'), /Everybody on this machine may use .*fernet-keys\/1/)
  assert.match(lines.join('\n'), /password_regex_description/)
})

test('the rules of a mapping are tried on an assertion', async (t) => {
  const { run, lines, folder } = await setUp(t)
  const [rules, input] = [join(folder, 'rules.json'), join(folder, 'assertion')]
  const rule = { local: [{ user: { name: '{0}' } }], remote: [{ type: 'LOGIN' }] }
  writeFileSync(rules, JSON.stringify([rule]))
  writeFileSync(input, 'LOGIN: me\nEMAIL: me@example.com\n')
  await run('mapping_engine', '--rules', rules, '--input', input)
  assert.equal((JSON.parse(lines.join('')) as { user: { name: string } }).user.name, 'me')
  await assert.rejects(run('mapping_engine', '--rules', rules, '--input', input, '--prefix', 'X_'), /Could not map/)
  await assert.rejects(run('mapping_engine', '--rules', `${rules}.no`, '--input', input), /Error while opening file/)
})

test('files of domains are uploaded once; public ids are purged by what was asked; metadata need their options', async (t) => {
  const { run, lines, folder, configure } = await setUp(t)
  configure(`[identity]\ndomain_config_dir = ${folder}\n`)
  writeFileSync(join(folder, 'keystone.Default.conf'), '[ldap]\nurl = ldap://127.0.0.1\npassword = x\n')
  await run('bootstrap', '--bootstrap-password', 'x')
  await assert.rejects(run('domain_config_upload'), /either --all or --domain-name/)
  assert.equal(await run('domain_config_upload', '--all'), 0)
  assert.equal(await run('domain_config_upload', '--domain-name', 'Default'), 1)
  assert.match(lines.at(-1)!, /already has a configuration defined/)
  await assert.rejects(run('mapping_purge'), /At least one option must be provided/)
  await run('mapping_purge', '--all')
  await assert.rejects(run('mapping_populate', '--domain-name', 'Nobody'), /Invalid domain name: Nobody/)
  await assert.rejects(run('saml_idp_metadata'), /idp_entity_id/)
})

test('a wrong command line is refused with the word that is wrong', async (t) => {
  const { run } = await setUp(t)
  await assert.rejects(
    run('bootstrap', '–bootstrap-password', 'x'),
    /begins with a long dash, write --bootstrap-password/,
  )
  await assert.rejects(run('no_such'), CommandLineError)
  await assert.rejects(run('user_setup'), /--username is required/)
  await assert.rejects(run('db_version', 'x'), /does not know 'x'/)
})

async function until(condition: () => Promise<boolean>) {
  for (let i = 0; i < 100; i++) {
    if (await condition()) return
    await sleep(100)
  }
  assert.fail('it did not happen within 10 s')
}
