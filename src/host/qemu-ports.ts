/** Where a device can be plugged into a running q35 guest. */
import { rootPortPrefix } from './qemu-arguments.ts'
import type { QmpClient } from './qmp.ts'

/**
 * The root ports without a device, in order: values for `bus` of `device_add`. Asks QEMU's object tree, because
 * `query-pci` shows nothing behind a port until the guest's BIOS has numbered it.
 */
export async function listFreeRootPorts(qmp: Pick<QmpClient, 'execute'>): Promise<string[]> {
  const peripheral = '/machine/peripheral'
  const children = (await qmp.execute('qom-list', { path: peripheral })) as { name: string; type: string }[]
  const devices = children.filter(({ type }) => type.startsWith('child<'))
  const ports = devices.filter(({ type }) => type === 'child<pcie-root-port>').map(({ name }) => name)
  const buses = await Promise.all(
    devices.map(({ name }) => qmp.execute('qom-get', { path: `${peripheral}/${name}`, property: 'parent_bus' })),
  )
  const taken = new Set(buses.map((bus) => String(bus).split('/').at(-1)))
  const numberOf = (port: string) => Number(port.slice(rootPortPrefix.length))
  return ports.filter((port) => !taken.has(port)).sort((a, b) => numberOf(a) - numberOf(b))
}
