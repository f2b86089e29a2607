/** Names of a server's disks as nova tells them to guests and clients; guests may see others. */
import type { Server } from './server.ts'

/** Source: nova/virt/libvirt/blockinfo.py (get_dev_prefix_for_disk_bus). */
const prefixes: Readonly<Record<string, string>> = { virtio: 'vd', ide: 'hd', scsi: 'sd', sata: 'sd', usb: 'sd' }

/** By what is on them: `root`, `ephemeral0`, `swap`. */
export function blockDevicesOf({ image, flavor }: Pick<Server, 'image' | 'flavor'>): Record<string, string> {
  const prefix = prefixes[image?.properties['hw_disk_bus'] ?? 'virtio'] ?? 'vd'
  const names = ['root', ...(flavor.ephemeralGb > 0 ? ['ephemeral0'] : []), ...(flavor.swapMb > 0 ? ['swap'] : [])]
  return Object.fromEntries(names.map((name, index) => [name, `/dev/${prefix}${'abc'[index]}`]))
}
