/** Where the configuration and the data of each service are. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isThere } from '../base/is-there.ts'
import type { Program } from '../platform/config/upstream.ts'
import { serviceOf, services } from './services.ts'
import { paths } from './settings.ts'

/** The services that have a database. */
export const serviceTypes: readonly string[] = services.map(({ type }) => type)

/** Upstream's name of a service, which the folder of its configuration has. */
export const codeNameOf = (type: string): Program => serviceOf(type).codeName

/** The configuration files of a service, in the order in which they are read; each may have a folder of more beside it. */
export function configFilesOf(stateDir: string, type: string): string[] {
  const { codeName, files } = serviceOf(type)
  const folder = join(paths(stateDir).etc, codeName)
  return files.own.flatMap((name) => [join(folder, name), ...moreOf(join(folder, `${name}.d`))])
}

/** Files of other roles' programs that are there: nothing is taken from them, which is told. */
export function otherFilesOf(stateDir: string, type: string): string[] {
  const { codeName, files } = serviceOf(type)
  const folder = join(paths(stateDir).etc, codeName)
  return files.others.map((name) => join(folder, name)).filter((file) => isThere(file))
}

/** As `oslo.config` reads `nova.conf.d`: the .conf files by their names. */
const moreOf = (folder: string): string[] =>
  isThere(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.conf'))
        .sort()
        .map((name) => join(folder, name))
    : []

/** The embedded database of a service. */
export const databaseFileOf = (stateDir: string, type: string): string =>
  join(paths(stateDir).service(type), `${type}.db`)

export const databaseUrlOf = (stateDir: string, type: string): string => `sqlite:///${databaseFileOf(stateDir, type)}`
