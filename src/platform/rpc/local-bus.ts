import {
  controlName,
  isReservedName,
  RpcError,
  type Bus,
  type BusHandler,
  type CallOptions,
  type Caller,
} from './contract.ts'

const defaultTimeout = 60_000

interface Server {
  readonly handler: BusHandler
  /** Only the control plane answers what is asked of no host by name. */
  readonly isControl: boolean
}

/** The bus inside one process. Arguments and replies are copied as JSON, so that nothing comes to depend on sharing. */
export class LocalBus implements Bus {
  /** By topic and host; several processes of a host may serve the same topic. */
  readonly #topics = new Map<string, Map<string, Server[]>>()
  readonly #turn = new Map<string, number>()
  readonly #host: string

  /** `host` is the caller that the other side sees: the control plane, unless said otherwise. */
  constructor(host: string = controlName) {
    this.#host = host
  }

  serve(topic: string, host: string, handler: BusHandler): () => void {
    return this.#add(topic, host, { handler, isControl: true })
  }

  /** Serves on behalf of `name`, which a connection has proved: a host answers for itself and nobody else. */
  serveFor(topic: string, name: string, handler: BusHandler): () => void {
    return this.#add(topic, name, { handler, isControl: isReservedName(name) })
  }

  #add(topic: string, host: string, server: Server): () => void {
    let hosts = this.#topics.get(topic)
    if (!hosts) this.#topics.set(topic, (hosts = new Map()))
    // Of an agent that has connected again the newest connection is the one that lives.
    const others = server.isControl ? (hosts.get(host) ?? []) : []
    hosts.set(host, [...others, server])
    return () => {
      const left = (hosts.get(host) ?? []).filter((each) => each !== server)
      if (left.length > 0) hosts.set(host, left)
      else hosts.delete(host)
    }
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
    for (const servers of this.#topics.get(topic)?.values() ?? [])
      for (const { handler } of servers) handler(method, copy(args), this.#caller(options)).catch(() => undefined)
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
      serve: (topic, name, handler) => this.serveFor(topic, name, handler),
    }
  }

  /** Those that could answer take turns. */
  #pick(topic: string, host: string | null): BusHandler | undefined {
    const hosts = this.#topics.get(topic)
    const all =
      host === null
        ? [...(hosts?.values() ?? [])].flat().filter(({ isControl }) => isControl)
        : (hosts?.get(host) ?? [])
    if (all.length < 2) return all[0]?.handler
    const key = `${topic} ${host ?? ''}`
    const turn = (this.#turn.get(key) ?? 0) + 1
    this.#turn.set(key, turn)
    return all[turn % all.length]!.handler
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
