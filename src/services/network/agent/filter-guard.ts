/** Notices at once when somebody else takes the packet filters away, changes them or switches them off. */
import { createHash } from 'node:crypto'
import { readTextIfThere } from '../../../host/files.ts'
import { LineMonitor } from '../../../host/line-monitor.ts'
import { nftMonitorCommand, showTableText, type NftTableName } from '../../../host/nft.ts'
import type { Logger } from '../../../platform/log/log.ts'

export interface FilterGuardOptions {
  tables: readonly NftTableName[]
  log: Logger
  /** Resolves when the agent itself changes nothing. */
  whenIdle: () => Promise<void>
  /** The filters are not what was loaded. */
  onLoss: () => void
}

/** Several changes in a row are one. */
const pauseMs = 50
/** No event tells of these switches; reading them costs next to nothing. */
const switchPeriodMs = 500
const switches = ['iptables', 'ip6tables'].map((name) => `/proc/sys/net/bridge/bridge-nf-call-${name}`)

export class FilterGuard {
  readonly #options: FilterGuardOptions
  readonly #monitor = new LineMonitor(nftMonitorCommand)
  #expected: string | undefined
  #accepted: { ruleset: string; fingerprint: string } | undefined
  #again: NodeJS.Timeout | undefined
  #timer: NodeJS.Timeout | undefined
  #switchTimer: NodeJS.Timeout | undefined

  constructor(options: FilterGuardOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    this.#monitor.on('line', () => this.#checkSoon())
    this.#monitor.on('restart', () => this.#checkSoon())
    this.#monitor.on('error', (error) => this.#options.log.warn({ err: error.message }, 'cannot watch packet filters'))
    await this.#monitor.start()
    this.#switchTimer = setInterval(() => void this.#checkSwitches(), switchPeriodMs)
  }

  close(): void {
    this.#monitor.close()
    clearTimeout(this.#timer)
    clearTimeout(this.#again)
    clearInterval(this.#switchTimer)
  }

  /**
   * What is loaded now is as it shall be: `ruleset` was loaded a moment ago. Somebody may have been faster than this look;
   * where the same ruleset gave something else before, it is loaded once more.
   */
  async accept(ruleset: string): Promise<void> {
    const fingerprint = await this.#fingerprint()
    const before = this.#accepted
    this.#accepted = { ruleset, fingerprint }
    this.#expected = fingerprint
    if (before?.ruleset !== ruleset || before.fingerprint === fingerprint) return
    // Not at once: whoever loaded it has still to note that.
    this.#again = setTimeout(() => {
      if (this.#expected === fingerprint) this.#lose('somebody else changed the packet filters while they were loaded')
    }, pauseMs)
  }

  #checkSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#check()
        .catch((error: unknown) => this.#options.log.warn({ err: String(error) }, 'packet filters cannot be read'))
        .finally(() => (this.#timer = undefined))
    }, pauseMs)
  }

  async #check(): Promise<void> {
    await this.#options.whenIdle()
    const expected = this.#expected
    if (expected === undefined) return
    const actual = await this.#fingerprint()
    // Loaded anew meanwhile: there will be another check.
    if (this.#expected === expected && actual !== expected) this.#lose('somebody else changed the packet filters')
  }

  async #checkSwitches(): Promise<void> {
    const values = await Promise.all(switches.map(readTextIfThere))
    if (this.#expected !== undefined && values.some((value) => value?.trim() === '0'))
      this.#lose('somebody else switched packet filters of bridges off')
  }

  /** Once: until they are accepted again nothing is expected. */
  #lose(why: string): void {
    this.#expected = undefined
    this.#options.log.warn({}, why)
    this.#options.onLoss()
  }

  async #fingerprint(): Promise<string> {
    const hash = createHash('sha256')
    for (const table of this.#options.tables) hash.update(`${await showTableText(table)}\0`)
    return hash.digest('hex')
  }
}
