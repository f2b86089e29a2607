/** keystone-manage: every command of it. */
import type { CommandTable } from '../../../platform/manage/command.ts'
import { bootstrapCommands } from './bootstrap.ts'
import { databaseCommands } from './database.ts'
import { doctorCommands } from './doctor.ts'
import { federationCommands } from './federation.ts'
import { keyCommands } from './keys.ts'
import { upkeepCommands } from './upkeep.ts'

export const keystoneManage: CommandTable = {
  ...bootstrapCommands,
  ...databaseCommands,
  ...keyCommands,
  ...upkeepCommands,
  ...federationCommands,
  ...doctorCommands,
}
