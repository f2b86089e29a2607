/** Real consumers of identity: `openstack`, keystonemiddleware and keystoneauth of Debian against a cloud. */
import assert from 'node:assert/strict'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { collect, createTestCloud, type TestCloud } from '../cloud.ts'
import { files, table, type Row } from './identity-commands.ts'
import { LineProgram, Openstack, python } from './python.ts'

const packages = '/usr/lib/python3/dist-packages'
const why = ['openstackclient', 'keystonemiddleware'].every((name) => existsSync(join(packages, name)))
  ? false
  : 'needs python3-openstackclient and python3-keystonemiddleware'

let cloud: TestCloud
let openstack: Openstack
let folder: string

before(async () => {
  if (why) return
  cloud = await createTestCloud({ args: ['--fake'] })
  await cloud.up()
  folder = mkdtempSync(join(tmpdir(), 'nephos-clients-'))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), JSON.stringify(content))
  openstack = new Openstack(cloud.environment('admin'))
})
after(async () => {
  openstack?.end()
  await cloud?.destroy()
  if (folder) rmSync(folder, { recursive: true })
})

/** Files of the table stand in a folder of their own. */
const placed = (line: string) =>
  line.replaceAll(/\b[\w-]+\.json\b/g, (name) => (name in files ? join(folder, name) : name))
const pick = (from: Record<string, unknown>, like: object) =>
  Object.fromEntries(Object.keys(like).map((key) => [key, sorted(from[key])]))
const sorted = (value: unknown) => (Array.isArray(value) ? value.toSorted() : value)

async function lifeOf({ noun, where = '', create, key = 'name', shown, set, changed }: Row): Promise<void> {
  const created = await openstack.get(placed(`${noun} create ${where} ${create}`))
  const name = String(created[key])
  const show = () => openstack.get(`${noun} show ${where} ${name}`)
  assert.deepEqual(pick(await show(), shown), shown)
  const names = async () => (await openstack.get<object[]>(`${noun} list ${where}`)).flatMap(Object.values)
  assert.ok((await names()).includes(name))
  if (set) {
    await openstack.do(placed(`${noun} set ${where} ${set} ${name}`))
    assert.deepEqual(pick(await show(), changed!), changed)
  }
  await openstack.do(`${noun} delete ${where} ${name}`)
  assert.ok(!(await names()).includes(name))
}

for (const row of table) {
  test(`openstack ${row.noun}: create, show, list, set, delete`, { skip: why }, async () => {
    for (const line of row.before ?? []) await openstack.do(placed(line))
    await lifeOf(row)
    for (const line of row.after ?? []) await openstack.do(line)
  })
}

test('openstack: what there is twice or not at all is said by name', { skip: why }, async () => {
  await openstack.do('project create twin')
  const twice = await openstack.run('project create twin')
  assert.match(twice.stderr, /Conflict occurred attempting to store project .*twin.*HTTP 409/s)
  assert.equal((await openstack.get('project create --or-show twin'))['name'], 'twin')
  assert.match((await openstack.run('project show nothing')).stderr, /No project with a name or ID of 'nothing' exists/)
  await openstack.do('project delete twin')
})

test('openstack: groups, roles and what they imply', { skip: why }, async () => {
  await openstack.do('group create sailors')
  await openstack.do('user create --password a-long-secret popeye')
  await openstack.do('role create captain')
  await openstack.do('group add user sailors popeye')
  assert.match(await openstack.do('group contains user sailors popeye'), /popeye in group sailors/)
  await openstack.do('role add --group sailors --project demo captain')
  await openstack.do('role add --user popeye --system all reader')
  await openstack.do('role add --user popeye --domain default --inherited reader')
  const namesOf = async (line: string) => {
    const rows = await openstack.get<Record<string, unknown>[]>(`role assignment list --names ${line}`)
    return rows
      .map((row) => `${String(row['Role'])} ${String(row['Project'] || row['Domain'] || row['System'])}`)
      .sort()
  }
  assert.deepEqual(await namesOf('--group sailors'), ['captain demo@Default'])
  assert.deepEqual(await namesOf('--user popeye'), ['reader Default', 'reader all'])
  assert.ok((await namesOf('--user popeye --effective --project demo')).includes('captain demo@Default'))
  await openstack.do('implied role create --implied-role reader captain')
  const implied = await openstack.get<Record<string, unknown>[]>('implied role list')
  assert.ok(implied.some((row) => row['Prior Role Name'] === 'captain' && row['Implied Role Name'] === 'reader'))
  assert.ok((await namesOf('--user popeye --effective --project demo')).includes('reader demo@Default'))
  await openstack.do('implied role delete --implied-role reader captain')
  await openstack.do('role remove --group sailors --project demo captain')
  await openstack.do('group remove user sailors popeye')
  assert.match((await openstack.run('group contains user sailors popeye')).stderr, /popeye not in group sailors/)
  await openstack.do('group delete sailors')
  await openstack.do('user delete popeye')
  await openstack.do('role delete captain')
})

test('openstack: endpoints are tied to projects', { skip: why }, async () => {
  const [endpoint] = await openstack.get<{ ID: string }[]>('endpoint list --service keystone --interface public')
  await openstack.do('project create tied')
  await openstack.do(`endpoint add project ${endpoint!.ID} tied`)
  const tied = await openstack.get<{ ID: string }[]>('endpoint list --project tied')
  assert.deepEqual(
    tied.map((each) => each.ID),
    [endpoint!.ID],
  )
  await openstack.do(`endpoint remove project ${endpoint!.ID} tied`)
  const { id } = await openstack.get(placed('endpoint group create some filters.json'))
  await openstack.do(`endpoint group add project ${String(id)} tied`)
  assert.equal((await openstack.get<object[]>('endpoint group list --project tied')).length, 1)
  await openstack.do(`endpoint group remove project ${String(id)} tied`)
  await openstack.do(`endpoint group delete ${String(id)}`)
  await openstack.do('project delete tied')
})

test('openstack: tokens, the catalog, the own password, access rules', { skip: why }, async () => {
  const { id: token } = await openstack.get('token issue')
  const without = { OS_USERNAME: '', OS_PASSWORD: '', OS_USER_DOMAIN_NAME: '' }
  const byToken = { ...without, OS_AUTH_TYPE: 'token', OS_TOKEN: String(token) }
  await openstack.do('federation project list', byToken)
  await openstack.do('federation domain list', byToken)
  await openstack.do(`token revoke ${String(token)}`)
  const gone = await openstack.run('catalog list', byToken)
  assert.notEqual(gone.code, 0)
  const catalog = await openstack.get<{ Type: string }[]>('catalog list')
  assert.ok(catalog.some((each) => each.Type === 'identity'))
  assert.equal((await openstack.get('catalog show identity'))['name'], 'keystone')
  await openstack.do('user create --password a-long-secret --project demo changer')
  await openstack.do('role add --user changer --project demo member')
  const changer = { OS_USERNAME: 'changer', OS_PASSWORD: 'a-long-secret', OS_PROJECT_NAME: 'demo' }
  await openstack.do('user password set --password another-secret --original-password a-long-secret', changer)
  assert.notEqual((await openstack.run('token issue', changer)).code, 0)
  assert.equal((await openstack.run('token issue', { ...changer, OS_PASSWORD: 'another-secret' })).code, 0)
  const rules = '[{"service":"compute","method":"GET","path":"/v2.1/servers"}]'
  await openstack.do(`application credential create --access-rules '${rules}' narrow`)
  const [rule] = await openstack.get<{ ID: string }[]>('access rule list')
  assert.equal((await openstack.get(`access rule show ${rule!.ID}`))['path'], '/v2.1/servers')
  await openstack.do('application credential delete narrow')
  await openstack.do(`access rule delete ${rule!.ID}`)
  await openstack.do('user delete changer')
})

test('openstack: the way of OAuth 1', { skip: why }, async () => {
  const consumer = await openstack.get('consumer create')
  const keys = `--consumer-key ${String(consumer['id'])} --consumer-secret ${String(consumer['secret'])}`
  const request = await openstack.get(`request token create ${keys} --project admin`)
  const said = await openstack.get(`request token authorize --request-key ${String(request['id'])} --role member`)
  const pair = `--request-key ${String(request['id'])} --request-secret ${String(request['secret'])}`
  const access = await openstack.get(`access token create ${keys} ${pair} --verifier ${String(said['oauth_verifier'])}`)
  assert.ok(access['id'])
  await openstack.do(`consumer delete ${String(consumer['id'])}`)
})

test('openstack: every command of the identity group was used', { skip: why }, () => {
  const [file] = globSync(`${packages}/python_openstackclient*/entry_points.txt`)
  const section = readFileSync(file!, 'utf8').split('[openstack.identity.v3]')[1]!.split('\n[')[0]!
  const commands = [...section.matchAll(/^(\w+) ?=/gm)].map((match) => match[1]!.replaceAll('_', ' '))
  assert.ok(commands.length > 100)
  assert.deepEqual(
    commands.filter((command) => !openstack.ran.has(command)),
    [],
  )
})

test('keystoneauth discovers identity and, through the catalog, every service', { skip: why }, async () => {
  const { code, output } = await collect([python, join(import.meta.dirname, 'discover.py')], cloud.environment('admin'))
  assert.equal(code, 0, output)
  const found = JSON.parse(output) as Discovered
  const v3 = { version: [3, 14], url: `${cloud.url('identity')}/v3/`, status: 'CURRENT' }
  assert.deepEqual(found.root, [v3])
  assert.deepEqual(found.v3, [v3])
  assert.equal(found.home.resources['https://docs.openstack.org/api/openstack-identity/3/rel/users']?.href, '/v3/users')
  assert.equal(found.access, 'admin')
  assert.deepEqual(found.endpoints['identity']!.version, [3, 14])
  assert.deepEqual(found.endpoints['compute']!.version, [2, 1])
  assert.equal(found.endpoints['placement']!.max?.[0], 1)
  for (const type of ['compute', 'identity', 'image', 'network', 'placement']) assert.ok(found.all.includes(type), type)
})

interface Discovered {
  root: object[]
  v3: object[]
  home: { resources: Record<string, { href?: string }> }
  access: string
  endpoints: Record<string, { url: string; version: number[] | null; max: number[] | null }>
  all: string[]
}

/** The application of protected_app.py with options on top of the common ones. */
async function protect(options: Record<string, unknown> = {}) {
  const authtoken = {
    auth_type: 'password',
    auth_url: cloud.url('identity'),
    www_authenticate_uri: `${cloud.url('identity')}/v3`,
    username: 'guard',
    password: 'secret-of-the-guard',
    project_name: 'service',
    user_domain_name: 'Default',
    project_domain_name: 'Default',
    token_cache_time: -1,
    service_token_roles_required: true,
    ...options,
  }
  const file = join(folder, 'application.conf')
  const lines = Object.entries(authtoken).map(([name, value]) => `${name} = ${String(value)}`)
  writeFileSync(file, `[keystone_authtoken]\n${lines.join('\n')}\n`)
  const program = new LineProgram('protected_app.py', [file], {})
  const url = `http://127.0.0.1:${await program.read()}`
  const ask = async (token?: string, { path = '/', serviceToken }: { path?: string; serviceToken?: string } = {}) => {
    const headers = {
      ...(token && { 'X-Auth-Token': token }),
      ...(serviceToken && { 'X-Service-Token': serviceToken }),
    }
    const answer = await fetch(url + path, { headers })
    const text = await answer.text()
    const said = answer.status === 200 ? (JSON.parse(text) as Record<string, string>) : {}
    return { status: answer.status, said, challenge: answer.headers.get('www-authenticate') }
  }
  return { ask, end: () => program.end() }
}

const tokenOf = async (env: Record<string, string> = {}) => String((await openstack.get('token issue', env))['id'])

test('keystonemiddleware accepts, refuses and sees revocations', { skip: why }, async (t) => {
  await openstack.do('user create --password secret-of-the-guard guard')
  await openstack.do('role add --user guard --project service service')
  const application = await protect()
  t.after(application.end)
  const { ask } = application
  const nobody = await ask()
  assert.equal(nobody.status, 401)
  assert.equal(nobody.challenge, `Keystone uri="${cloud.url('identity')}/v3"`)
  assert.equal((await ask('gAAAAABnonsense')).status, 401)

  await openstack.do('user create --password a-long-secret visitor')
  await openstack.do('role add --user visitor --project demo member')
  const visitor = { OS_USERNAME: 'visitor', OS_PASSWORD: 'a-long-secret', OS_PROJECT_NAME: 'demo' }
  const token = await tokenOf(visitor)
  const { status, said } = await ask(token)
  assert.equal(status, 200)
  assert.equal(said['HTTP_X_IDENTITY_STATUS'], 'Confirmed')
  assert.equal(said['HTTP_X_USER_NAME'], 'visitor')
  assert.equal(said['HTTP_X_PROJECT_NAME'], 'demo')
  assert.deepEqual(said['HTTP_X_ROLES']!.split(',').sort(), ['member', 'reader'])
  assert.ok(said['HTTP_X_SERVICE_CATALOG']!.includes('identity'))
  const serviceToken = await tokenOf({
    OS_USERNAME: 'guard',
    OS_PASSWORD: 'secret-of-the-guard',
    OS_PROJECT_NAME: 'service',
  })
  const both = await ask(token, { serviceToken })
  assert.equal(both.said['HTTP_X_SERVICE_USER_NAME'], 'guard')
  assert.ok(both.said['HTTP_X_SERVICE_ROLES']!.split(',').includes('service'))
  assert.equal((await ask(token, { serviceToken: token })).status, 401, 'no service: it lacks the role')

  const second = await tokenOf(visitor)
  await openstack.do(`token revoke ${token}`)
  assert.equal((await ask(token)).status, 401, 'revoked')
  assert.equal((await ask(second)).status, 200)
  await openstack.do('role remove --user visitor --project demo member')
  assert.equal((await ask(second)).status, 401, 'his role is gone')
  await openstack.do('role add --user visitor --project demo member')
  const third = await tokenOf(visitor)
  assert.equal((await ask(third)).status, 200)
  await openstack.do('user set --disable visitor')
  assert.equal((await ask(third)).status, 401, 'disabled')
})

test('keystonemiddleware holds application credentials to their access rules', { skip: why }, async (t) => {
  await openstack.do('service create --name storm weather')
  await openstack.do('endpoint create --region RegionOne storm public http://example.org')
  const application = await protect({ service_type: 'weather' })
  t.after(application.end)
  const rules = '[{"service":"weather","method":"GET","path":"/forecasts/*"}]'
  const made = await openstack.get(`application credential create --access-rules '${rules}' forecaster`)
  const application_credential = { id: made['id'], secret: made['secret'] }
  const answer = await fetch(`${cloud.url('identity')}/v3/auth/tokens`, {
    method: 'POST',
    body: JSON.stringify({ auth: { identity: { methods: ['application_credential'], application_credential } } }),
    headers: { 'Content-Type': 'application/json' },
  })
  const token = answer.headers.get('x-subject-token')!
  assert.equal((await application.ask(token, { path: '/forecasts/today' })).status, 200)
  assert.equal((await application.ask(token, { path: '/archive' })).status, 401)
})
