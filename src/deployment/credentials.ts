import { join } from 'node:path'
import { writePrivate } from './private-file.ts'
import { readSecret } from './secrets.ts'
import { urlOf, type Settings } from './settings.ts'

/** Writes admin-openrc, demo-openrc and clouds.yaml into the state directory (0600). */
export function writeCredentials(stateDir: string, settings: Settings) {
  const passwordOf = (user: 'admin' | 'demo') => readSecret(stateDir, `user-${user}`).reveal()
  const authUrl = `${urlOf(settings, 'identity')}/v3`
  const users = [
    { user: 'admin', project: 'admin', password: passwordOf('admin') },
    { user: 'demo', project: 'demo', password: passwordOf('demo') },
  ]
  for (const { user, project, password } of users) {
    const variables = {
      OS_PROJECT_DOMAIN_NAME: 'Default',
      OS_USER_DOMAIN_NAME: 'Default',
      OS_PROJECT_NAME: project,
      OS_USERNAME: user,
      OS_PASSWORD: password,
      OS_AUTH_URL: authUrl,
      OS_IDENTITY_API_VERSION: '3',
      OS_IMAGE_API_VERSION: '2',
      OS_REGION_NAME: settings.region,
    }
    const lines = Object.entries(variables).map(([name, value]) => `export ${name}='${value}'\n`)
    writePrivate(join(stateDir, `${user}-openrc`), lines.join(''))
  }
  const clouds = users.map(({ user, project, password }) =>
    cloudEntry(`${settings.name}-${user}`, user, project, password),
  )
  const names = [cloudEntry(settings.name, 'admin', 'admin', passwordOf('admin')), ...clouds]
  writePrivate(join(stateDir, 'clouds.yaml'), `clouds:\n${names.join('')}`)

  function cloudEntry(name: string, user: string, project: string, password: string): string {
    return [
      `  ${name}:`,
      '    auth:',
      `      auth_url: ${authUrl}`,
      `      username: ${user}`,
      `      password: '${password}'`,
      `      project_name: ${project}`,
      '      user_domain_name: Default',
      '      project_domain_name: Default',
      `    region_name: ${settings.region}`,
      '    identity_api_version: 3',
      '',
    ].join('\n')
  }
}
