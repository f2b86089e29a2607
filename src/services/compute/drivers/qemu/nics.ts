/** Network cards of a running guest: plugged and unplugged through QMP until they are those that are wanted. */
import { TimedOut } from '../../../../base/wait.ts'
import { isPlainPci } from '../../../../host/qemu-devices.ts'
import { nicBackend, nicDevice, type GuestNic } from '../../../../host/qemu-arguments.ts'
import { listFreeRootPorts } from '../../../../host/qemu-ports.ts'
import { QmpError, type QmpClient } from '../../../../host/qmp.ts'
import type { Hardware } from '../../model/hardware/hardware.ts'
import type { DesiredServer } from '../../rpc/conductor.ts'
import { DriverError, type Note } from '../driver.ts'

type Port = DesiredServer['ports'][number]

const prefix = 'nic-'
/** More make nothing faster without as many processors. */
const maxQueues = 8
/** A guest that is up gives a device back within a second; one that is still booting, or hung, does not. */
const unplugMs = 20_000

/** The card of a port, the same in every life of the guest. */
export function nicOf({ id, tap, mac, mtu }: Port, hardware: Hardware, vcpus: number): GuestNic {
  const model = hardware.nicModel === 'virtio' ? 'virtio-net-pci' : hardware.nicModel
  const { isPackedRing } = hardware
  return { id: `${prefix}${id.slice(0, 11)}`, tap, mac, mtu, model, queues: queuesOf(hardware, vcpus), isPackedRing }
}

/** How often the tap of a card is opened. */
export const queuesOf = ({ isMultiQueue, nicModel }: Hardware, vcpus: number): number =>
  isMultiQueue && nicModel === 'virtio' ? Math.min(vcpus, maxQueues) : 1

/** The cards that the guest has, by id. */
export async function listNics(qmp: QmpClient): Promise<string[]> {
  const children = (await qmp.execute('qom-list', { path: '/machine/peripheral' })) as { name: string; type: string }[]
  return children.flatMap(({ name, type }) => (name.startsWith(prefix) && type.startsWith('child<') ? [name] : []))
}

export async function plugNic(qmp: QmpClient, nic: GuestNic, machine: Hardware['machine'], note: Note): Promise<void> {
  const started = Date.now()
  const bus = machine === 'pc' ? undefined : await freePort(qmp, nic)
  await removeBackend(qmp, nic.id) // of an attempt that was cut
  await qmp.execute('netdev_add', nicBackend(nic))
  try {
    await qmp.execute('device_add', nicDevice(nic, bus))
  } catch (error) {
    await removeBackend(qmp, nic.id)
    throw error
  }
  note('plug interface', started, nic.tap)
}

/** A machine `pc` has room beside its chips; of q35 only what root ports can have is plugged while it runs. */
async function freePort(qmp: QmpClient, { model = 'virtio-net-pci' }: GuestNic): Promise<string> {
  const message = 'The server has no free slot for another interface.'
  if (isPlainPci(model))
    throw new DriverError(`${message} Cards of model ${model} come with a reboot.`, 'plain PCI on q35')
  const [bus] = await listFreeRootPorts(qmp)
  if (bus === undefined) throw new DriverError(message, 'no root port')
  return bus
}

export async function unplugNic(qmp: QmpClient, id: string, note: Note): Promise<void> {
  const started = Date.now()
  const isAbout = (data: Readonly<Record<string, unknown>>) => data['device'] === id
  const answer = qmp.waitForEvent(
    ({ name, data }) => (name === 'DEVICE_DELETED' || name === 'DEVICE_UNPLUG_GUEST_ERROR') && isAbout(data),
    { timeoutMs: unplugMs },
  )
  answer.catch(() => {})
  try {
    await qmp.execute('device_del', { id })
  } catch (error) {
    // An earlier request is still with the guest.
    if (!(error instanceof QmpError) || !/in the process of unplug/.test(error.description)) throw error
  }
  const refused = 'The guest did not let go of the interface.'
  try {
    if ((await answer).name !== 'DEVICE_DELETED') throw new DriverError(refused, `the guest refused to unplug ${id}`)
  } catch (error) {
    if (error instanceof TimedOut) throw new DriverError(refused, error.message, { cause: error })
    throw error
  }
  await removeBackend(qmp, id)
  note('unplug interface', started)
}

async function removeBackend(qmp: QmpClient, id: string): Promise<void> {
  try {
    await qmp.execute('netdev_del', { id: `${id}-net` })
  } catch (error) {
    if (!(error instanceof QmpError)) throw error
  }
}
