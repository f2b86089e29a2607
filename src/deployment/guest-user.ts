/** The system user that guests run as, and the device that must be open to it. */
import { existsSync, statSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { ensureSystemUser } from '../host/users.ts'

export const guestUser = 'nephos-guest'
const tun = '/dev/net/tun'

/** Makes the user, and opens the tap device to users as udev does: a tap is for its owner only, whoever opens it. */
export async function prepareGuestUser(say: (text: string) => void): Promise<void> {
  try {
    await ensureSystemUser(guestUser)
    if (!existsSync(tun) || (statSync(tun).mode & 0o006) === 0o006) return
    say(`Opening ${tun} to users (0666, as udev does), so that guests need not run as root`)
    await chmod(tun, 0o666)
  } catch (error) {
    // The driver finds out what works and says so.
    say(`Guests will run as root: ${error instanceof Error ? error.message : String(error)}`)
  }
}
