import { join } from 'node:path'
import { createLogger, type Logger } from '../platform/log/log.ts'
import { readRotation } from '../platform/log/rotation.ts'
import { codeNameOf, configFilesOf } from './service-files.ts'
import { paths } from './settings.ts'

/** The log `NAME.log` of a cloud; the configuration of service `type` says when it begins anew. Throws ConfigError. */
export const logOf = (stateDir: string, name: string, type: string): Logger =>
  createLogger({
    name,
    file: join(paths(stateDir).log, `${name}.log`),
    level: process.env['NEPHOS_LOG'] ?? 'info',
    rotation: readRotation(codeNameOf(type), configFilesOf(stateDir, type)),
  })
