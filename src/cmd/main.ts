import { readFileSync } from 'node:fs'
import { parseArguments, UsageError } from './arguments.ts'
import { help } from './help.ts'
import { manage, programNames } from './manage.ts'

/** Commands that read and write what is the control plane's. */
const ofControl: readonly string[] = ['status', 'explain', 'guests', 'host']

function version(): string {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

async function run(argv: readonly string[]): Promise<number> {
  const [first = ''] = argv
  if (programNames.includes(first)) return manage(first, argv.slice(1))
  const args = parseArguments(argv)
  if (args.version) {
    process.stdout.write(`nephos ${version()}\n`)
    return 0
  }
  if (args.help || args.command === 'help') {
    process.stdout.write(help)
    return 0
  }
  if (ofControl.includes(args.command))
    await (await import('../deployment/control-user.ts')).continueAsControl(args.stateDir)
  switch (args.command) {
    case 'up':
      return (await import('./up.ts')).up(args, argv)
    case 'run':
      return (await import('./run.ts')).run(args)
    case 'down':
      return (await import('./down.ts')).down(args)
    case 'status':
      return (await import('./status.ts')).status(args)
    case 'explain':
      return (await import('./explain.ts')).explain(args)
    case 'backup':
      return (await import('./backup.ts')).backup(args)
    case 'restore':
      return (await import('./restore.ts')).restore(args)
    case 'guests':
      return (await import('./guests.ts')).guests(args)
    case 'host':
      return (await import('./host.ts')).host(args)
    case 'guest-image':
      return (await import('./guest-image.ts')).guestImage(args)
    default:
      throw new UsageError(`'${args.command}' is no command; see nephos --help`)
  }
}

run(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(`nephos: ${error instanceof Error ? error.message : String(error)}`)
    process.exit(error instanceof UsageError ? 2 : 1)
  },
)
