/**
 * A domain whose 10,000 users live in a real slapd on this machine. JSON lines, milliseconds.
 * Usage: node_modules/.bin/node bench/directory.ts
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { configText, ldapOptionsOf } from '../src/services/identity/testing/directory.ts'
import { openTestIdentity } from '../src/services/identity/testing/identity.ts'
import { group, noSlapd, person, startDirectory } from '../src/services/identity/testing/slapd.ts'
import { print } from './measure.ts'

const users = 10_000

if (noSlapd) throw new Error(noSlapd)
const folder = mkdtempSync(join(tmpdir(), 'nephos-bench-directory-'))
const names = Array.from({ length: users }, (_, at) => `user${at}`)
const entries = names.map((name) => person(name, { userPassword: 'secret', mail: `${name}@example.org` }))
const directory = await startDirectory([...entries, group('staff', names.slice(0, 500))].join(''))
try {
  mkdirSync(join(folder, 'domains'))
  writeFileSync(join(folder, 'domains', 'keystone.corp.conf'), configText(ldapOptionsOf(directory)))
  const identity = await openTestIdentity(
    folder,
    `[identity]\npassword_hash_rounds = 4\ndomain_specific_drivers_enabled = true\ndomain_config_dir = ${folder}/domains\n`,
  )
  const domain = await identity.make('POST', '/domains', { domain: { name: 'corp' } })
  const get = async (path: string) => {
    const { status } = await identity.request('GET', path)
    if (status !== 200) throw new Error(`${path}: ${status}`)
  }
  const login = async (name: string) => {
    const user = { name, password: 'secret', domain: { id: domain.id } }
    const { status } = await identity.authenticate({ methods: ['password'], password: { user } })
    if (status !== 201) throw new Error(`login of ${name}: ${status}`)
  }
  await time('login, users seen for the first time', 200, (at) => login(`user${at}`))
  await time('login, users seen before', 200, (at) => login(`user${at}`))
  const listing = `/users?domain_id=${domain.id}`
  await time(`GET ${listing.slice(0, 17)} of ${users}, first time`, 1, () => get(listing))
  await time('the same again', 3, () => get(listing))
  await time('the same, one user by name', 50, (at) => get(`${listing}&name=user${at}`))
  await time('token validation of a directory user', 20_000, validation(await tokenOf()))
  await identity.service.stop()

  async function tokenOf() {
    const user = { name: 'user1', password: 'secret', domain: { id: domain.id } }
    const answer = await identity.authenticate({ methods: ['password'], password: { user } })
    return answer.headers['X-Subject-Token']!
  }
  function validation(token: string) {
    return async () => {
      if (!(await identity.service.authenticator.validate(token))) throw new Error('not valid')
    }
  }
} finally {
  await directory.close()
  rmSync(folder, { recursive: true })
}

async function time(what: string, times: number, work: (at: number) => Promise<void>) {
  const started = performance.now()
  for (let at = 0; at < times; at++) await work(at)
  const ms = performance.now() - started
  print(what, { ms: Number((ms / times).toFixed(3)), perSecond: Math.round((times * 1000) / ms) })
}
