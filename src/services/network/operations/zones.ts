import { zoneNotFound } from '../errors.ts'
import { listRows, type NetworkDb } from '../store/rows.ts'

/** Agents name no zone of their own yet: all are in neutron's default one. */
export const defaultZone = 'nova'

/** Throws AvailabilityZoneNotFound on hints that no agent of this kind is in. */
export async function requireZones(
  tx: NetworkDb,
  agentType: 'DHCP agent' | 'L3 agent',
  hints: readonly string[] | undefined,
): Promise<void> {
  if (hints === undefined || hints.length === 0) return
  const agents = await listRows(tx, 'agents', { agent_type: agentType })
  const unknown = hints.find((hint) => hint !== defaultZone || agents.length === 0)
  if (unknown !== undefined) throw zoneNotFound(unknown)
}
