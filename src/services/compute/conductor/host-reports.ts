import type { ComputeDeps, Inventory } from '../deps.ts'
import type { HostReport } from '../model/host.ts'
import { disabledTrait } from '../scheduler/schedule.ts'
import {
  changeNodeId,
  findComputeService,
  markSynced,
  saveHostReport,
  touchService,
  type SyncedReport,
} from '../store/hosts.ts'

/** Heartbeat of a host; placement is told when what it can carry, or whether it takes servers, changed. */
export async function takeHostReport(deps: ComputeDeps, host: string, report: HostReport): Promise<void> {
  await deps.database.transaction((tx) => touchService(tx, host, 'nova-compute', deps.now()))
  await tellPlacement(deps, host, report)
}

/** Tells placement what it does not know yet; one word after the other for each host, the newest last. */
export async function tellPlacement(deps: ComputeDeps, host: string, report: HostReport): Promise<void> {
  if ((await known(deps, host, report)).isSynced) return
  await deps.leases.exclusively(`host/${host}/provider`, async () => {
    const { placement, database } = deps
    const { id: nodeId, told, wanted, isSynced } = await known(deps, host, report)
    if (isSynced) return
    // A provider of this name is the host's, from before this database.
    const id = await placement.ensureProvider({ id: nodeId, name: report.hypervisorHostname })
    if (id !== nodeId) await changeNodeId(database.db, nodeId, id)
    await placement.setInventory(id, inventoryOf(deps, report))
    const add = traitsOf(wanted)
    const remove = [...(told === '' ? [] : traitsOf(JSON.parse(told) as SyncedReport)), disabledTrait]
    await placement.changeTraits(id, { add, remove: remove.filter((trait) => !add.includes(trait)) })
    await markSynced(database.db, id, wanted)
  })
}

/** The host's node, what placement was told of it last, and what it should be told. */
const known = ({ database, now }: ComputeDeps, host: string, report: HostReport) =>
  database.transaction(async (tx) => {
    const { id, synced } = await saveHostReport(tx, host, report, now())
    const isDisabled = (await findComputeService(tx, host))?.isDisabled ?? false
    const wanted: SyncedReport = isDisabled ? { ...report, isDisabled } : report
    return { id, told: synced, wanted, isSynced: synced === JSON.stringify(wanted) }
  })

/** What nova says of a host in placement; an operator's own traits stay beside these. */
const traitsOf = ({ traits, isDisabled }: SyncedReport): string[] => (isDisabled ? [...traits, disabledTrait] : traits)

/** What placement may give away of a host. Source: nova/virt/libvirt (update_provider_tree), nova.conf's ratios. */
export function inventoryOf({ config }: Pick<ComputeDeps, 'config'>, report: HostReport): Record<string, Inventory> {
  const line = (total: number, reserved: number, ratio: number): Inventory => ({
    total,
    reserved: Math.min(reserved, total),
    min_unit: 1,
    max_unit: Math.max(total, 1),
    step_size: 1,
    allocation_ratio: ratio,
  })
  const all = {
    VCPU: line(report.vcpus, config.reservedCpus, config.cpuRatioOfAll || config.cpuRatio),
    MEMORY_MB: line(report.memoryMb, config.reservedMemoryMb, config.ramRatioOfAll || config.ramRatio),
    DISK_GB: line(report.diskGb, Math.ceil(config.reservedDiskMb / 1024), config.diskRatioOfAll || config.diskRatio),
  }
  return Object.fromEntries(Object.entries(all).filter(([, { total }]) => total > 0))
}
