/** Several placements on one MariaDB: what differs from SQLite is that their transactions run side by side. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { testSeveralProcesses } from '../../src/services/placement/testing/several-processes.ts'
import { eventually } from '../api.ts'
import { collect } from '../cloud.ts'

const why = !existsSync('/usr/sbin/mariadbd') ? 'needs mariadb-server' : process.getuid?.() !== 0 ? 'needs root' : ''
let folder = ''
let port = 0
let server: ChildProcess | undefined
let databases = 0

const freePort = () =>
  new Promise<number>((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })

const run = (statements: string) =>
  collect(['mariadb', '--no-defaults', `--socket=${join(folder, 's.sock')}`, '-e', statements])

before(async () => {
  if (why) return
  folder = mkdtempSync(join(tmpdir(), 'nph-placement-maria-'))
  port = await freePort()
  const own = ['--no-defaults', '--user=root', `--datadir=${join(folder, 'data')}`]
  const made = await collect(['mariadb-install-db', ...own, '--auth-root-authentication-method=normal'])
  assert.equal(made.code, 0, made.output)
  const where = [`--socket=${join(folder, 's.sock')}`, `--port=${port}`, '--bind-address=127.0.0.1']
  server = spawn('/usr/sbin/mariadbd', [...own, ...where], { stdio: 'ignore' })
  await eventually('MariaDB answers', async () => (await run('select 1')).code === 0, 60)
  await run("create user nephos@'127.0.0.1' identified by 'secret'; grant all on *.* to nephos@'127.0.0.1'")
})

after(() => {
  server?.kill('SIGKILL')
  if (folder) rmSync(folder, { recursive: true, force: true })
})

if (why) test('several placements on MariaDB', { skip: why }, () => undefined)
else {
  testSeveralProcesses(async () => {
    const name = `placement${databases++}`
    await run(`create database ${name}`)
    return `mysql+pymysql://nephos:secret@127.0.0.1:${port}/${name}`
  })
}
