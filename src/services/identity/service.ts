import { defineService } from '../../platform/service.ts'

/** Keystone: who is who, and what he may do. */
export const identity = defineService({
  type: 'identity',
  codeName: 'keystone',
  user: null,
  endpointPath: '/v3',
  ports: {
    identity: { standard: 5000, offset: 0 },
    /** What older guides use for administration: the same API. */
    identityAdmin: { standard: 35357, offset: 8 },
  },
  files: { own: ['keystone.conf'], others: [] },
  folderOptions: ['key_repository', 'jws_public_key_repository', 'jws_private_key_repository'],
  roles: {
    'keystone-api': { kind: 'control', port: 'identity', isApi: true, secrets: ['accounts'] },
    'keystone-admin': { kind: 'control', port: 'identityAdmin', isApi: true },
  },
  programs: { 'keystone-manage': { load: async () => (await import('./manage/commands.ts')).keystoneManage } },
  async checkConfig(files) {
    const [{ loadConfig }, { fileOptions }] = await Promise.all([
      import('../../platform/config/config.ts'),
      import('./config.ts'),
    ])
    loadConfig('keystone', fileOptions, files)
  },
  migrations: async () => (await import('./open.ts')).migrations,
  open: async (env) => (await import('./roles.ts')).openIdentityService(env),
})
