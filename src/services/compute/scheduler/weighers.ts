/** Best host first: most free memory, CPU and disk, each relative to the best candidate; soft group policies weigh more. */
import type { Candidate } from '../deps.ts'
import type { Host } from '../model/host.ts'
import type { Request } from './filters.ts'

export interface Placeable {
  host: Host
  candidate: Candidate
}

export function sortByWeight(hosts: readonly Placeable[], request: Pick<Request, 'group' | 'groupHosts'>): Placeable[] {
  const free = ({ candidate }: Placeable, resourceClass: string) => {
    const summary = candidate.summary[resourceClass]
    return summary ? summary.capacity - summary.used : 0
  }
  const classes = ['MEMORY_MB', 'VCPU', 'DISK_GB']
  const best = classes.map((each) => Math.max(1, ...hosts.map((host) => free(host, each))))
  const inGroup = ({ host }: Placeable) => request.groupHosts.filter((each) => each === host.host).length
  const soft = request.group?.policy === 'soft-affinity' ? 10 : request.group?.policy === 'soft-anti-affinity' ? -10 : 0
  const weight = (host: Placeable) =>
    classes.reduce((sum, each, index) => sum + free(host, each) / best[index]!, 0) +
    soft * inGroup(host) +
    Math.random() * 1e-6
  return hosts
    .map((host) => ({ host, weight: weight(host) }))
    .sort((a, b) => b.weight - a.weight)
    .map(({ host }) => host)
}
