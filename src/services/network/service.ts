import { defineService } from '../../platform/service.ts'

/** Neutron: networks, ports, routers, filters. */
export const network = defineService({
  type: 'network',
  codeName: 'neutron',
  user: 'neutron',
  endpointPath: '',
  ports: { network: { standard: 9696, offset: 6 } },
  files: {
    own: ['neutron.conf', 'plugins/ml2/ml2_conf.ini'],
    others: [
      'plugins/ml2/linuxbridge_agent.ini',
      'plugins/ml2/openvswitch_agent.ini',
      'plugins/ml2/ovn_agent.ini',
      'plugins/ml2/sriov_agent.ini',
      'dhcp_agent.ini',
      'l3_agent.ini',
      'metadata_agent.ini',
      'neutron_ovn_metadata_agent.ini',
    ],
  },
  roles: {
    'neutron-server': { kind: 'control', port: 'network', isApi: true },
    'neutron-linuxbridge-agent': { kind: 'agent' },
    'neutron-dhcp-agent': { kind: 'agent' },
    'neutron-l3-agent': { kind: 'agent' },
    'neutron-metadata-agent': { kind: 'agent', secrets: ['metadata'] },
  },
  async checkConfig(files) {
    const [{ loadConfig }, { options }] = await Promise.all([
      import('../../platform/config/config.ts'),
      import('./config.ts'),
    ])
    loadConfig('neutron', options, files)
  },
  migrations: async () => (await import('./store/migrations.ts')).migrations,
  open: async (env) => (await import('./roles.ts')).openNetworkService(env),
  startAgents: async (env) => (await import('./agents.ts')).startAgents(env),
  startFakeAgents: async (env) => (await import('./fake-agents.ts')).startFakeAgents(env),
  clearHost: async (env) => (await import('./agents.ts')).clearHost(env),
})
