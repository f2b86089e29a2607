/** glance-manage: metadata definitions from files and back. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { migrate } from '../../../platform/db/migrate.ts'
import { CommandFailed, type Command } from '../../../platform/manage/command.ts'
import { migrations } from '../open.ts'
import { exportNamespaces, loadNamespace, readDefaults } from '../operations/load-definitions.ts'
import { deleteAllDefinitions } from '../store/metadefs.ts'
import type { NamespaceDefinition } from '../operations/metadefs.ts'
import { bothWays } from './database.ts'
import { withDatabase } from './environment.ts'

/** Throws CommandFailed on what is no definition. */
function readDefinitions(path: string): NamespaceDefinition[] {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory()
  if (isFolder === undefined) throw new CommandFailed(`${path} does not exist`)
  const files = isFolder ? readdirSync(path).filter((name) => name.endsWith('.json')) : [path]
  if (files.length === 0) throw new CommandFailed(`there is no .json file in ${path}`)
  return files.map((name) => {
    const file = isFolder ? join(path, name) : name
    try {
      const definition = JSON.parse(readFileSync(file, 'utf8')) as Partial<NamespaceDefinition>
      if (typeof definition.namespace !== 'string') throw new Error('it names no namespace')
      return definition as NamespaceDefinition
    } catch (cause) {
      throw new CommandFailed(`${file} is no metadata definition: ${(cause as Error).message}`, { cause })
    }
  })
}

const load: Command = {
  summary: 'Loads metadata definitions: those of the product, or from files.',
  options: {
    path: { value: 'PATH', help: 'a file or a folder of .json files (default: those of the product)' },
    merge: { help: 'also into namespaces that are there' },
    prefer_new: { help: 'with --merge: what the files say wins' },
    overwrite: { help: 'with --merge and --prefer_new: namespaces are made anew' },
  },
  positionals: '[PATH [MERGE [PREFER_NEW [OVERWRITE]]]]',
  async run(args, env) {
    const [place, ...flags] = args.positionals
    const flag = (name: string, at: number) => args.has(name) || /^true$/i.test(flags[at] ?? '')
    const options = {
      merge: flag('merge', 0),
      preferNew: flag('prefer_new', 1),
      overwrite: flag('overwrite', 2),
    }
    if ((options.preferNew || options.overwrite) && !options.merge)
      throw new CommandFailed('--prefer_new and --overwrite need --merge')
    if (options.overwrite && !options.preferNew) throw new CommandFailed('--overwrite needs --prefer_new')
    const path = args.text('path') ?? place
    const definitions = path === undefined ? readDefaults() : readDefinitions(path)
    await withDatabase(env, async (database) => {
      await migrate(database, migrations)
      const results = await database.transaction(async (tx) => {
        const done = []
        for (const definition of definitions) done.push(await loadNamespace(tx, definition, options))
        return done
      })
      const count = (wanted: string) => results.filter((result) => result === wanted).length
      env.print(`${count('made')} namespaces made, ${count('merged')} merged, ${count('left')} left as they were.`)
    })
  },
}

const unload: Command = {
  summary: 'Removes all metadata definitions.',
  run: (_args, env) =>
    withDatabase(env, async (database) => {
      env.print(`${await database.transaction(deleteAllDefinitions)} namespaces removed.`)
    }),
}

const write: Command = {
  summary: 'Writes all metadata definitions into files, one a namespace.',
  options: { path: { value: 'FOLDER', help: 'where the files go', default: '/etc/glance/metadefs/' } },
  positionals: '[FOLDER]',
  run: (args, env) =>
    withDatabase(env, async ({ db }) => {
      const folder = args.positionals[0] ?? args.text('path') ?? '.'
      mkdirSync(folder, { recursive: true })
      const definitions = await exportNamespaces(db)
      for (const definition of definitions) {
        // A name may have anything in it; a file name has not.
        const name = definition.namespace.replaceAll(/[^A-Za-z0-9_-]+/g, '-')
        writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(definition, undefined, 4)}\n`)
      }
      env.print(`${definitions.length} namespaces written to ${folder}.`)
    }),
}

export const metadefCommands = bothWays({ load_metadefs: load, unload_metadefs: unload, export_metadefs: write })
