/**
 * Typed messages between the roles of one service. A contract lists methods with the schemas of request and reply;
 * values are checked and copied on every bus, the in-process one too, so that one process behaves like twenty.
 */
import type { Static, TSchema } from 'typebox'
import { findProblem } from '../http/schema.ts'

export interface MethodContract<Args extends TSchema = TSchema, Reply extends TSchema = TSchema> {
  readonly args: Args
  /** Absent for casts: nobody waits for an answer. */
  readonly reply?: Reply
}

export interface Contract<Methods extends Record<string, MethodContract> = Record<string, MethodContract>> {
  /** Where the messages go, e.g. `compute`, `conductor`. */
  readonly topic: string
  readonly version: string
  readonly methods: Methods
}

export const defineContract = <const Methods extends Record<string, MethodContract>>(
  contract: Contract<Methods>,
): Contract<Methods> => contract

/** The name that an operator's command has on the bus; no host can be called so. */
export const operatorName = '#operator'

/** The name of every process of the control plane. */
export const controlName = '#control'

/** Names that are no hosts' are proved by the control plane's own key. */
export const isReservedName = (name: string): boolean => name.startsWith('#')

/** Refuses everybody but the control plane. */
export function requireControl({ host }: Caller): void {
  if (host !== controlName) throw new RpcError(`host ${host} is not the control plane`, 'Forbidden')
}

/** Refuses everybody but an operator's command. */
export function requireOperator({ host }: Caller): void {
  if (host !== operatorName) throw new RpcError(`host ${host} is not the operator`, 'Forbidden')
}

/** Who called: the host that the connection was authenticated for, and the request that started it all. */
export interface Caller {
  readonly host: string
  readonly requestId: string | null
}

export interface CallOptions {
  requestId?: string | null
  timeoutMs?: number
}

/** A message carrier. Rejects with RpcError on timeouts, unknown hosts and errors of the other side. */
export interface Bus {
  call(topic: string, host: string | null, method: string, args: unknown, options?: CallOptions): Promise<unknown>
  cast(topic: string, host: string | null, method: string, args: unknown, options?: CallOptions): Promise<void>
  /** Reaches every host that serves the topic now. */
  fanout(topic: string, method: string, args: unknown, options?: CallOptions): Promise<void>
  /** Answers messages to `topic` on `host`; the returned function stops that. */
  serve(topic: string, host: string, handler: BusHandler): () => void
}

export type BusHandler = (method: string, args: unknown, caller: Caller) => Promise<unknown>

/** A call that got no good answer. `kind` is the other side's error class where it had one. */
export class RpcError extends Error {
  readonly kind: string
  constructor(message: string, kind = 'RpcError', options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}

type ArgsOf<M extends MethodContract> = Static<M['args']>
type ReplyOf<M extends MethodContract> = M['reply'] extends TSchema ? Static<M['reply']> : void

export type RpcClient<C extends Contract> = {
  [Name in keyof C['methods']]: (
    host: string | null,
    args: ArgsOf<C['methods'][Name]>,
    options?: CallOptions,
  ) => Promise<ReplyOf<C['methods'][Name]>>
}

/** A typed client: `client.build('host1', {...})`; `null` as host means any that serves the topic. */
export function rpcClient<C extends Contract>(bus: Bus, contract: C): RpcClient<C> {
  const entries = Object.entries(contract.methods).map(([name, method]) => [
    name,
    (host: string | null, args: unknown, options?: CallOptions) =>
      method.reply
        ? bus.call(contract.topic, host, name, args, options)
        : bus.cast(contract.topic, host, name, args, options),
  ])
  return Object.fromEntries(entries) as RpcClient<C>
}

/** Casts of a contract that reach every host which serves it: `all.look({...})`. */
export type RpcFanout<C extends Contract> = {
  [Name in keyof C['methods']]: (args: ArgsOf<C['methods'][Name]>, options?: CallOptions) => Promise<void>
}

/** A typed client for messages to all. */
export function rpcFanout<C extends Contract>(bus: Bus, contract: C): RpcFanout<C> {
  const entries = Object.keys(contract.methods).map((name) => [
    name,
    (args: unknown, options?: CallOptions) => bus.fanout(contract.topic, name, args, options),
  ])
  return Object.fromEntries(entries) as RpcFanout<C>
}

export type RpcHandlers<C extends Contract> = {
  [Name in keyof C['methods']]: (
    args: ArgsOf<C['methods'][Name]>,
    caller: Caller,
  ) => Promise<ReplyOf<C['methods'][Name]>>
}

/** Serves a contract; arguments that do not match their schema are refused before a handler sees them. */
export function rpcServe<C extends Contract>(
  bus: Bus,
  contract: C,
  host: string,
  handlers: RpcHandlers<C>,
): () => void {
  return bus.serve(contract.topic, host, async (name, args, caller) => {
    const method = Object.hasOwn(contract.methods, name) ? contract.methods[name] : undefined
    if (!method) throw new RpcError(`${contract.topic} has no method '${name}'`, 'UnsupportedMethod')
    const problem = findProblem(method.args, args)
    if (problem)
      throw new RpcError(`${contract.topic}.${name}: ${problem.path.join('.')} ${problem.message}`, 'BadMessage')
    return handlers[name as keyof C['methods']](args as never, caller)
  })
}
