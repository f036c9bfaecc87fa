package issuer

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"dossier.example/app"
)

// refuse logs why a sign-in is refused, and returns what its owner is told.
func (i *Issuer) refuse(ctx context.Context, why string, told *dossier.Error) error {
	i.o.Log.WarnContext(ctx, "a sign-in was refused", "issuer", i.o.Name, "reason", why)
	return told
}

// unfit is what people are told of an answer that must not be. They can do nothing about it but to try once more.
func (i *Issuer) unfit() *dossier.Error {
	return dossier.Errorf(dossier.CodeForbidden, nil, "The answer of %s was not accepted. Sign in again. If this "+
		"happens again, tell an administrator, who finds the reason in the log.", i.o.Name)
}

// down is what people are told while the issuer does not answer, or not so that it can be understood. A caller who went
// away is told nothing.
func (i *Issuer) down(ctx context.Context, err error) error {
	if other, ok := errors.AsType[*oidc.IssuerMismatchError](err); ok {
		i.o.Log.ErrorContext(ctx, "the issuer names itself otherwise than DOSSIER_STAFF_ISSUER does: a slash at the "+
			"end counts, and one tenant has to be named", "issuer", i.o.Name, "set", other.Provided, "named",
			shortText(other.Discovered))
		return i.unset(err)
	}
	unavailable := dossier.Unavailable(ctx, "ask the issuer", shortened(err))
	var told *dossier.Error
	if errors.As(unavailable, &told) {
		told.Message = i.o.Name + " is not responding, so nobody can sign in with it at the moment. Those who are " +
			"signed in stay signed in. Try again in a minute."
	}
	return unavailable
}

// misset is what people are told if the issuer refuses the site itself: what the site is registered as does not match
// the settings.
func (i *Issuer) misset(ctx context.Context, code string) error {
	i.o.Log.ErrorContext(ctx, "the issuer refuses this site: compare the client ID, the client secret, the scopes "+
		"and the redirect URI with what is registered there", "issuer", i.o.Name, "code", code)
	return i.unset(errors.New("the issuer refuses this site: " + code))
}

// unset is what people are told if the settings have to be changed.
func (i *Issuer) unset(err error) error {
	return dossier.Errorf(dossier.CodeUnavailable, err, "This site is not set up correctly at %s, so nobody can sign "+
		"in with it. Tell an administrator, who finds the reason in the log.", i.o.Name)
}

// declined is what people are told if the issuer sends an error instead of a code (RFC 6749, section 4.1.2.1; OpenID
// Connect Core 1.0, section 3.1.2.6). The code is a stranger's text, which is neither shown nor logged unless it is one
// of those.
func (i *Issuer) declined(ctx context.Context, code string) error {
	switch code {
	case "access_denied":
		return i.refuse(ctx, code, dossier.Errorf(dossier.CodeForbidden, nil,
			"The sign-in was canceled, or %s does not let you use this site.", i.o.Name))
	case "server_error", "temporarily_unavailable":
		return i.down(ctx, errors.New("the issuer answers "+code))
	case "login_required", "interaction_required", "account_selection_required", "consent_required":
		return i.refuse(ctx, code, dossier.Errorf(dossier.CodeForbidden, nil,
			"%s needs you to do something there first. Sign in again.", i.o.Name))
	case "invalid_request", "unauthorized_client", "unsupported_response_type", "invalid_scope", "invalid_request_uri",
		"invalid_request_object", "request_not_supported", "request_uri_not_supported", "registration_not_supported":
		return i.misset(ctx, code)
	}
	return i.refuse(ctx, "the issuer answers an error that no standard knows",
		dossier.Errorf(dossier.CodeForbidden, nil,
			"%s refused the sign-in. Sign in again. If this happens again, tell an administrator.", i.o.Name))
}

// exchangeFault is what people are told if a code could not be exchanged (RFC 6749, section 5.2).
func (i *Issuer) exchangeFault(ctx context.Context, err error) error {
	var answered *oauth2.RetrieveError
	if !errors.As(err, &answered) || answered.Response.StatusCode >= http.StatusInternalServerError {
		return i.down(ctx, err)
	}
	switch answered.ErrorCode {
	case "invalid_grant":
		return i.refuse(ctx, "the issuer does not take the code: it is used or expired, or another redirect URI, "+
			"client or "+
			"verifier is its", dossier.Errorf(dossier.CodeForbidden, nil,
			"This sign-in was already used, or took too long. Sign in again."))
	case "invalid_client", "unauthorized_client", "invalid_request", "unsupported_grant_type", "invalid_scope":
		return i.misset(ctx, answered.ErrorCode)
	}
	return i.down(ctx, err)
}

// shortened is an error whose text is fit for the log: what the issuer sends may be in it.
type shortenedError struct {
	text string
	err  error
}

func shortened(err error) error {
	const most = 300
	text := strings.ToValidUTF8(err.Error(), "")
	if len(text) > most {
		text = text[:most]
		for !utf8.ValidString(text) {
			text = text[:len(text)-1]
		}
		text += "…"
	}
	return &shortenedError{text, err}
}

func (e *shortenedError) Error() string { return e.text }
func (e *shortenedError) Unwrap() error { return e.err }
