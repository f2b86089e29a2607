/** `domain_config_upload`: the files of domains become rows of the database. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseIni } from '../../../platform/config/ini.ts'
import type { IdentityDeps } from '../deps.ts'
import { ValidationFailed } from '../errors.ts'
import { findRow } from '../store/rows.ts'
import { createDomainConfig } from './domain-config.ts'

export interface Uploaded {
  file: string
  domain: string
  /** Why it was not taken; absent when it was. */
  problem?: string
}

const fileForm = /^keystone\.(.+)\.conf$/

/** Uploads the file of one domain, or all of them. A domain that has a configuration already keeps it. */
export async function uploadDomainConfigs(
  deps: IdentityDeps,
  { all = false, domainName }: { all?: boolean; domainName?: string | undefined },
): Promise<Uploaded[]> {
  if (!all && domainName === undefined)
    throw new ValidationFailed('At least one option must be provided, use either --all or --domain-name')
  if (all && domainName !== undefined)
    throw new ValidationFailed('The --all option cannot be used with the --domain-name option')
  const results: Uploaded[] = []
  for (const { file, domain } of filesIn(deps.config.domainConfigDir, domainName)) {
    const problem = await upload(deps, file, domain)
    results.push({ file, domain, ...(problem !== undefined && { problem }) })
  }
  deps.changed()
  return results
}

function filesIn(folder: string, domainName: string | undefined): { file: string; domain: string }[] {
  if (domainName !== undefined) return [{ file: join(folder, `keystone.${domainName}.conf`), domain: domainName }]
  let names: string[]
  try {
    names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  } catch {
    throw new ValidationFailed(`Unable to locate domain config directory: ${folder}`)
  }
  return names.flatMap((name) => {
    const domain = fileForm.exec(name.split('/').at(-1)!)?.[1]
    return domain === undefined ? [] : [{ file: join(folder, name), domain }]
  })
}

/** What stood against it; undefined when the options are stored, all of them. */
async function upload(deps: IdentityDeps, file: string, name: string): Promise<string | undefined> {
  const { database } = deps
  const domain = await findRow(database.db, 'projects', { name, domain_id: '', is_domain: 1 })
  if (!domain) return `Invalid domain name: ${name} found in config file name: ${file} - ignoring this file.`
  if (await findRow(database.db, 'domain_options', { domain_id: domain.id }))
    return `Domain: ${name} already has a configuration defined - ignoring file: ${file}.`
  try {
    const config: Record<string, Record<string, string>> = {}
    for (const { section, name: option, values } of parseIni(readFileSync(file, 'utf8'), file))
      (config[section] ??= {})[option] = values[0] ?? ''
    await createDomainConfig(deps, domain.id, config)
  } catch (error) {
    return `Error processing config file for domain: ${name}, file: ${file}, error: ${(error as Error).message}`
  }
  return undefined
}
