import { statSync } from 'node:fs'

/**
 * Whether there is a file or folder of that name. Throws where that cannot be told, as behind a closed folder: what is there
 * and cannot be read must not be taken for nothing.
 */
export const isThere = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined
