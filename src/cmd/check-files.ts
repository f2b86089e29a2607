/** What is wrong in any file of any service, before anything starts: all of it at once. */
import { ConfigError, loadConfig } from '../platform/config/config.ts'
import { IniError } from '../platform/config/ini.ts'
import { readImageConfig } from '../services/image/config.ts'
import { loadComputeConfig } from '../services/compute/config.ts'
import { fileOptions } from '../services/identity/config.ts'
import { options as networkOptions } from '../services/network/config.ts'
import { options as placementOptions } from '../services/placement/config.ts'
import { readPolicies } from './policies.ts'
import { codeNameOf, configFilesOf } from './service-files.ts'

const readers: Readonly<Record<string, (files: readonly string[]) => unknown>> = {
  identity: (files) => loadConfig('keystone', fileOptions, files),
  image: (files) => readImageConfig(files),
  placement: (files) => loadConfig('placement', placementOptions, files),
  compute: (files) => loadComputeConfig(files),
  network: (files) => loadConfig('neutron', networkOptions, files),
}

/** A line for each problem, by service. */
export function problemsOfFiles(stateDir: string): ReadonlyMap<string, string[]> {
  const problems = new Map<string, string[]>()
  for (const [type, read] of Object.entries(readers)) {
    const files = configFilesOf(stateDir, type)
    const found = [() => read(files), () => readPolicies(codeNameOf(type), files)].flatMap(problemsOf)
    if (found.length > 0) problems.set(type, [...new Set(found)])
  }
  return problems
}

function problemsOf(work: () => unknown): string[] {
  try {
    work()
    return []
  } catch (error) {
    if (error instanceof ConfigError || error instanceof IniError) return error.message.split('\n')
    throw error
  }
}
