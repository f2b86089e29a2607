/** What is wrong in any file of any service, before anything starts: all of it at once. */
import { isErrno } from '../host/process.ts'
import { ConfigError } from '../platform/config/config.ts'
import { IniError } from '../platform/config/ini.ts'
import type { ServiceDefinition } from '../platform/service.ts'
import { readPolicies } from './policies.ts'
import { configFilesOf } from './service-files.ts'

/** A line for each problem, by type of service. */
export async function problemsOfFiles(
  stateDir: string,
  services: readonly ServiceDefinition[],
): Promise<ReadonlyMap<string, string[]>> {
  const found = await Promise.all(
    services.map(async ({ type, codeName, checkConfig }): Promise<[string, string[]]> => {
      const options = await problemsOf(() => checkConfig(configFilesOf(stateDir, type)))
      const policies = await problemsOf(async () => readPolicies(codeName, configFilesOf(stateDir, type)))
      return [type, [...new Set([...options, ...policies])]]
    }),
  )
  return new Map(found.filter(([, problems]) => problems.length > 0))
}

async function problemsOf(work: () => Promise<unknown>): Promise<string[]> {
  try {
    await work()
    return []
  } catch (error) {
    if (error instanceof ConfigError || error instanceof IniError) return error.message.split('\n')
    if (error instanceof Error && isErrno(error, 'EACCES'))
      return [`${error.message}: the control plane may not read it`]
    throw error
  }
}
