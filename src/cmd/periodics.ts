/** What comes back by itself in each service, and how it went: read from the databases, for `nephos status`. */
import { listPeriodics, type PeriodicSchema, type PeriodicState } from '../platform/periodic/periodic.ts'
import { withTimeout } from '../platform/rpc/local-bus.ts'
import { askDatabase } from './service-database.ts'

export interface ServicePeriodic extends PeriodicState {
  service: string
}

/** Placement has none. */
const services = ['identity', 'image', 'compute', 'network']
/** A database that does not answer holds nobody up. */
const patienceMs = 3000

/** Of all services, and why those of some cannot be read. `since` is when the cloud was started. */
export async function readPeriodics(
  stateDir: string,
  since: number,
): Promise<{ periodics: ServicePeriodic[]; remarks: string[] }> {
  const remarks: string[] = []
  const read = async (service: string): Promise<ServicePeriodic[]> => {
    try {
      const asked = askDatabase<PeriodicSchema, PeriodicState[]>(stateDir, service, ({ db }) =>
        listPeriodics(db, since),
      )
      const found = (await withTimeout(asked, patienceMs, `the database of ${service}`)) ?? []
      return found.map((each) => ({ service, ...each }))
    } catch (error) {
      remarks.push(error instanceof Error ? error.message : String(error))
      return []
    }
  }
  return { periodics: (await Promise.all(services.map(read))).flat(), remarks }
}

const time = (at: number) => new Date(at).toISOString()

/** A line for each that failed or is late. */
export const troubles = (periodics: readonly ServicePeriodic[]): string[] =>
  periodics.flatMap(({ service, name, endedAt, nextAt, error, isLate }) => {
    const what = `${service}: "${name}"`
    if (error !== null) return [`${what} failed at ${time(endedAt)}: ${error.replaceAll('\n', '; ')}`]
    return isLate
      ? [`${what} is late: it ended last at ${time(endedAt)} and was to begin again at ${time(nextAt)}`]
      : []
  })

/** All of them, as lines of a table. */
export function periodicTable(periodics: readonly ServicePeriodic[]): string[] {
  const rows = periodics.map(({ service, name, startedAt, nextAt, owner, error }) => [
    service,
    name,
    time(startedAt),
    time(nextAt),
    owner === null ? '-' : shortName(owner),
    (error ?? '').replaceAll('\n', '; '),
  ])
  const all = [['SERVICE', 'PERIODIC', 'LAST', 'NEXT', 'PROCESS', 'LAST ERROR'], ...rows]
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)))
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  )
}

/** A process is named by its machine, its id and what makes both unique. */
const shortName = (owner: string): string => {
  const [machine = '', pid = ''] = owner.split('/')
  return `${machine.slice(0, 8)}/${pid}`
}
