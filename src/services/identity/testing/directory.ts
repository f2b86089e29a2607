/** A cloud with a domain whose users live in a real OpenLDAP server, for tests. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { startIdentity, type TestIdentity } from './identity.ts'
import { rootDn, rootPassword, suffix, type TestDirectory } from './slapd.ts'

/** The options of a domain whose directory is that server. */
export const ldapOptionsOf = (directory: Pick<TestDirectory, 'url'>): Record<string, string | number | boolean> => ({
  url: directory.url,
  user: rootDn,
  password: rootPassword,
  suffix,
  user_id_attribute: 'uid',
  user_name_attribute: 'uid',
  user_enabled_attribute: 'enabled',
  connection_timeout: 1,
  pool_retry_max: 1,
})

export const configText = (options: Record<string, string | number | boolean>): string =>
  `[identity]\ndriver = ldap\n[ldap]\n${Object.entries(options)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('')}`

/** Starts identity with a file for the domain `corp`, which exists; `more` is text of keystone.conf. */
export async function startWithDirectory(
  t: TestContext,
  directory: TestDirectory,
  { more = '', options = {} }: { more?: string; options?: Record<string, string | number | boolean> } = {},
): Promise<{ identity: TestIdentity; domainId: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-domains-'))
  t.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'domains'))
  writeFileSync(join(folder, 'domains', 'keystone.corp.conf'), configText({ ...ldapOptionsOf(directory), ...options }))
  const identity = await startIdentity(
    t,
    `domain_specific_drivers_enabled = true\ndomain_config_dir = ${join(folder, 'domains')}\n${more}`,
  )
  const domain = await identity.make('POST', '/domains', { domain: { name: 'corp' } })
  return { identity, domainId: domain.id }
}
