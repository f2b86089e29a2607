import { join } from 'node:path'
import { createLogger, type Logger } from '../platform/log/log.ts'
import { readRotation } from '../platform/log/rotation.ts'
import { codeNameOf, configFilesOf } from './service-files.ts'
import { paths } from './settings.ts'

/** The log `NAME.log` of an agent; the configuration of service `type` says when it begins anew. Throws ConfigError. */
export const logOf = (stateDir: string, name: string, type: string): Logger =>
  logIn(paths(stateDir).log, stateDir, name, type)

/** The same of what the control plane runs, whose user writes in a folder of its own. */
export const logOfControl = (stateDir: string, name: string, type: string): Logger =>
  logIn(paths(stateDir).logOfControl, stateDir, name, type)

const logIn = (folder: string, stateDir: string, name: string, type: string): Logger =>
  createLogger({
    name,
    file: join(folder, `${name}.log`),
    level: process.env['NEPHOS_LOG'] ?? 'info',
    rotation: readRotation(codeNameOf(type), configFilesOf(stateDir, type)),
  })
