import { defineService } from '../../platform/service.ts'

/** Placement: what resources there are, and who holds them. */
export const placement = defineService({
  type: 'placement',
  codeName: 'placement',
  user: 'placement',
  endpointPath: '',
  ports: { placement: { standard: 8778, offset: 2 } },
  files: { own: ['placement.conf'], others: [] },
  roles: { 'placement-api': { kind: 'control', port: 'placement', isApi: true } },
  programs: {
    'placement-manage': { load: async () => (await import('./manage/database.ts')).placementManage },
    'placement-status': { load: async () => (await import('./manage/upgrade-check.ts')).placementStatus },
  },
  async checkConfig(files) {
    const [{ loadConfig }, { options }] = await Promise.all([
      import('../../platform/config/config.ts'),
      import('./config.ts'),
    ])
    loadConfig('placement', options, files)
  },
  migrations: async () => (await import('./store/migrations.ts')).migrations,
  open: async (env) => (await import('./roles.ts')).openPlacementService(env),
})
