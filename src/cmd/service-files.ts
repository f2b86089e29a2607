/** Where the configuration and the data of each service are. */
import { join } from 'node:path'
import { paths } from './settings.ts'

/** Upstream's names of the services, for the folders of their configuration. */
const codeNames: Readonly<Record<string, string>> = {
  identity: 'keystone',
  image: 'glance',
  placement: 'placement',
  compute: 'nova',
  network: 'neutron',
}

/** The services that have a database. */
export const serviceTypes = Object.keys(codeNames)

export const codeNameOf = (type: string): string => codeNames[type] ?? type

/** The configuration files of a service, in the order in which they are read. */
export function configFilesOf(stateDir: string, type: string): string[] {
  const { etc } = paths(stateDir)
  const name = codeNameOf(type)
  const files = [join(etc, name, name === 'glance' ? 'glance-api.conf' : `${name}.conf`)]
  if (type === 'network') files.push(join(etc, name, 'plugins/ml2/ml2_conf.ini'))
  return files
}

/** The embedded database of a service. */
export const databaseFileOf = (stateDir: string, type: string): string =>
  join(paths(stateDir).service(type), `${type}.db`)

export const databaseUrlOf = (stateDir: string, type: string): string => `sqlite:///${databaseFileOf(stateDir, type)}`
