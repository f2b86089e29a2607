/**
 * What a transaction changes of what hosts follow. A host's state is made of rows (server/host-state.ts); whoever writes
 * one of them here need not know whom it concerns, and nobody can forget to say it.
 */
import { groupsIn, writeMembers } from './members.ts'
import type { NetworkDb, Row, Table } from './tables.ts'

/** What was touched, by what the hosts are found that have it. */
export class Journal {
  readonly hosts = new Set<string>()
  /** All hosts of a network have it: what the network is, where which MAC is. */
  readonly networks = new Set<string>()
  /** Only DHCP and the routers of a network have it: subnets, ports with their addresses. */
  readonly served = new Set<string>()
  /** Ports whose addresses changed. */
  readonly ports = new Set<string>()
  /** Ports whose own rows were written, so that all whom they concern are noted. */
  readonly portRows = new Set<string>()
  readonly groups = new Set<string>()
  readonly addressGroups = new Set<string>()
  readonly routers = new Set<string>()
  /** Hosts that are met at another address. */
  readonly tunnels = new Set<string>()
  isForAll = false

  get isEmpty(): boolean {
    const { hosts, networks, served, ports, groups, addressGroups, routers, tunnels } = this
    const all = [hosts, networks, served, ports, groups, addressGroups, routers, tunnels]
    return !this.isForAll && all.every((each) => each.size === 0)
  }
}

const journals = new WeakMap<NetworkDb, Journal>()

/** From now on notes what is written in `tx`. */
export function keepJournal(tx: NetworkDb): Journal {
  const journal = new Journal()
  journals.set(tx, journal)
  return journal
}

/** That of a transaction of `NetworkDeps.change`. Throws elsewhere: hosts would never hear of what is written there. */
export function journalOf(tx: NetworkDb, table: string): Journal {
  const journal = journals.get(tx)
  if (!journal) throw new Error(`${table}: what hosts follow is written within a change only`)
  return journal
}

interface Followed<T extends Table> {
  /** Those that a host's state is made of. */
  columns: readonly (keyof Row<T> & string)[]
  /** `isOther` says of a column that it has another value, or that the row came or went. */
  note(journal: Journal, row: Row<T>, isOther: (...columns: (keyof Row<T>)[]) => boolean): void
}

const followed: { readonly [T in Table]?: Followed<T> } = {
  networks: {
    columns: ['network_type', 'physical_network', 'segmentation_id', 'mtu', 'admin_state_up'],
    note: ({ networks }, { id }) => networks.add(id),
  },
  subnets: {
    columns: [
      'cidr',
      'gateway_ip',
      'enable_dhcp',
      'dns_nameservers',
      'host_routes',
      'ipv6_ra_mode',
      'ipv6_address_mode',
    ],
    note: ({ served }, { network_id: id }) => served.add(id),
  },
  ports: {
    columns: [
      'mac_address',
      'admin_state_up',
      'device_id',
      'device_owner',
      'port_security_enabled',
      'security_groups',
      'allowed_address_pairs',
      'extra_dhcp_opts',
      'host_id',
      'vif_type',
      'dns_name',
    ],
    note(journal, port, isOther) {
      journal.portRows.add(port.id)
      journal.served.add(port.network_id)
      for (const id of groupsIn(port)) journal.groups.add(id)
      if (port.host_id === '') return
      journal.hosts.add(port.host_id)
      if (isOther('host_id', 'mac_address')) journal.networks.add(port.network_id)
    },
  },
  ip_allocations: { columns: [], note: ({ ports }, { port_id: id }) => ports.add(id) },
  security_groups: { columns: ['stateful'], note: ({ groups }, { id }) => groups.add(id) },
  security_group_rules: { columns: [], note: ({ groups }, { security_group_id: id }) => groups.add(id) },
  address_groups: { columns: ['addresses'], note: ({ addressGroups }, { id }) => addressGroups.add(id) },
  routers: { columns: ['admin_state_up', 'enable_snat', 'routes'], note: ({ routers }, { id }) => routers.add(id) },
  floating_ips: {
    columns: ['router_id', 'fixed_ip_address', 'floating_ip_address'],
    note: ({ routers }, { router_id: id }) => void (id !== null && routers.add(id)),
  },
  agents: { columns: ['host', 'tunnel_ip'], note: ({ tunnels }, { host }) => tunnels.add(host) },
}

/** Whether hosts have to do with rows of this table, or with these columns of it. */
export const isFollowed = (table: Table, columns?: readonly string[]): boolean => {
  const known: readonly string[] | undefined = followed[table]?.columns
  return known !== undefined && (columns === undefined || columns.some((column) => known.includes(column)))
}

/** To be called after each write, with the row that was there and the one that is. */
export async function noteWrite<T extends Table>(
  db: NetworkDb,
  table: T,
  before: Row<T> | undefined,
  after: Row<T> | undefined,
): Promise<void> {
  const rule = followed[table] as Followed<T> | undefined
  if (!rule) return
  const isOther = (...columns: (keyof Row<T>)[]) =>
    before === undefined || after === undefined || columns.some((column) => before[column] !== after[column])
  if (before && after && !isOther(...rule.columns)) return
  const journal = journalOf(db, table)
  if (before) rule.note(journal, before, isOther)
  if (after) rule.note(journal, after, isOther)
  if (table === 'ports') await writeMembers(db, before as Row<'ports'> | undefined, after as Row<'ports'> | undefined)
}
