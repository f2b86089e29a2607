/** OAuth 1.0a: programs that users let act for them. Secrets are needed in the clear to check an HMAC. */
export interface OAuth1Tables {
  consumers: { id: string; secret: string; description: string | null; extra: string }
  request_tokens: {
    id: string
    secret: string
    consumer_id: string
    requested_project_id: string
    expires_at: number | null
    /** Set when a user has agreed. */
    verifier: string | null
    authorizing_user_id: string | null
    /** JSON list. */
    role_ids: string | null
  }
  access_tokens: {
    id: string
    secret: string
    consumer_id: string
    authorizing_user_id: string
    project_id: string
    role_ids: string
    expires_at: number | null
  }
}
