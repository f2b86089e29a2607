import type { Values } from '../../platform/config/options.ts'
import type { Database, Transaction } from '../../platform/db/database.ts'
import type { Logger } from '../../platform/log/log.ts'
import type { options } from './config.ts'
import type { NetworkSchema } from './store/tables.ts'

/** What nova hears of a port of one of its servers. */
export interface PortEvent {
  name: 'network-vif-plugged' | 'network-vif-unplugged' | 'network-vif-deleted' | 'network-changed'
  server: string
  port: string
  /** The agent could not plug it. */
  isFailed?: boolean
}

/** What neutron's operations may use. */
export interface NetworkDeps {
  readonly database: Database<NetworkSchema>
  readonly config: Values<typeof options>
  readonly log: Logger
  /** A write transaction; hosts that follow what it changed have another revision then and are told to look. */
  change<T>(work: (tx: Transaction<NetworkSchema>) => Promise<T>): Promise<T>
  /** Where the search for a free address of a subnet goes on. Only a hint: the database decides. */
  readonly lastAddresses: Map<string, bigint>
  /** Tells nova that ports were plugged, unplugged or deleted, or have other addresses. */
  notifyCompute(events: readonly PortEvent[]): void
}
