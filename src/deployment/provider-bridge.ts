import { deleteLink, ensureAddresses, ensureBridge } from '../host/links.ts'

/** The bridge of the external network with this host's address in it (the network's first one), as DevStack's br-ex. */
export async function ensureProviderBridge(name: string, cidr: string): Promise<void> {
  const [network, prefix] = cidr.split('/')
  await ensureBridge({ name })
  await ensureAddresses(name, [`${network!.split('.').slice(0, 3).join('.')}.1/${prefix}`])
}

export const deleteProviderBridge = (name: string): Promise<void> => deleteLink(name)
