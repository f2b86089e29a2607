import { RpcError, type Bus, type BusHandler, type CallOptions, type Caller } from './contract.ts'

const defaultTimeout = 60_000

/** The bus inside one process. Arguments and replies are copied as JSON, so that nothing comes to depend on sharing. */
export class LocalBus implements Bus {
  readonly #topics = new Map<string, Map<string, BusHandler>>()
  readonly #turn = new Map<string, number>()
  readonly #host: string

  /** `host` is the caller that the other side sees. */
  constructor(host: string) {
    this.#host = host
  }

  serve(topic: string, host: string, handler: BusHandler): () => void {
    let hosts = this.#topics.get(topic)
    if (!hosts) this.#topics.set(topic, (hosts = new Map()))
    hosts.set(host, handler)
    return () => void (hosts.get(host) === handler && hosts.delete(host))
  }

  /** True when somebody answers for `host` (any host when null). */
  serves(topic: string, host: string | null): boolean {
    const hosts = this.#topics.get(topic)
    return hosts !== undefined && (host === null ? hosts.size > 0 : hosts.has(host))
  }

  call(topic: string, host: string | null, method: string, args: unknown, options: CallOptions = {}): Promise<unknown> {
    return this.dispatch(topic, host, method, args, this.#caller(options), options.timeoutMs)
  }

  async cast(
    topic: string,
    host: string | null,
    method: string,
    args: unknown,
    options: CallOptions = {},
  ): Promise<void> {
    // A lost cast is healed by reconciling; its sender must not wait or fail.
    this.dispatch(topic, host, method, args, this.#caller(options)).catch(() => undefined)
  }

  async fanout(topic: string, method: string, args: unknown, options: CallOptions = {}): Promise<void> {
    for (const host of this.#topics.get(topic)?.keys() ?? []) void this.cast(topic, host, method, args, options)
  }

  /** Delivers a message on behalf of `caller` (a connection of another process). */
  async dispatch(
    topic: string,
    host: string | null,
    method: string,
    args: unknown,
    caller: Caller,
    timeoutMs = defaultTimeout,
  ): Promise<unknown> {
    const handler = this.#pick(topic, host)
    if (!handler) throw new RpcError(`nobody serves ${topic}${host ? ` on ${host}` : ''}`, 'NoServer')
    const reply = await withTimeout(handler(method, copy(args), caller), timeoutMs, `${topic}.${method}`)
    return copy(reply)
  }

  /** The same bus as seen by an agent of another host: what it sends carries that host's name. */
  forHost(host: string): Bus {
    const caller = (options: CallOptions = {}): Caller => ({ host, requestId: options.requestId ?? null })
    return {
      call: (topic, to, method, args, options) =>
        this.dispatch(topic, to, method, args, caller(options), options?.timeoutMs),
      cast: async (topic, to, method, args, options) => {
        this.dispatch(topic, to, method, args, caller(options)).catch(() => undefined)
      },
      fanout: (topic, method, args, options) => this.fanout(topic, method, args, options),
      serve: (topic, name, handler) => this.serve(topic, name, handler),
    }
  }

  #pick(topic: string, host: string | null): BusHandler | undefined {
    const hosts = this.#topics.get(topic)
    if (!hosts || host !== null) return hosts?.get(host ?? '')
    const names = [...hosts.keys()]
    const turn = (this.#turn.get(topic) ?? 0) + 1
    this.#turn.set(topic, turn)
    return hosts.get(names[turn % names.length] ?? '')
  }

  #caller(options: CallOptions): Caller {
    return { host: this.#host, requestId: options.requestId ?? null }
  }
}

/** As it arrives on any bus: nothing is null. */
const copy = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null))

/** Rejects with RpcError when `work` takes longer than `ms`. */
export function withTimeout<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new RpcError(`${what} did not answer within ${ms} ms`, 'Timeout')), ms)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
