import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { warnOfOldDnsmasq } from '../host/dnsmasq.ts'
import { computePrograms, missingPrograms, networkPrograms, type Program } from '../host/packages.ts'
import { prepareGuestUser } from '../deployment/guest-user.ts'
import { ensureGuestImage, guestBuilder, guestImagePath } from './guest-image.ts'
import { providerBridge, type Settings } from '../deployment/settings.ts'
import { ensureProviderBridge } from '../deployment/provider-bridge.ts'

interface PrepareOptions {
  install: boolean
  /** Names of the agent roles that are to run. */
  roles: readonly string[]
  say: (text: string) => void
}

/** Brings the machine to what these roles need: Debian packages, the guest image, the provider bridge. */
export async function prepare(settings: Settings, { install, roles, say }: PrepareOptions): Promise<void> {
  if (settings.fake) return
  const hasGuests = roles.includes('nova-compute')
  const hasNetworks = roles.some((role) => role !== 'nova-compute')
  const programs = [...(hasGuests ? computePrograms : []), ...(hasNetworks ? networkPrograms : [])]
  const missing = await missingPackages(programs, hasGuests)
  if (missing.length > 0) {
    const command = `apt-get install ${missing.join(' ')}`
    if (!install) throw new Error(`Debian packages are missing; install them with: ${command}`)
    say(`Installing Debian packages (once): ${missing.join(' ')}`)
    installPackages(missing)
  }
  if (hasGuests) await prepareGuests(say)
  if (roles.includes('neutron-dhcp-agent')) {
    const warning = await warnOfOldDnsmasq().catch((error: unknown) => String(error))
    if (warning !== undefined) say(`Warning: ${warning}`)
  }
  if (roles.includes('neutron-linuxbridge-agent'))
    await ensureProviderBridge(providerBridge(settings.name), settings.providerCidr)
}

async function prepareGuests(say: PrepareOptions['say']): Promise<void> {
  await ensureGuestImage(say).catch((error: unknown) => {
    // The cloud is useful without it; the next start tries again.
    say(`The guest image cannot be built now: ${error instanceof Error ? error.message : String(error)}`)
  })
  await prepareGuestUser(say)
}

async function missingPackages(programs: readonly Program[], hasGuests: boolean): Promise<string[]> {
  const missing = await missingPrograms(programs)
  const builder =
    existsSync(guestImagePath()) || !hasGuests
      ? []
      : (await guestBuilder()).packages.filter((name) => !isInstalled(name))
  return [...new Set([...missing.map(({ debianPackage }) => debianPackage), ...builder])].sort()
}

let installed: Set<string> | undefined

function isInstalled(name: string): boolean {
  installed ??= new Set(
    readFileSync('/var/lib/dpkg/status', 'utf8')
      .split('\n\n')
      .filter((entry) => /^Status: .* installed$/m.test(entry))
      .flatMap((entry) => /^Package: (.+)$/m.exec(entry)?.[1] ?? []),
  )
  return installed.has(name)
}

function installPackages(packages: readonly string[]) {
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (args: string[]) => spawnSync('apt-get', args, { env: environment, encoding: 'utf8', timeout: 900_000 })
  const arguments_ = ['install', '-y', '--no-install-recommends', ...packages]
  let done = apt(arguments_)
  if (done.status !== 0) {
    // Old package lists name files that the mirror no longer has.
    apt(['update'])
    done = apt(arguments_)
  }
  if (done.status !== 0) {
    throw new Error(`apt-get install failed: ${(done.stderr ?? String(done.error)).trim().split('\n').at(-1)}`)
  }
}
