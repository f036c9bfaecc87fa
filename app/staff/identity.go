package staff

import "time"

// Identity is what an OpenID Connect issuer says of somebody who signs in, and what the settings make of it. Whoever
// has one has been let in by the settings.
type Identity struct {
	// Issuer and Subject name the person, together and for good: an issuer gives a subject to nobody else. Addresses do
	// change hands, so the same address with another subject is another person.
	Issuer, Subject string
	// Name and Address (of mail) are what to call the person by; either may be empty.
	Name, Address string
	// Verified reports whether the issuer has made sure that the address is the person's.
	Verified bool
	// Role is the role that the issuer or the settings give: it holds from this sign-in on, for an account that had
	// another one, too. Empty: they give none, so an account keeps its own, and a new one is a viewer's.
	Role Role
	// Proof is how long ago they proved to the issuer who they are; zero: just now, or the issuer does not say.
	Proof time.Duration
}
