import type { ApiVersion } from '../../../../platform/http/versions.ts'
import type { Keypair } from '../../store/keypairs.ts'

/** A keypair as clients see it; its private key is in the answer of its creation only. */
export const viewKeypair = (keypair: Keypair, version: ApiVersion) => ({
  name: keypair.name,
  public_key: keypair.publicKey,
  fingerprint: keypair.fingerprint,
  ...(version.has('keypair-type') && { type: keypair.type }),
})
