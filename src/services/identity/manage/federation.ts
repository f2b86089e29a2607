/** Commands around federation and directories: mappings tried out, public ids, metadata, configuration of domains. */
import { readFileSync } from 'node:fs'
import { CommandFailed, type Command, type CommandTable } from '../../../platform/manage/command.ts'
import { readIdentityConfig } from '../open.ts'
import { uploadDomainConfigs } from '../operations/domain-config-upload.ts'
import { populateMappings, purgeMappings } from '../operations/id-mappings.ts'
import { runMappingEngine } from '../operations/mapping-rules.ts'
import { samlIdpMetadata } from '../operations/saml.ts'
import { withIdentity } from './environment.ts'

const fileOf = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new CommandFailed(`Error while opening file ${path}: ${(cause as Error).message}`, { cause })
  }
}

const mappingEngine: Command = {
  summary: 'Shows what the rules of a mapping make of an assertion.',
  options: {
    rules: { value: 'FILE', help: 'JSON with a list of rules, or with `rules` that is one', required: true },
    input: {
      value: 'FILE',
      help: 'the assertion: `NAME: value` on each line, `;` between several values',
      required: true,
    },
    prefix: { value: 'PREFIX', help: 'only names that begin so count' },
    'mapping-schema-version': { value: 'VERSION', help: 'of the rules (default: what they say, or 1.0)' },
    'engine-debug': { help: 'print rules and assertion, too' },
  },
  async run(args, env) {
    const files = { rules: fileOf(args.text('rules')!), assertion: fileOf(args.text('input')!) }
    if (args.has('engine-debug')) env.print(`Using Rules:\n${files.rules}\nUsing Assertion:\n${files.assertion}`)
    const mapped = runMappingEngine(files, {
      prefix: args.text('prefix'),
      schemaVersion: args.text('mapping-schema-version'),
    })
    env.print(JSON.stringify(mapped, null, 2))
  },
}

const populate: Command = {
  summary: 'Gives every user and group of a directory its public id.',
  options: { 'domain-name': { value: 'NAME', help: 'the domain of the directory', required: true } },
  run: (args, env) =>
    withIdentity(env, async (deps) => {
      const { count } = await populateMappings(deps, args.text('domain-name')!)
      env.print(`${count} public ids`)
    }),
}

const purge: Command = {
  summary: 'Forgets public ids; who comes back gets the same one again.',
  options: {
    all: { help: 'all of them' },
    'domain-name': { value: 'NAME', help: 'those of a domain' },
    'public-id': { value: 'ID', help: 'this one' },
    'local-id': { value: 'ID', help: 'that of this entry of a directory' },
    type: { value: 'TYPE', help: 'those of users, or of groups', choices: ['user', 'group'] },
  },
  run: (args, env) =>
    withIdentity(env, async (deps) => {
      const { count } = await purgeMappings(deps, {
        all: args.has('all'),
        domainName: args.text('domain-name'),
        publicId: args.text('public-id'),
        localId: args.text('local-id'),
        type: args.text('type'),
      })
      env.print(`${count} public ids forgotten`)
    }),
}

const upload: Command = {
  summary: 'Brings the configuration files of domains into the database.',
  options: {
    all: { help: 'every file of [identity] domain_config_dir' },
    'domain-name': { value: 'NAME', help: 'that of one domain' },
  },
  run: (args, env) =>
    withIdentity(env, async (deps) => {
      const results = await uploadDomainConfigs(deps, { all: args.has('all'), domainName: args.text('domain-name') })
      for (const { file, domain, problem } of results) env.print(problem ?? `${domain}: took ${file}`)
      return results.some(({ problem }) => problem !== undefined) ? 1 : 0
    }),
}

const metadata: Command = {
  summary: 'Prints the SAML metadata of this identity provider.',
  async run(_args, env) {
    env.print(samlIdpMetadata(readIdentityConfig(env)))
  },
}

export const federationCommands: CommandTable = {
  mapping_engine: mappingEngine,
  mapping_populate: populate,
  mapping_purge: purge,
  domain_config_upload: upload,
  saml_idp_metadata: metadata,
}
