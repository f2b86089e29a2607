/** EC2 requests as a service passes them on, for tests. */
import { openDatabase } from '../../../platform/db/database.ts'
import { testDatabaseUrl } from '../../../platform/db/testing.ts'
import { join } from 'node:path'
import { ec2Signature } from '../credentials/signature.ts'
import { idOfAccessKey, type Ec2Blob } from '../credentials/store.ts'
import { CredentialVault } from '../credentials/vault.ts'
import type { IdentitySchema } from '../store/tables.ts'

/** The body of a POST to /v3/ec2tokens. */
export function signed(access: string, secret: string, at = new Date()) {
  const request = {
    host: 'cloud:8000',
    verb: 'GET',
    path: '/v1',
    params: {
      SignatureVersion: '2',
      SignatureMethod: 'HmacSHA256',
      AWSAccessKeyId: access,
      Timestamp: at.toISOString(),
    },
    headers: {},
  }
  return { credentials: { ...request, access, signature: ec2Signature(request, secret) } }
}

/** Puts an EC2 credential into the database as earlier versions, which let delegated tokens make them, have. */
export async function plantEc2(
  stateDir: string,
  userId: string,
  projectId: string,
  blob: Ec2Blob & { access: string },
): Promise<void> {
  const { db, close } = openDatabase<IdentitySchema>(await testDatabaseUrl(stateDir, 'identity'))
  const row = { id: idOfAccessKey(blob.access), user_id: userId, project_id: projectId, type: 'ec2', extra: '{}' }
  const vault = new CredentialVault(join(stateDir, 'credential-keys'))
  await db
    .insertInto('credentials')
    .values({ ...row, ...vault.encrypt(JSON.stringify(blob)) })
    .execute()
  await close()
}
