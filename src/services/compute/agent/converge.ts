import { DriverError, type ComputeDriver, type Guest, type Note } from '../drivers/driver.ts'
import type { DesiredServer, ServerReport } from '../rpc/conductor.ts'
import type { Journal } from '../../../host/journal.ts'
import type { Applied } from './records.ts'

/** Brings one server to what is wanted of it, and says how it is now. Never rejects. */
export async function converge(
  driver: ComputeDriver,
  records: Journal<Applied>,
  server: DesiredServer,
  guest: Guest | undefined,
): Promise<ServerReport> {
  const events: ServerReport['events'] = []
  const note: Note = (what, startedAt, detail) =>
    events.push({ what, at: startedAt, durationMs: Date.now() - startedAt, ...(detail && { detail }) })
  const report = (power: ServerReport['power'], error: ServerReport['error'] = null): ServerReport => ({
    id: server.id,
    // Never less than what was carried out: by that an older database sees that it is one.
    revision: Math.max(server.revision, records.get(server.id)?.revision ?? 0),
    power,
    rebootGeneration: records.get(server.id)?.rebootGeneration ?? 0,
    events,
    error,
  })
  const applied = records.get(server.id)
  const { name, projectId } = server
  try {
    // The database forgot what came after this wish; it takes over what is there, and its next wish counts again.
    if (applied && server.revision < applied.revision && !server.isDeleted)
      return report(guest?.power ?? 'shutdown', applied.error)
    if (server.power === 'absent') {
      await driver.destroy(server.id)
      records.delete(server.id)
      return report('missing')
    }
    if (applied?.revision === server.revision) return report(guest?.power ?? 'shutdown', applied.error)
    const power = await apply(driver, server, guest, applied?.rebootGeneration ?? 0, note)
    if (power === 'building') return report('building')
    const { revision, reboot } = server
    records.set(server.id, { revision, rebootGeneration: reboot.generation, name, projectId, error: null })
    return report(power)
  } catch (cause) {
    const error = explain(cause)
    if (server.power !== 'absent') {
      // Kept, so that a wish that cannot be fulfilled is not tried for ever; the next wish has another revision.
      const { revision } = server
      records.set(server.id, { revision, rebootGeneration: applied?.rebootGeneration ?? 0, name, projectId, error })
    }
    return report(guest?.power ?? 'shutdown', error)
  }
}

async function apply(
  driver: ComputeDriver,
  server: DesiredServer,
  guest: Guest | undefined,
  rebooted: number,
  note: Note,
): Promise<ServerReport['power']> {
  const isUp = guest !== undefined && guest.power !== 'shutdown'
  if (server.power === 'shutdown') {
    if (isUp) await driver.shutDown(server.id, note)
    if (guest) await driver.updatePorts(server, note)
    return 'shutdown'
  }
  if (!isUp) {
    await driver.prepare(server, note)
    if (server.ports.some((port) => !port.isActive)) return 'building'
    await driver.boot(server, note)
  } else if (server.reboot.generation > rebooted) {
    await driver.prepare(server, note)
    await driver.reboot(server, server.reboot.type, note)
  } else {
    await driver.updatePorts(server, note)
  }
  if (server.power === 'paused') await driver.pause(server.id)
  else if (guest?.power === 'paused') await driver.unpause(server.id)
  return server.power === 'paused' ? 'paused' : 'running'
}

function explain(cause: unknown): NonNullable<ServerReport['error']> {
  if (cause instanceof DriverError) {
    const { message, detail, isEverywhere } = cause
    return { message, detail, ...(isEverywhere && { isEverywhere }) }
  }
  return {
    message: 'The host failed to carry out the operation.',
    detail: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause),
  }
}
