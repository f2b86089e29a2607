/** The hosts whose state (host-state.ts) has what a transaction touched. */
import { hostsOfGroups, hostsOfPorts, hostsThatServe, networksOn } from '../store/concerned.ts'
import type { Journal } from '../store/journal.ts'
import { groupsIn } from '../store/members.ts'
import { listRows, type NetworkDb } from '../store/rows.ts'

/** By what is there now: of what was there before, the journal has the hosts. */
export async function concernedHosts(tx: NetworkDb, journal: Journal): Promise<Set<string>> {
  const networks = new Set([...journal.networks, ...(await networksOn(tx, journal.tunnels))])
  const hosts = new Set(journal.hosts)
  const served = new Set(journal.served)
  const groups = new Set(journal.groups)
  // Another address of a port is its host's business, DHCP's, and that of all who let its groups in.
  const unseen = [...journal.ports].filter((id) => !journal.portRows.has(id))
  for (const port of await listRows(tx, 'ports', { id: unseen })) {
    hosts.add(port.host_id)
    served.add(port.network_id)
    for (const id of groupsIn(port)) groups.add(id)
  }
  const found = [
    await hostsOfPorts(tx, 'network_id', networks),
    await hostsOfPorts(tx, 'device_id', journal.routers),
    await hostsThatServe(tx, served),
    await hostsOfGroups(tx, groups, journal.addressGroups),
  ]
  for (const host of found.flat()) hosts.add(host)
  hosts.delete('')
  return hosts
}
