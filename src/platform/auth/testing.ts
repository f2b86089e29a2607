import type { Credentials } from './credentials.ts'
import { Secret } from './secret.ts'

/** What a token of a test says: a user without roles in a project, and whatever the test says of him. */
export const someone = (more: Partial<Credentials> = {}): Credentials => ({
  userId: 'u1',
  userName: 'u',
  userDomainId: 'default',
  projectId: 'p1',
  projectName: 'p',
  projectDomainId: 'default',
  domainId: null,
  systemScope: null,
  roles: [],
  expiresAt: '2999-01-01T00:00:00Z',
  token: new Secret('t'),
  applicationCredentialId: null,
  auditId: 'a',
  ...more,
})
