import { rpcClient } from '../platform/rpc/contract.ts'
import { operatorContract } from '../services/compute/rpc/operator.ts'
import { UsageError, type Arguments } from './arguments.ts'
import { asOperator } from './operator.ts'

const usage = 'use: nephos guests, nephos guests adopt ID…, nephos guests remove ID…'
const reasons = {
  unknown: 'no server of the database',
  elsewhere: 'its server is not on this host',
} as const

/** `nephos guests`: lists guests that no server stands for; `adopt` and `remove` decide what becomes of them. */
export async function guests(args: Arguments): Promise<number> {
  const [verb, ...ids] = args.rest
  if (verb === undefined) return await asOperator(args.stateDir, (bus) => list(rpcClient(bus, operatorContract), args))
  if ((verb !== 'adopt' && verb !== 'remove') || ids.length === 0) throw new UsageError(usage)
  return await asOperator(args.stateDir, async (bus) => {
    const nova = rpcClient(bus, operatorContract)
    let failures = 0
    for (const id of ids) {
      try {
        const { host } = await (verb === 'adopt' ? nova.adoptGuest(null, { id }) : nova.removeGuest(null, { id }))
        console.log(
          verb === 'adopt' ? `${id} is server ${id}'s on ${host}.` : `${id} and its disks are gone from ${host}.`,
        )
      } catch (error) {
        failures++
        console.error(`nephos: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
    return failures === 0 ? 0 : 1
  })
}

type Operator = ReturnType<typeof rpcClient<typeof operatorContract>>

async function list(nova: Operator, { json }: Arguments): Promise<number> {
  const { guests: found } = await nova.listGuests(null, {})
  if (json) console.log(JSON.stringify(found))
  else if (found.length === 0) console.log('Every guest is that of a server.')
  else for (const each of found) for (const line of describe(each)) console.log(line)
  return 0
}

function describe({
  host,
  id,
  verdict,
  guest,
}: Awaited<ReturnType<Operator['listGuests']>>['guests'][number]): string[] {
  if (!guest) return [`${id} on ${host}: its host does not answer`]
  const { name, projectId, power, since, disks } = guest
  const who = name === '' ? 'name not known' : `'${name}' of project ${projectId}`
  const when = since === null ? '' : ` since ${new Date(since).toISOString()}`
  return [
    `${id} on ${host}: ${who}, ${power}; ${reasons[verdict]}${when}`,
    ...disks.map(({ file, bytes }) => `  ${file} (${Math.ceil(bytes / 1024 ** 2)} MiB)`),
  ]
}
