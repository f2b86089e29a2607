/** A MariaDB of a test's own, in a folder and on a port of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from './api.ts'
import { collect } from './cloud.ts'

/** Why there can be none; empty where it can. */
export const noMariadb = !existsSync('/usr/sbin/mariadbd')
  ? 'needs mariadb-server'
  : process.getuid?.() !== 0
    ? 'needs root'
    : ''

const freePort = () =>
  new Promise<number>((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })

export class Mariadb {
  readonly port: number
  readonly #folder: string
  #server: ChildProcess | undefined

  private constructor(folder: string, port: number) {
    this.#folder = folder
    this.port = port
  }

  /** Makes one and starts it; its user `nephos` with the password `p@ss` may do everything. */
  static async start(...args: readonly string[]): Promise<Mariadb> {
    const mariadb = new Mariadb(mkdtempSync(join(tmpdir(), 'nph-maria-')), await freePort())
    const how = ['--no-defaults', '--user=root', `--datadir=${mariadb.#data}`]
    const { code, output } = await collect(['mariadb-install-db', ...how, '--auth-root-authentication-method=normal'])
    if (code !== 0) throw new Error(output)
    await mariadb.up(...args)
    await mariadb.run("create user nephos@'127.0.0.1' identified by 'p@ss'; grant all on *.* to nephos@'127.0.0.1'")
    return mariadb
  }

  get #data() {
    return join(this.#folder, 'data')
  }

  /** The URL of the server, without the name of a database. */
  get url() {
    return `mysql+pymysql://nephos:p%40ss@127.0.0.1:${this.port}`
  }

  /** Starts the server (again). */
  async up(...args: readonly string[]): Promise<void> {
    const where = [`--datadir=${this.#data}`, `--socket=${this.#socket}`, `--port=${this.port}`]
    // A server that starts removes temporary tables that it finds, those of other servers too.
    where.push(`--tmpdir=${this.#folder}`)
    const always = ['--no-defaults', '--user=root', '--bind-address=127.0.0.1', ...where]
    this.#server = spawn('/usr/sbin/mariadbd', [...always, ...args], { stdio: 'ignore' })
    await eventually('MariaDB answers', async () => (await this.#ask('select 1')).code === 0, 60)
  }

  get #socket() {
    return join(this.#folder, 's.sock')
  }

  #ask(statements: string) {
    return collect(['mariadb', '--no-defaults', `--socket=${this.#socket}`, '-e', statements])
  }

  async run(statements: string): Promise<void> {
    const { code, output } = await this.#ask(statements)
    if (code !== 0) throw new Error(output)
  }

  /** Ends the server. */
  async down(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const server = this.#server
    if (!server || server.exitCode !== null || server.signalCode !== null) return
    const gone = new Promise((resolve) => server.once('exit', resolve))
    server.kill(signal)
    await gone
  }

  /** Ends it and leaves nothing. */
  async remove(): Promise<void> {
    await this.down('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
