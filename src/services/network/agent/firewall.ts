/** Loads the filters of a host's ports: all at once, and only when they changed. */
import { run } from '../../../host/command.ts'
import { setSysctls } from '../../../host/netns.ts'
import { loadRuleset } from '../../../host/nft.ts'
import { attempt, type AgentContext, type Round } from './context.ts'
import type { FilterGuard } from './filter-guard.ts'
import { renderFilters, tableNames } from './filters.ts'
import type { Memory } from './memory.ts'

const switchesKey = 'bridge-nf'
const filtersKey = 'filters'

/** All is done anew next time. */
export function forgetFirewall(memory: Memory): void {
  memory.forget(switchesKey)
  memory.forget(filtersKey)
}

/** Returns whether all ports are filtered as they shall be; `guard` watches over what is loaded. */
export async function convergeFirewall(
  context: AgentContext,
  round: Round,
  memory: Memory,
  guard: Pick<FilterGuard, 'accept'>,
): Promise<boolean> {
  const names = tableNames(context.cloudName)
  for (const name of names) round.wanted.tables.add(name)
  const where = { what: 'packet filters' }
  return attempt(round, where, async () => {
    await memory.once(switchesKey, true, passInetFilters)
    for (const name of names) await context.owned.claim('tables', name)
    const { text, problems } = renderFilters(round.state, context)
    round.failures.push(...problems)
    let error: unknown
    await memory.once(filtersKey, text, async () => {
      try {
        await loadRuleset(text)
        await guard.accept(text)
        return true
      } catch (reason) {
        error = reason
        return false
      }
    })
    if (error !== undefined) throw error
  })
}

/** Bridged packets shall pass the inet filters, where connections are known; without that no guest may be plugged. */
async function passInetFilters(): Promise<boolean> {
  const settings = { 'net/bridge/bridge-nf-call-iptables': 1, 'net/bridge/bridge-nf-call-ip6tables': 1 }
  try {
    await setSysctls(settings)
  } catch {
    await run(['modprobe', 'br_netfilter'])
    await setSysctls(settings)
  }
  return true
}
