import type { ComputeDeps, Inventory } from '../deps.ts'
import type { HostReport } from '../model/host.ts'
import { disabledTrait } from '../scheduler/schedule.ts'
import { findComputeService, markSynced, saveHostReport, touchService, type SyncedReport } from '../store/hosts.ts'

/** Heartbeat of a host; placement is told when what it can carry, or whether it takes servers, changed. */
export async function takeHostReport(deps: ComputeDeps, host: string, report: HostReport): Promise<void> {
  await deps.database.transaction((tx) => touchService(tx, host, 'nova-compute', deps.now()))
  await tellPlacement(deps, host, report)
}

/** One after the other for each host: an older word must not come after a newer one. */
export const tellPlacement = (deps: ComputeDeps, host: string, report: HostReport): Promise<void> =>
  deps.mutex.run(`provider of ${host}`, async () => {
    const { database, placement } = deps
    const { node, isDisabled } = await database.transaction(async (tx) => ({
      node: await saveHostReport(tx, host, report, deps.now()),
      isDisabled: (await findComputeService(tx, host))?.isDisabled ?? false,
    }))
    const wanted: SyncedReport = isDisabled ? { ...report, isDisabled } : report
    if (node.synced === JSON.stringify(wanted)) return
    await placement.ensureProvider({ id: node.id, name: report.hypervisorHostname })
    await placement.setInventory(node.id, inventoryOf(deps, report))
    const before = node.synced === '' ? [] : traitsOf(JSON.parse(node.synced) as SyncedReport)
    const add = traitsOf(wanted)
    const gone = [...before, disabledTrait].filter((trait) => !add.includes(trait))
    await placement.changeTraits(node.id, { add, remove: gone })
    await markSynced(database.db, node.id, wanted)
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
    VCPU: line(report.vcpus, config.reservedCpus, config.cpuRatio),
    MEMORY_MB: line(report.memoryMb, config.reservedMemoryMb, config.ramRatio),
    DISK_GB: line(report.diskGb, Math.ceil(config.reservedDiskMb / 1024), config.diskRatio),
  }
  return Object.fromEntries(Object.entries(all).filter(([, { total }]) => total > 0))
}
