/** `bootstrap`, `project_setup` and `user_setup`: what must be there before anybody can log in. */
import { CommandFailed, type Command, type CommandTable } from '../../../platform/manage/command.ts'
import { bootstrap } from '../operations/bootstrap.ts'
import { newId, newProject, newUser } from '../store/new-rows.ts'
import { findRow, insertRow, updateRow } from '../store/rows.ts'
import { hashPassword } from '../tokens/passwords.ts'
import { withIdentity } from './environment.ts'

const value = (help: string, fallback?: string) => ({
  value: 'VALUE',
  help: fallback === undefined ? help : `${help} (default: ${fallback})`,
})

/** The environment goes before the command line, as keystone has it: secrets need not stand in the list of processes. */
const fromEnvironment = (name: string): string | undefined =>
  process.env[`OS_${name.toUpperCase().replaceAll('-', '_')}`] || undefined

const bootstrapCommand: Command = {
  summary: 'Makes the first user, project, roles, service and endpoints; may be run again.',
  options: {
    'bootstrap-username': value('the first user', 'admin'),
    'bootstrap-password': value('his password; required, here or as OS_BOOTSTRAP_PASSWORD'),
    'bootstrap-project-name': value('his project', 'admin'),
    'bootstrap-role-name': value('his role there', 'admin'),
    'bootstrap-service-name': value('name of the identity service', 'keystone'),
    'bootstrap-admin-url': value('its admin endpoint'),
    'bootstrap-public-url': value('its public endpoint'),
    'bootstrap-internal-url': value('its internal endpoint'),
    'bootstrap-region-id': value('region of the endpoints'),
    'immutable-roles': { help: 'the roles cannot be changed later (the default)' },
    'no-immutable-roles': { help: 'the roles can be changed later' },
  },
  run: (args, env) =>
    withIdentity(env, async (deps) => {
      const given = (name: string) => fromEnvironment(name) ?? args.text(name)
      const password = given('bootstrap-password')
      if (password === undefined)
        throw new CommandFailed('Either --bootstrap-password argument or OS_BOOTSTRAP_PASSWORD must be set.')
      const project = given('bootstrap-project-name') ?? 'admin'
      const role = given('bootstrap-role-name') ?? 'admin'
      const urls = Object.fromEntries(
        (['admin', 'public', 'internal'] as const).flatMap((face) => {
          const url = given(`bootstrap-${face}-url`)
          return url === undefined ? [] : [[face, url]]
        }),
      )
      await bootstrap(deps, {
        projects: [project],
        users: [
          {
            name: given('bootstrap-username') ?? 'admin',
            password,
            project,
            roles: [role],
            systemAdmin: true,
            reset: true,
          },
        ],
        region: given('bootstrap-region-id') ?? null,
        services: [{ type: 'identity', name: given('bootstrap-service-name') ?? 'keystone', urls }],
        roles: [role],
        mutableRoles: args.has('no-immutable-roles'),
      })
    }),
}

const projectSetup: Command = {
  summary: 'Makes a project in the default domain, with an id of your choice.',
  options: {
    'project-name': { value: 'NAME', help: 'its name', required: true },
    'project-id': { value: 'ID', help: 'its id' },
  },
  run: (args, env) =>
    withIdentity(env, async ({ database: { db } }) => {
      const name = args.text('project-name')!
      const existing = await findRow(db, 'projects', { name, domain_id: 'default' })
      const id = args.text('project-id') ?? existing?.id ?? newId()
      if (existing && existing.id !== id)
        throw new CommandFailed(`the project '${name}' exists with the id ${existing.id}`)
      if (!existing && !(await insertRow(db, 'projects', newProject({ id, name, domain_id: 'default' }))))
        throw new CommandFailed(`another project has the id ${id}`)
      env.print(id)
    }),
}

const userSetup: Command = {
  summary: 'Makes a user in the default domain, with an id of your choice; one who exists gets the password.',
  options: {
    username: { value: 'NAME', help: 'his name', required: true },
    'user-password-plain': { value: 'PASSWORD', help: 'his password', required: true },
    'user-id': { value: 'ID', help: 'his id' },
  },
  run: (args, env) =>
    withIdentity(env, async (deps) => {
      const { db } = deps.database
      const name = args.text('username')!
      const password_hash = await hashPassword(args.text('user-password-plain')!, deps.config.passwordHashRounds)
      const existing = await findRow(db, 'users', { name, domain_id: 'default' })
      const id = args.text('user-id') ?? existing?.id ?? newId()
      if (existing && existing.id !== id)
        throw new CommandFailed(`the user '${name}' exists with the id ${existing.id}`)
      const changes = { password_hash, password_created_at: Date.now() }
      if (existing) await updateRow(db, 'users', id, { ...changes, tokens_valid_after: Date.now() })
      else if (!(await insertRow(db, 'users', newUser({ id, name, domain_id: 'default', ...changes }))))
        throw new CommandFailed(`another user has the id ${id}`)
      deps.changed()
      env.print(id)
    }),
}

export const bootstrapCommands: CommandTable = {
  bootstrap: bootstrapCommand,
  project_setup: projectSetup,
  user_setup: userSetup,
}
