/** One of neutron's agents of a host in a process of its own, as the deployment starts it. Arguments: ROLE, options as JSON. */
import { Secret } from '../../src/platform/auth/secret.ts'
import { createLogger } from '../../src/platform/log/log.ts'
import { SocketBus } from '../../src/platform/rpc/socket-bus.ts'
import { startAgents } from '../../src/services/network/agents.ts'

export interface AgentProcessOptions {
  stateDir: string
  bus: string
  metadataUrl: string
}

/** What it says of its role. */
export interface RoleReport {
  state: string
  error: string | null
}

const [, , role = '', text = '{}'] = process.argv
const { stateDir, bus: path, metadataUrl } = JSON.parse(text) as AgentProcessOptions
const log = createLogger({ name: role, level: 'fatal' })
const bus = new SocketBus({ path, key: new Secret('key'), log }, 'host1')
process.on('disconnect', () => process.exit(0))
await bus.whenConnected()
await startAgents({
  roles: [role],
  host: 'host1',
  stateDir,
  cloudName: 'lab',
  bus,
  logOf: () => log,
  bridges: {
    mappings: new Map([['provider', 'br-provider']]),
    // It is the lab's.
    own: new Map(),
  },
  connect: () => ({ send: () => Promise.reject(new Error('unused')) }),
  serviceToken: () => Promise.reject(new Error('unused')),
  urlOf: () => metadataUrl,
  secretOf(name) {
    if (role !== 'neutron-metadata-agent') throw new Error(`${role} must not read the secret '${name}'`)
    return new Secret('key')
  },
  report: (_, state, error) => void process.send!({ state, error } satisfies RoleReport),
  remark: () => undefined,
  admitted: Promise.resolve(),
  admit: () => undefined,
  stopping: new AbortController().signal,
})
