/** Where the configuration and the data of each service are. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Program } from '../platform/config/upstream.ts'
import { paths } from './settings.ts'

/** Upstream's names of the services, for the folders of their configuration. */
const codeNames: Readonly<Record<string, Program>> = {
  identity: 'keystone',
  image: 'glance',
  placement: 'placement',
  compute: 'nova',
  network: 'neutron',
}

/** The services that have a database. */
export const serviceTypes = Object.keys(codeNames)

export function codeNameOf(type: string): Program {
  const name = codeNames[type]
  if (name === undefined) throw new Error(`${type} is no service`)
  return name
}

/** Names of a service's main file, and of others that its packages write and that only other roles read. */
const fileNames: Readonly<Record<Program, { own: readonly string[]; others: readonly string[] }>> = {
  keystone: { own: ['keystone.conf'], others: [] },
  glance: { own: ['glance-api.conf'], others: ['glance-registry.conf', 'glance-scrubber.conf', 'glance-cache.conf'] },
  placement: { own: ['placement.conf'], others: [] },
  nova: { own: ['nova.conf'], others: ['nova-compute.conf', 'nova-cpu.conf'] },
  neutron: {
    own: ['neutron.conf', 'plugins/ml2/ml2_conf.ini'],
    others: [
      'plugins/ml2/linuxbridge_agent.ini',
      'plugins/ml2/openvswitch_agent.ini',
      'plugins/ml2/ovn_agent.ini',
      'plugins/ml2/sriov_agent.ini',
      'dhcp_agent.ini',
      'l3_agent.ini',
      'metadata_agent.ini',
      'neutron_ovn_metadata_agent.ini',
    ],
  },
}

/** The configuration files of a service, in the order in which they are read; each may have a folder of more beside it. */
export function configFilesOf(stateDir: string, type: string): string[] {
  const program = codeNameOf(type)
  const folder = join(paths(stateDir).etc, program)
  return fileNames[program].own.flatMap((name) => [join(folder, name), ...moreOf(join(folder, `${name}.d`))])
}

/** Files of other roles' programs that are there: nothing is taken from them, which is told. */
export function otherFilesOf(stateDir: string, type: string): string[] {
  const program = codeNameOf(type)
  const folder = join(paths(stateDir).etc, program)
  return fileNames[program].others.map((name) => join(folder, name)).filter((file) => existsSync(file))
}

/** As `oslo.config` reads `nova.conf.d`: the .conf files by their names. */
const moreOf = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.conf'))
        .sort()
        .map((name) => join(folder, name))
    : []

/** The embedded database of a service. */
export const databaseFileOf = (stateDir: string, type: string): string =>
  join(paths(stateDir).service(type), `${type}.db`)

export const databaseUrlOf = (stateDir: string, type: string): string => `sqlite:///${databaseFileOf(stateDir, type)}`
