import type { ComputeDeps, Inventory } from '../deps.ts'
import type { HostReport } from '../model/host.ts'
import { changeNodeId, markSynced, saveHostReport, touchService } from '../store/hosts.ts'

/** Heartbeat of a host; placement is told when what it can carry changed. */
export async function takeHostReport(deps: ComputeDeps, host: string, report: HostReport): Promise<void> {
  const { database, placement } = deps
  const node = await database.transaction(async (tx) => {
    await touchService(tx, host, 'nova-compute', deps.now())
    return saveHostReport(tx, host, report, deps.now())
  })
  if (node.isSynced) return
  // A provider of this name is the host's, from before this database.
  const id = await placement.ensureProvider({ id: node.id, name: report.hypervisorHostname })
  if (id !== node.id) await changeNodeId(database.db, node.id, id)
  await placement.setInventory(id, inventoryOf(deps, report))
  await placement.setTraits(id, report.traits)
  await markSynced(database.db, id, report)
}

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
