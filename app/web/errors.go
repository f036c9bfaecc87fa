package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

// Codes of refusals that only HTTP knows, beside those of the domain.
const (
	codeUnauthorized dossier.Code = "unauthorized"
	codeMethod       dossier.Code = "method"
	codeMediaType    dossier.Code = "media_type"
	codeTimeout      dossier.Code = "timeout"
	codeLimited      dossier.Code = "limited"
	codeBusy         dossier.Code = "busy"
	codeInternal     dossier.Code = "internal"
)

// refusal is how a code is told.
type refusal struct {
	status  int
	heading string
	// message stands on a page, where the error has none of its own; detail stands in the API's answer.
	message, detail string
	// apiStatus is the status in the API, where it is another one.
	apiStatus int
}

// refusals is the one place where a code becomes a status.
var refusals = map[dossier.Code]refusal{
	dossier.CodeInvalid: {http.StatusUnprocessableEntity, "Some fields need your attention",
		"Go back, mend them and send the form again.",
		`Members of the request break a rule: "errors" tells which, and what is allowed.`, 0},
	dossier.CodeMalformed: {http.StatusBadRequest, "The request could not be read",
		"Go back, load the page again and try once more.",
		"The request is not what the document describes, or broke off before its end.", 0},
	dossier.CodeTooLarge: {http.StatusRequestEntityTooLarge, "Too large", "More was sent than can be taken.",
		`More than can be taken: "limits" tells how much that is.`, 0},
	dossier.CodeNotFound: {http.StatusNotFound, "Not found",
		"There is nothing at this address, or nothing that you may see. Check the link.",
		"There is nothing at this address, or nothing that this receipt opens.", 0},
	dossier.CodeExpired: {http.StatusGone, "Expired", "This receipt has expired.",
		"The receipt has expired. Ask the staff of the site to open it again, or register anew.", http.StatusUnauthorized},
	dossier.CodeExists: {http.StatusConflict, "Already there", "This was done before.",
		"This was done before.", 0},
	dossier.CodeConflict: {http.StatusConflict, "Already used", "Load the form again and send it as a new submission.",
		"The id was used for something else before, or what it names is being deleted. Take another.", 0},
	dossier.CodeLost: {http.StatusConflict, "Changed meanwhile",
		"Somebody else changed this first. Load the page again.",
		"The file is not in a state that allows this: stored already, given up or being deleted. Read it again.", 0},
	dossier.CodeCorrupt: {http.StatusServiceUnavailable, "Not stored",
		"What was sent was changed on its way to the store. Try again.",
		"The bytes that the store has are not those that the checksum or the size says. Send the part again as it " +
			"is, or the file under another id.", http.StatusUnprocessableEntity},
	dossier.CodeDamaged: {http.StatusInternalServerError, "This file is damaged",
		"The stored copy of this file is damaged, and we have been told. Send the file again to replace it.",
		"The stored copy of the file is damaged. Send the file again under another id: it then replaces the copy.", 0},
	dossier.CodeQuota: {http.StatusConflict, "No more files",
		"This person has as many files, or bytes, as one may have.",
		"The person has as many files, or bytes, as one may have. Give up what is not needed.", 0},
	dossier.CodeIncomplete: {http.StatusConflict, "Not complete", "Parts of the file are not there yet.",
		"Parts of the file are not there yet. Read the file to see which are, and send the others.", 0},
	dossier.CodeScanning: {http.StatusConflict, "Not checked yet",
		"This file is still being checked for malware. Try again in a few minutes.",
		"The file is still being checked for malware. Ask again after \"Retry-After\".", 0},
	dossier.CodeWithheld: {http.StatusForbidden, "Not available", "This file cannot be downloaded.",
		"The file is not handed out: it did not pass the check for malware, or could not be checked as a whole.", 0},
	dossier.CodeUnavailable: {http.StatusServiceUnavailable, "Not available just now",
		"A part of the site does not answer. Try again in a minute.",
		"A store does not answer, and nobody knows what became of the request. Send the same one again.", 0},
	dossier.CodeFull: {http.StatusServiceUnavailable, "No room just now",
		"The site takes no files at the moment, because it has no room for them. Try again later.",
		"The site takes nothing new at the moment, because it has no room for it. Nothing was begun, and what is " +
			"stored is safe. Send the same request again later.", 0},
	dossier.CodeDay: {http.StatusConflict, "No more today",
		"Your network sent as much today as one may in a day. Go on after midnight UTC.",
		"This network added as many persons, files or bytes today as one may in a day. Send the same request again " +
			"after midnight UTC.", 0},
	codeUnauthorized: {http.StatusUnauthorized, "Not signed in", "Sign in first.",
		`A receipt is needed, as "Authorization: Bearer RECEIPT".`, 0},
	dossier.CodeForbidden: {http.StatusForbidden, "Refused",
		"This request did not come from a page of this site, or its page is too old. Load the page again.",
		"The request came from a page of another site, one that may not use this API.", 0},
	codeMethod: {http.StatusMethodNotAllowed, "Not possible here", "This address does not take that kind of request.",
		`This address does not take that method; the header "Allow" tells which it takes.`, 0},
	codeMediaType: {http.StatusUnsupportedMediaType, "Not this type",
		"This address does not take that type of content.",
		"The body must be sent as the type that the document names.", 0},
	codeTimeout: {http.StatusRequestTimeout, "Took too long",
		"Nothing arrived for too long. Check your connection and send it again.",
		"The body did not arrive in time. Send it again.", 0},
	codeLimited: {http.StatusTooManyRequests, "Too many tries",
		"Too many requests came from your network. Wait a little and try again.",
		`Too many requests came from this network. Wait as long as "Retry-After" says.`, 0},
	codeBusy: {http.StatusServiceUnavailable, "Too busy just now",
		"More is being sent to the site than it can take at once. Nothing of this is confirmed. Send it again in a minute.",
		`More is under way than can be at once. Send the same request again after "Retry-After".`, 0},
	codeInternal: {http.StatusInternalServerError, "Something went wrong",
		"The fault is ours and has been noted. Try again later.",
		"The fault is ours and has been noted. Try again later.", 0},
}

// retryAfter, in seconds, is what clients are asked to wait after a 503: about what a failover of the database or a
// restart takes.
const retryAfter = "30"

// codeOf returns an error's code and the message to show.
func codeOf(err error) (dossier.Code, string) {
	var coded *dossier.Error
	if errors.As(err, &coded) {
		if coded.Code == dossier.CodeNotFound {
			// "Not yours" and "not there" read the same.
			return coded.Code, ""
		}
		if _, known := refusals[coded.Code]; known {
			return coded.Code, coded.Message
		}
		return codeInternal, ""
	}
	var routing *echo.HTTPError
	if errors.As(err, &routing) {
		switch routing.Code {
		case http.StatusNotFound:
			return dossier.CodeNotFound, ""
		case http.StatusMethodNotAllowed:
			return codeMethod, ""
		}
	}
	return codeInternal, ""
}

// statusOf returns the status that an error is answered with.
func statusOf(err error) int {
	code, _ := codeOf(err)
	return refusals[code].status
}

// errorView is every other refusal (error.html).
type errorView struct {
	page
	Status           int
	Heading, Message string
	// RequestID is shown so that it can be quoted.
	RequestID string
	// Back is a path that leads on, BackText its label.
	Back, BackText string
}

// absent is an error of a page that is no longer there, or never was, and says where to go on: somebody who goes back to
// the page of what was just deleted arrives there.
type absent struct {
	err              error
	heading, message string
	// back is the path that leads on, backText its label.
	back, backText string
}

func (a *absent) Error() string { return a.err.Error() }
func (a *absent) Unwrap() error { return a.err }

// handleError is the one handler of errors: it renders the page of a refusal, never an internal.
func (s *Server) handleError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	code, message := codeOf(err)
	r := refusals[code]
	// What described the content that is not coming after all.
	h := c.Response().Header()
	for _, name := range []string{"Content-Disposition", "Content-Length", "Content-Range", "Content-Type",
		"Accept-Ranges", "Etag", "Last-Modified"} {
		h.Del(name)
	}
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", pagePolicy)
	if code == dossier.CodeScanning {
		h.Set("Retry-After", retryAfter)
	}
	note(c, err)
	if ofAPI(c.Request()) {
		s.problem(c, code, message, err)
		return
	}
	if message == "" {
		message = r.message
	}
	view := errorView{
		page: s.page(c, r.heading), Status: r.status, Heading: r.heading, Message: message,
		RequestID: requestID(c), Back: "/", BackText: "Go to the form",
	}
	if view.Staff {
		view.Back, view.BackText = "/people", "Go to the directory"
	}
	if a := (*absent)(nil); errors.As(err, &a) {
		view.Title, view.Heading, view.Message, view.Back, view.BackText = a.heading, a.heading, a.message, a.back, a.backText
	}
	if err := s.render(c, r.status, "error", view); err != nil {
		s.log.ErrorContext(c.Request().Context(), "render error page", "request_id", requestID(c), "err", err)
		if !c.Response().Committed {
			// The last resort, which needs no template.
			_ = c.String(r.status, r.heading+"\n")
		}
	}
}

// causeKey is where a handler that shows a failure on a page of its own leaves the cause for the log.
const causeKey = "cause"

// note keeps the cause of a failure for the request's line in the log.
func note(c echo.Context, err error) { c.Set(causeKey, err) }

// malformed returns the error of a request that could not be read. The cause may hold what the client sent, so it is
// never logged.
func malformed(cause error, format string, args ...any) *dossier.Error {
	return dossier.Errorf(dossier.CodeMalformed, cause, format, args...)
}

// gone reports whether an error only says that the client went away.
func gone(c echo.Context, err error) bool {
	return errors.Is(err, context.Canceled) && c.Request().Context().Err() != nil
}

// panicked is a panic of a handler as an error.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }
