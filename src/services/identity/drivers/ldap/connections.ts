/** Connections to the LDAP servers of one directory: a bounded pool, bound as this service, and one per login. */
import { readdirSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { ConnectionOptions } from 'node:tls'
import { Client, ResultCodeError } from 'ldapts'
import { DirectoryDown } from '../driver.ts'
import type { LdapSettings } from './settings.ts'

/** Seconds for a connection where `connection_timeout` says -1: keystone's "for ever" would hold up logins. */
const defaultTimeout = 10

interface Pooled {
  client: Client
  url: string
  /** When it is to be replaced. */
  ends: number
}

export class Connections {
  readonly #settings: LdapSettings
  readonly #urls: readonly string[]
  readonly #connectMs: number
  readonly #waitMs: number
  #idle: Pooled[] = []
  #open = 0
  #logins = 0
  #waiting: (() => void)[] = []
  #isClosed = false

  /** Throws an Error that says what to do where the options contradict each other or a file cannot be read. */
  constructor(settings: LdapSettings) {
    this.#settings = settings
    const urls = settings.url.split(/[\s,]+/).filter((url) => url !== '')
    for (const url of urls) {
      if (!/^ldaps?:\/\//i.test(url)) throw new Error(`[ldap] url: '${url}' is no ldap:// or ldaps:// address`)
      if (/^ldaps:/i.test(url) && settings.useTls) {
        throw new Error('[ldap] use_tls and an ldaps:// url exclude each other: remove one of them')
      }
    }
    if (urls.length === 0) throw new Error('[ldap] url names no server')
    this.#urls = settings.randomizeUrls ? urls.toSorted(() => Math.random() - 0.5) : urls
    const seconds = settings.connectionTimeout > 0 ? settings.connectionTimeout : defaultTimeout
    this.#connectMs = seconds * 1000
    this.#waitMs = (settings.poolConnectionTimeout > 0 ? settings.poolConnectionTimeout : 3 * seconds) * 1000
    this.#tlsOptions(urls[0]!)
  }

  /** Runs `work` on a connection that is bound as this service. Rejects with DirectoryDown when there is none. */
  async use<T>(work: (client: Client) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const pooled = await this.#take()
      try {
        const result = await work(pooled.client)
        this.#giveBack(pooled)
        return result
      } catch (error) {
        // An answer of the server, such as "no such object", leaves the connection good.
        if (error instanceof ResultCodeError) {
          this.#giveBack(pooled)
          throw error
        }
        this.#drop(pooled)
        if (attempt > this.#settings.poolRetryMax || !isLost(error)) throw this.#down(error)
        await pause(this.#settings.poolRetryDelay * 1000)
      }
    }
  }

  /** True when the server takes that name and password. */
  async tryLogin(dn: string, password: string): Promise<boolean> {
    // An empty password would be an anonymous login, which succeeds for everyone.
    if (dn === '' || password === '') return false
    if (this.#logins >= this.#settings.authPoolSize) throw new DirectoryDown('too many logins at the directory at once')
    this.#logins++
    try {
      return await this.#firstReachable(async (client) => {
        try {
          await client.bind(dn, password)
          return true
        } catch (error) {
          if (error instanceof ResultCodeError) return false
          throw error
        } finally {
          void client.unbind().catch(() => undefined)
        }
      })
    } finally {
      this.#logins--
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const idle = this.#idle
    this.#idle = []
    await Promise.all(idle.map((pooled) => pooled.client.unbind().catch(() => undefined)))
  }

  async #take(): Promise<Pooled> {
    for (;;) {
      if (this.#isClosed) throw new DirectoryDown('the directory is no longer configured')
      const pooled = this.#idle.pop()
      if (pooled && pooled.ends > Date.now() && pooled.client.isBound) return pooled
      if (pooled) this.#drop(pooled)
      else if (this.#open < Math.max(1, this.#settings.poolSize)) return this.#connect()
      else await this.#wait()
    }
  }

  async #connect(): Promise<Pooled> {
    this.#open++
    const { user, password, poolConnectionLifetime } = this.#settings
    try {
      return await this.#firstReachable(async (client, url) => {
        await client.bind(user, user === '' ? '' : password)
        return { client, url, ends: Date.now() + poolConnectionLifetime * 1000 }
      })
    } catch (error) {
      this.#leave()
      throw this.#down(error)
    }
  }

  /** The first server that `work` can reach; an answer, also a refusal, ends the search. */
  async #firstReachable<T>(work: (client: Client, url: string) => Promise<T>): Promise<T> {
    let last: unknown
    for (const url of this.#urls) {
      const isPlain = !/^ldaps:/i.test(url)
      const client = new Client({
        url,
        connectTimeout: this.#connectMs,
        // A search may take longer than to connect, but not for ever.
        timeout: 3 * this.#connectMs,
        strictDN: false,
        ...(!isPlain && { tlsOptions: this.#tlsOptions(url) }),
      })
      try {
        if (isPlain && this.#settings.useTls) await client.startTLS(this.#tlsOptions(url))
        return await work(client, url)
      } catch (error) {
        void client.unbind().catch(() => undefined)
        if (error instanceof ResultCodeError) throw error
        last = error
      }
    }
    throw this.#down(last)
  }

  #tlsOptions(url: string): ConnectionOptions {
    const { tlsCacertfile, tlsCacertdir, tlsReqCert } = this.#settings
    const host = new URL(url).hostname.replace(/^\[(.*)\]$/, '$1')
    const files = [
      ...(tlsCacertfile === '' ? [] : [tlsCacertfile]),
      ...(tlsCacertdir === '' ? [] : readdirSync(tlsCacertdir).map((name) => join(tlsCacertdir, name))),
    ]
    return {
      host,
      ...(isIP(host) === 0 && { servername: host }),
      ...(files.length > 0 && { ca: files.map((file) => readFileSync(file)) }),
      rejectUnauthorized: tlsReqCert === 'demand',
    }
  }

  #giveBack(pooled: Pooled) {
    if (this.#isClosed || !this.#settings.usePool) return this.#drop(pooled)
    this.#idle.push(pooled)
    this.#waiting.shift()?.()
  }

  #drop(pooled: Pooled) {
    void pooled.client.unbind().catch(() => undefined)
    this.#leave()
  }

  #leave() {
    this.#open--
    this.#waiting.shift()?.()
  }

  #wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      const awake = () => {
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((each) => each !== awake)
        reject(new DirectoryDown('every connection to the directory is in use'))
      }, this.#waitMs)
      this.#waiting.push(awake)
    })
  }

  #down(cause: unknown): DirectoryDown {
    if (cause instanceof DirectoryDown) return cause
    return new DirectoryDown(`the LDAP server ${this.#urls.join(', ')} cannot be used`, { cause })
  }
}

/** The connection broke, as opposed to a request that took too long: worth another try. */
const isLost = (error: unknown): boolean => !/timeout|timed out/i.test((error as Error).message)

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
