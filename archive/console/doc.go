// Package console serves the console: a page that shows an archive to people, and the JSON API that the page lives on.
//
//	/console/          the page and its scripts, from Options.Files
//	/console/api/...   JSON, pictures and clips; openapi.json describes it
//
// Nothing of it changes an archive. Playing is done with sessions of the archive's own API, whose URLs are on the same host.
//
// # Who may see what
//
// With Options.Users people sign in with an access key of the credentials file, and may do what its user may: streams are listed that it may
// call ListStreams on, a day is shown with ListFragments, tags with GetMediaForFragmentList, and so on. The session is a cookie: the user's key
// id and a digest of its secret, sealed with the archive's keyring. It ends after 12 hours, when the user is taken out of the file, and when
// its secret changes. Secrets are taken over TLS or from this machine alone, and the cookie is not looked at over anything else.
//
// Without Options.Users everybody may look, so that the server must not be reachable from other machines. Requests then have to name this
// machine in their Host, since a page elsewhere can have its own name point here.
//
// Requests of other sites' pages are refused: by what browsers say of a request's origin, and because the cookie is SameSite=Strict.
package console
