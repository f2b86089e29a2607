import { rpcClient } from '../platform/rpc/contract.ts'
import { operatorContract } from '../services/compute/rpc/operator.ts'
import { agentContracts } from '../services/network/rpc/host-state.ts'
import { neutronOperatorContract } from '../services/network/rpc/operator.ts'
import { UsageError, type Arguments } from './arguments.ts'
import { asOperator } from './operator.ts'

/** `nephos host`: lists hosts that wait for a decision; `accept` takes one as it is now. */
export async function host(args: Arguments): Promise<number> {
  const [verb, name] = args.rest
  if (verb !== undefined && (verb !== 'accept' || name === undefined))
    throw new UsageError('use: nephos host, nephos host accept NAME')
  return await asOperator(args.stateDir, async (bus) => {
    const nova = rpcClient(bus, operatorContract)
    const neutron = rpcClient(bus, neutronOperatorContract)
    const { hosts: held } = await nova.listHeldHosts(null, {})
    const { hosts: keeping } = await neutron.listKeepingHosts(null, {})
    if (name === undefined) {
      if (args.json) console.log(JSON.stringify({ held, keeping }))
      else if (held.length + keeping.length === 0) console.log('No host waits for a decision.')
      else {
        for (const each of held) console.log(`${each.host} is held: ${each.obstacle}`)
        for (const each of keeping) console.log(`${each.host} keeps networks and ports: ${each.reason}`)
      }
      return 0
    }
    const waiting = held.find((each) => each.host === name)
    const parts = keeping.find((each) => each.host === name)?.parts ?? []
    if (!waiting && parts.length === 0) throw new Error(`host '${name}' waits for nothing; see nephos host`)
    if (waiting) {
      // Ports first: the agent goes on as soon as nova knows the name, and must find them under it.
      if (waiting.was !== null) await neutron.renameHost(null, { from: waiting.was, to: name })
      await nova.acceptHost(null, { host: name })
      console.log(
        waiting.was === null
          ? `Host ${name} is accepted.`
          : `Everything of ${waiting.was} is ${name}'s now; the host goes on.`,
      )
    } else {
      for (const part of parts) await rpcClient(bus, agentContracts[part]).followServer(name, {})
      console.log(`Host ${name} follows neutron-server: what it does not name is removed.`)
    }
    return 0
  })
}
