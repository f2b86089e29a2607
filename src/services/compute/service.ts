import { defineService } from '../../platform/service.ts'

/** Nova: servers and the hosts that they run on. */
export const compute = defineService({
  type: 'compute',
  codeName: 'nova',
  user: 'nova',
  endpointPath: '/v2.1',
  ports: {
    compute: { standard: 8774, offset: 3 },
    metadata: { standard: 8775, offset: 4, isInternal: true },
    novncproxy: { standard: 6080, offset: 5 },
  },
  files: { own: ['nova.conf'], others: ['nova-compute.conf', 'nova-cpu.conf'] },
  roles: {
    'nova-api': { kind: 'control', port: 'compute', isApi: true },
    'nova-scheduler': { kind: 'control' },
    'nova-conductor': { kind: 'control' },
    'nova-metadata': { kind: 'control', port: 'metadata', secrets: ['metadata'] },
    'nova-novncproxy': { kind: 'control', port: 'novncproxy' },
    'nova-compute': { kind: 'agent' },
  },
  checkConfig: async (files) => void (await import('./config.ts')).loadComputeConfig(files),
  migrations: async () => (await import('./store/migrations.ts')).migrations,
  open: async (env) => (await import('./roles.ts')).openComputeService(env),
  obstacleOf: async (stateDir) => (await import('./agent/host-gate.ts')).copyOf(stateDir),
  startAgents: async (env) => (await import('./agents.ts')).startAgents(env),
  startFakeAgents: async (env) => (await import('./fake-agents.ts')).startFakeAgents(env),
  clearHost: async (env) => (await import('./agents.ts')).clearHost(env),
})
