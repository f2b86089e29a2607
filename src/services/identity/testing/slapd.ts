/** A real OpenLDAP server for tests: its own process on a loopback port, with data in a temporary folder. */
import { spawn, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer, connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Attribute, Change, Client } from 'ldapts'
import { waitFor } from '../../../base/wait.ts'

const program = '/usr/sbin/slapd'

/** Why tests with a directory are skipped; false when they can run. */
export const noSlapd: string | false = existsSync(program) ? false : 'slapd is not installed (apt-get install slapd)'

export const suffix = 'dc=example,dc=org'
export const rootDn = `cn=admin,${suffix}`
export const rootPassword = 'the-directory-itself'

export interface TestDirectory {
  readonly url: string
  readonly port: number
  /** `ldaps://` on another port, with a certificate for 127.0.0.1 that `caFile` signs. */
  readonly tlsUrl: string
  readonly caFile: string
  /** Stops the server; its data stay. */
  stop(): Promise<void>
  start(): Promise<void>
  /** Suspends the process, so that it takes connections and never answers. */
  suspend(): Promise<void>
  resume(): void
  /** Adds entries as LDIF. */
  add(ldif: string): Promise<void>
  /** Changes an attribute of the entry at that place below the suffix. */
  modify(place: string, operation: 'add' | 'delete' | 'replace', attribute: string, value: string): Promise<void>
  remove(place: string): Promise<void>
  close(): Promise<void>
}

/** Starts a server with the entries of `ldif`. */
export async function startDirectory(ldif: string): Promise<TestDirectory> {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-slapd-'))
  const data = join(folder, 'data')
  mkdirSync(data)
  const caFile = makeCertificate(folder)
  const config = join(folder, 'slapd.conf')
  writeFileSync(config, configText(folder, data), { mode: 0o600 })
  const file = join(folder, 'entries.ldif')
  writeFileSync(file, `${base}\n${ldif}`)
  const added = spawnSync('/usr/sbin/slapadd', ['-f', config, '-l', file], { encoding: 'utf8' })
  if (added.status !== 0) throw new Error(`slapadd: ${added.stderr}`)
  const port = await freePort()
  const tlsPort = await freePort()
  let child: ReturnType<typeof spawn> | undefined

  const start = async () => {
    const urls = `ldap://127.0.0.1:${port} ldaps://127.0.0.1:${tlsPort}`
    child = spawn(program, ['-f', config, '-h', urls, '-d', '0'], { stdio: 'ignore' })
    await answers(port)
    await answers(tlsPort)
  }
  const stop = async () => {
    const running = child
    child = undefined
    if (!running || running.exitCode !== null) return
    const ended = new Promise((resolve) => running.once('exit', resolve))
    running.kill('SIGCONT')
    running.kill('SIGTERM')
    await ended
  }
  await start()
  return {
    url: `ldap://127.0.0.1:${port}`,
    port,
    tlsUrl: `ldaps://127.0.0.1:${tlsPort}`,
    caFile,
    start,
    stop,
    async suspend() {
      child?.kill('SIGSTOP')
      await waitFor(() => areAllStopped(child!.pid!), { what: 'slapd stands still', timeoutMs: 5000 })
    },
    resume: () => void child?.kill('SIGCONT'),
    add: (text) =>
      asRoot(port, async (client) => {
        for (const { dn, attributes } of readLdif(text)) await client.add(dn, attributes)
      }),
    modify: (place, operation, attribute, value) =>
      asRoot(port, (client) =>
        client.modify(
          `${place},${suffix}`,
          new Change({ operation, modification: new Attribute({ type: attribute, values: [value] }) }),
        ),
      ),
    remove: (place) => asRoot(port, (client) => client.del(`${place},${suffix}`)),
    async close() {
      await stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function asRoot(port: number, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ url: `ldap://127.0.0.1:${port}` })
  try {
    await client.bind(rootDn, rootPassword)
    await work(client)
  } finally {
    await client.unbind()
  }
}

function readLdif(text: string): { dn: string; attributes: Record<string, string[]> }[] {
  return text
    .split('\n\n')
    .filter((block) => block.trim() !== '')
    .map((block) => {
      const pairs = block
        .trim()
        .split('\n')
        .map((line) => line.split(': ') as [string, string])
      const attributes: Record<string, string[]> = {}
      for (const [name, value] of pairs.slice(1)) (attributes[name] ??= []).push(value)
      return { dn: pairs[0]![1], attributes }
    })
}

const base = `dn: ${suffix}
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: ou=Users,${suffix}
objectClass: organizationalUnit
ou: Users

dn: ou=UserGroups,${suffix}
objectClass: organizationalUnit
ou: UserGroups
`

const configText = (folder: string, data: string) => `
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
attributetype ( 1.3.6.1.4.1.99999.1.1 NAME 'enabled' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.1.2 NAME 'userAccountControl' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.99999.2.1 NAME 'testAccount' SUP top AUXILIARY MAY ( enabled $ userAccountControl ) )
pidfile ${folder}/slapd.pid
argsfile ${folder}/slapd.args
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile ${folder}/ca.pem
TLSCertificateFile ${folder}/server.pem
TLSCertificateKeyFile ${folder}/server.key
database mdb
maxsize 16777216
suffix "${suffix}"
rootdn "${rootDn}"
rootpw ${rootPassword}
directory ${data}
index objectClass,uid,member eq
access to attrs=userPassword by anonymous auth by * none
access to * by * read
`

/** A certificate for 127.0.0.1 that is its own CA; returns its file. */
function makeCertificate(folder: string): string {
  const ca = join(folder, 'ca.pem')
  const files = ['-keyout', join(folder, 'server.key'), '-out', ca]
  const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const made = spawnSync('openssl', ['req', '-x509', '-nodes', '-days', '2', '-newkey', 'rsa:2048', ...names, ...files])
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr.toString()}`)
  copyFileSync(ca, join(folder, 'server.pem'))
  return ca
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function answers(port: number): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => (socket.destroy(), resolve(true)))
      socket.once('error', () => resolve(false))
    })
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`slapd does not answer on port ${port}`)
}

/** An entry of a person below ou=Users. */
export const person = (uid: string, attributes: Readonly<Record<string, string>> = {}): string =>
  [
    `dn: uid=${uid},ou=Users,${suffix}`,
    'objectClass: inetOrgPerson',
    'objectClass: testAccount',
    `uid: ${uid}`,
    `cn: ${attributes['cn'] ?? uid}`,
    `sn: ${attributes['sn'] ?? uid}`,
    ...Object.entries(attributes)
      .filter(([name]) => name !== 'cn' && name !== 'sn')
      .map(([name, value]) => `${name}: ${value}`),
    '',
    '',
  ].join('\n')

/** An entry of a group below ou=UserGroups. */
export const group = (cn: string, members: readonly string[], description = ''): string =>
  [
    `dn: cn=${cn},ou=UserGroups,${suffix}`,
    'objectClass: groupOfNames',
    `cn: ${cn}`,
    `ou: ${cn}`,
    ...(description === '' ? [] : [`description: ${description}`]),
    ...members.map((uid) => `member: ${uid.includes('=') ? uid : `uid=${uid},ou=Users,${suffix}`}`),
    '',
    '',
  ].join('\n')

/** A signal takes its time to reach every thread. */
const areAllStopped = (pid: number): boolean =>
  readdirSync(`/proc/${pid}/task`).every((thread) =>
    /\) T /.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')),
  )
