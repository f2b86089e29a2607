/** glance-manage and glance-scrubber: every command of them. */
import { CommandFailed, type CommandTable } from '../../../platform/manage/command.ts'
import { restore, scrub } from '../operations/scrub.ts'
import { databaseCommands } from './database.ts'
import { withImage } from './environment.ts'
import { metadefCommands } from './metadefs.ts'

export const glanceManage: CommandTable = { ...databaseCommands, ...metadefCommands }

export const glanceScrubber: CommandTable = {
  run: {
    summary: 'Removes the data of images whose deletion was delayed and is due now, or takes one back.',
    options: { restore: { value: 'IMAGE_ID', help: 'makes a deleted image active again' } },
    async run(args, env) {
      const id = args.text('restore')
      await withImage(env, async (deps) => {
        if (id === undefined) {
          const gone = await scrub(deps, Date.now() - deps.config.scrubTime * 1000)
          return env.print(`Scrubbed ${gone} images`)
        }
        if (!(await restore(deps, id)))
          throw new CommandFailed(`There is no deleted image ${id} that could be restored`)
        env.print(`Restored image ${id}`)
      })
    },
  },
}
