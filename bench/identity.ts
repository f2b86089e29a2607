/**
 * Identity alone, one process over HTTP; the clients are in another thread. JSON lines; `ratio` compares with a bare
 * node:http server that sends the same bytes in the same run, in a process of its own. Usage: npm run bench identity
 */
import autocannon from 'autocannon'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../src/platform/db/database.ts'
import { serve } from '../src/platform/http/server.ts'
import { createLogger } from '../src/platform/log/log.ts'
import type { IdentitySchema } from '../src/services/identity/store/tables.ts'
import { withKey } from '../src/services/identity/store/names.ts'
import { newUser } from '../src/services/identity/store/new-rows.ts'
import { byPassword, openTestIdentity } from '../src/services/identity/testing/identity.ts'
import { print } from './measure.ts'
import { bareServer } from './processes.ts'

const seconds = 4
const folder = mkdtempSync(join(tmpdir(), 'nephos-bench-identity-'))
const identity = await openTestIdentity(folder, '[identity]\npassword_hash_rounds = 10\n')
const server = await serve(identity.service.apps['identity']!, {
  host: '127.0.0.1',
  port: 0,
  log: createLogger({ name: 'bench', level: 'fatal' }),
})
const base = `http://127.0.0.1:${server.port}/v3`
const database = openDatabase<IdentitySchema>(`sqlite:///${join(folder, 'identity.db')}`)
const project = { project: { name: 'admin', domain: { id: 'default' } } }

const service = { project: { name: 'service', domain: { id: 'default' } } }

try {
  const token = await identity.login('admin', 'admin-password', project)
  await validations('token validation, no revocation', token, true)
  await revoke(100_000)
  await validations('token validation, 100,000 revocations', token)
  await firstSight()
  await withLogins(token)
  await load('password token issue', { method: 'POST', path: '/auth/tokens', body: passwordBody() }, 4)
  await load('token by token', { method: 'POST', path: '/auth/tokens', body: tokenBody(token) })
  await load('token by application credential', {
    method: 'POST',
    path: '/auth/tokens',
    body: await credentialBody(token),
  })
  await makeUsers(10_000)
  const asAdmin = { 'X-Auth-Token': token }
  await load('GET /v3/users?limit=100 of 10,000', { path: '/users?limit=100', headers: asAdmin }, 1)
  await load('GET /v3/users, all 10,000', { path: '/users', headers: asAdmin }, 1)
  await load('GET /v3/auth/catalog', { path: '/auth/catalog', headers: asAdmin })
} finally {
  await server.close(0)
  await identity.service.stop()
  await database.close()
  rmSync(folder, { recursive: true })
}

interface Request {
  method?: 'GET' | 'POST'
  path: string
  headers?: Record<string, string>
  body?: string
}

/** Runs one request from so many connections. Throws when any answer is not a success. */
async function load(name: string, request: Request, connections = 16, url = base): Promise<number> {
  const result = await autocannon({
    url: url + request.path,
    connections,
    duration: seconds,
    workers: 1,
    method: request.method ?? 'GET',
    headers: { ...request.headers, ...(request.body !== undefined && { 'content-type': 'application/json' }) },
    ...(request.body !== undefined && { body: request.body }),
  })
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${name}: ${result.non2xx + result.errors} answers failed`)
  print(name, { perSecond: Math.round(result.requests.average), p50: result.latency.p50, p99: result.latency.p99 })
  return result.requests.average
}

async function validations(name: string, token: string, compared = false) {
  const headers = { 'X-Auth-Token': token, 'X-Subject-Token': token }
  const rate = await load(name, { path: '/auth/tokens', headers })
  if (!compared) return
  const answer = await (await fetch(`${base}/auth/tokens`, { headers })).text()
  const bare = await bareServer({ bytes: answer })
  const baseline = await load('  baseline: the same bytes from node:http', { path: '', headers }, 16, bare.url)
  print('  ratio to the baseline', { ratio: Number((rate / baseline).toFixed(2)) })
  bare.stop()
}

/** Validations of tokens that were never seen: each costs its queries, however many revocations there are. */
async function firstSight() {
  const scoped = await Promise.all(Array.from({ length: 1000 }, () => identity.login('nova', 'nova-password', service)))
  await forget()
  const started = performance.now()
  for (const token of scoped) await identity.service.authenticator.validate(token)
  const each = (performance.now() - started) / scoped.length
  print('first validation of a token, 100,000 revocations', { perSecond: Math.round(1000 / each) })
}

/** A change: what is known of tokens is dropped. */
async function forget() {
  const token = await identity.login('nova', 'nova-password', service)
  await identity.request('DELETE', '/auth/tokens', { token, headers: { 'x-subject-token': token } })
}

/** Four clients log in by password meanwhile. */
async function withLogins(token: string) {
  const stop = new AbortController()
  const logins = Array.from({ length: 4 }, async () => {
    while (!stop.signal.aborted) await identity.authenticate(byPassword('admin', 'admin-password'), project)
  })
  await validations('token validation while 4 clients log in by password', token)
  stop.abort()
  await Promise.all(logins)
}

async function revoke(count: number) {
  const none = {
    audit_chain_id: null,
    user_id: null,
    project_id: null,
    domain_id: null,
    trust_id: null,
    consumer_id: null,
  }
  await insert('revocation_events', count, () => ({
    ...none,
    id: crypto.randomUUID(),
    audit_id: crypto.randomUUID(),
    revoked_at: Date.now(),
  }))
  await forget()
}

async function makeUsers(count: number) {
  await insert('users', count, (index) => newUser({ name: `user-${index}`, domain_id: 'default' }))
}

async function insert<T extends 'users' | 'revocation_events'>(
  table: T,
  count: number,
  row: (index: number) => IdentitySchema[T],
) {
  for (let from = 0; from < count; from += 500) {
    const rows = Array.from({ length: Math.min(500, count - from) }, (_, index) => row(from + index))
    await database.transaction(
      async (tx) =>
        void (await tx
          .insertInto(table)
          .values(rows.map((each) => withKey(table, each)) as never)
          .execute()),
    )
  }
}

function passwordBody(): string {
  return JSON.stringify({ auth: { identity: byPassword('admin', 'admin-password'), scope: project } })
}

function tokenBody(id: string): string {
  return JSON.stringify({ auth: { identity: { methods: ['token'], token: { id } }, scope: project } })
}

async function credentialBody(token: string): Promise<string> {
  const { user } = (
    (await (
      await fetch(`${base}/auth/tokens`, { headers: { 'X-Auth-Token': token, 'X-Subject-Token': token } })
    ).json()) as { token: { user: { id: string } } }
  ).token
  identity.admin = token
  const made = await identity.make<{ id: string; secret: string }>(
    'POST',
    `/users/${user.id}/application_credentials`,
    {
      application_credential: { name: 'bench' },
    },
  )
  const application_credential = { id: made.id, secret: made.secret }
  return JSON.stringify({ auth: { identity: { methods: ['application_credential'], application_credential } } })
}
