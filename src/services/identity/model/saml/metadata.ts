/** What service providers must know of this cloud as an identity provider. */
import { names } from './names.ts'
import { element, text, type Xml } from './xml.ts'

export interface IdpDescription {
  readonly entityId: string
  readonly ssoEndpoint: string
  readonly certificate: string
  readonly lang: string
  readonly organization: { readonly name: string; readonly displayName: string; readonly url: string }
  readonly contact: {
    readonly company: string
    readonly name: string
    readonly surname: string
    readonly email: string
    readonly telephone: string
    readonly type: string
  }
}

export function idpMetadata(idp: IdpDescription): Xml {
  const { organization, contact } = idp
  const key = element(
    'md:KeyDescriptor',
    { use: 'signing' },
    element(
      'ds:KeyInfo',
      { 'xmlns:ds': names.signature },
      element('ds:X509Data', {}, element('ds:X509Certificate', {}, text(idp.certificate))),
    ),
  )
  const inLanguage = (name: string, value: string) => element(name, { 'xml:lang': idp.lang }, text(value))
  const hasOrganization = Object.values(organization).every((value) => value !== '')
  const hasContact = Object.values(contact).every((value) => value !== '')
  return element(
    'md:EntityDescriptor',
    { 'xmlns:md': names.metadata, entityID: idp.entityId },
    element(
      'md:IDPSSODescriptor',
      { protocolSupportEnumeration: names.protocol },
      key,
      ...(hasOrganization
        ? [
            element(
              'md:Organization',
              {},
              inLanguage('md:OrganizationName', organization.name),
              inLanguage('md:OrganizationDisplayName', organization.displayName),
              inLanguage('md:OrganizationURL', organization.url),
            ),
          ]
        : []),
      ...(hasContact
        ? [
            element(
              'md:ContactPerson',
              { contactType: contact.type },
              element('md:Company', {}, text(contact.company)),
              element('md:GivenName', {}, text(contact.name)),
              element('md:SurName', {}, text(contact.surname)),
              element('md:EmailAddress', {}, text(contact.email)),
              element('md:TelephoneNumber', {}, text(contact.telephone)),
            ),
          ]
        : []),
      element('md:NameIDFormat', {}, text(names.transient)),
      element('md:SingleSignOnService', { Binding: names.uriBinding, Location: idp.ssoEndpoint }),
    ),
  )
}
