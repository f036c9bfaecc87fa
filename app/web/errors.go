package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

// Codes of refusals that only HTTP has, in addition to those of the domain.
const (
	codeUnauthorized dossier.Code = "unauthorized"
	codeScope        dossier.Code = "insufficient_scope"
	codeMethod       dossier.Code = "method"
	codeMediaType    dossier.Code = "media_type"
	codeTimeout      dossier.Code = "timeout"
	codeLimited      dossier.Code = "limited"
	codeBusy         dossier.Code = "busy"
	codeInternal     dossier.Code = "internal"
)

// refusal is how a code is presented.
type refusal struct {
	status  int
	heading string
	// message is shown on a page if the error has none of its own; detail is for the API's response.
	message, detail string
	// apiStatus is the status in the API, if it is different.
	apiStatus int
}

// refusals is the only place that turns a code into a status.
var refusals = map[dossier.Code]refusal{
	dossier.CodeInvalid: {http.StatusUnprocessableEntity, "Some fields need your attention",
		"Go back, correct them and send the form again.",
		`Some members of the request are invalid. "errors" lists each one, with what is allowed.`, 0},
	dossier.CodeMalformed: {http.StatusBadRequest, "The request could not be read",
		"Go back, reload the page and try again.",
		"The request does not match the API's document, or ended too early.", 0},
	dossier.CodeTooLarge: {http.StatusRequestEntityTooLarge, "Too large", "More was sent than can be accepted.",
		`More was sent than can be accepted. See "limits" for how much that is.`, 0},
	dossier.CodeType: {http.StatusUnsupportedMediaType, "Wrong type of file", "Files of this type cannot be accepted.",
		"The bytes of the file are of a type that cannot be accepted. The file was discarded.", 0},
	dossier.CodeNotFound: {http.StatusNotFound, "Page not found",
		"There is nothing at this address, or nothing that you have access to. Check the link.",
		"There is nothing at this address, or nothing that this receipt or token gives access to.", 0},
	dossier.CodeExpired: {http.StatusGone, "Expired", "This receipt has expired.",
		"The receipt has expired. Ask the staff of the site to reopen it, or register again.", http.StatusUnauthorized},
	dossier.CodeExists: {http.StatusConflict, "Already exists", "This has been done before.",
		"This has been done before.", 0},
	dossier.CodeConflict: {http.StatusConflict, "Already used", "Reload the form and send it as a new submission.",
		"The id was already used for something else, or what it names is being deleted, or was lately. Use a new id.",
		0},
	dossier.CodeLost: {http.StatusConflict, "Changed in the meantime",
		"Someone else changed this first. Reload the page.",
		"The state of the file does not allow this: it is already stored, was discarded, or is being deleted. Read the " +
			"file again.", 0},
	dossier.CodeCorrupt: {http.StatusServiceUnavailable, "Not stored",
		"What was sent changed on its way to the storage. Try again.",
		"The stored bytes do not match the checksum or the size. Send the part again unchanged, or the file under a " +
			"new id.", http.StatusUnprocessableEntity},
	dossier.CodeDamaged: {http.StatusInternalServerError, "This file is damaged",
		"The stored copy of this file is damaged, and we have been notified. Send the file again to replace it.",
		"The stored copy of the file is damaged. Send the file again under a new id to replace it.", 0},
	dossier.CodeQuota: {http.StatusConflict, "No more files",
		"This person already has as many files, or bytes, as allowed.",
		"The person already has as many files, or bytes, as allowed. Delete what is not needed.", 0},
	dossier.CodeIncomplete: {http.StatusConflict, "Not complete", "Some parts of the file are missing.",
		"Some parts of the file are missing. Read the file to see which are stored, and send the others.", 0},
	dossier.CodeScanning: {http.StatusConflict, "Being scanned",
		"This file is still being scanned for malware. Try again in a few minutes.",
		`The file is still being scanned for malware. Try again after "Retry-After".`, 0},
	dossier.CodeWithheld: {http.StatusForbidden, "Not available", "This file cannot be downloaded.",
		"The file cannot be downloaded: malware was found in it, or it could not be scanned completely.", 0},
	dossier.CodeUnavailable: {http.StatusServiceUnavailable, "Temporarily unavailable",
		"Part of the site is not responding. Try again in a minute.",
		"A store is not responding, so it is not known what became of the request. Send the same request again.", 0},
	dossier.CodeFull: {http.StatusServiceUnavailable, "Out of storage",
		"The site cannot accept files at the moment because its storage is full. Try again later.",
		"The site cannot accept anything new at the moment because its storage is full. Nothing was started, and what " +
			"is stored is safe. Send the same request again later.", 0},
	dossier.CodeDay: {http.StatusConflict, "Daily limit reached",
		"Your network has sent as much as allowed today. Try again after midnight UTC.",
		"This network has added as many people, files or bytes as allowed today. Send the same request again after " +
			"midnight UTC.", 0},
	codeUnauthorized: {http.StatusUnauthorized, "Not signed in", "Sign in first.",
		`A receipt is required, or a personal token for what is for staff, as "Authorization: Bearer RECEIPT".`, 0},
	dossier.CodeForbidden: {http.StatusForbidden, "Refused",
		"This request did not come from a page of this site, or the page is out of date. Reload the page.",
		"The request came from a page of another site that is not allowed to use this API, or the caller's role does " +
			"not allow it.", 0},
	codeScope: {http.StatusForbidden, "Scope missing", "The token does not have the scope that this needs.",
		`The token does not have the scope that this operation needs. "WWW-Authenticate" names it.`, 0},
	codeMethod: {http.StatusMethodNotAllowed, "Not possible here", "This address does not accept this kind of request.",
		`This address does not accept this method. The "Allow" header lists those that it accepts.`, 0},
	codeMediaType: {http.StatusUnsupportedMediaType, "Wrong content type",
		"This address does not accept this type of content.",
		"The body must have the content type that the API's document names.", 0},
	codeTimeout: {http.StatusRequestTimeout, "Timed out",
		"Nothing arrived for too long. Check your connection and send it again.",
		"The body did not arrive in time. Send it again.", 0},
	codeLimited: {http.StatusTooManyRequests, "Too many requests",
		"Too many requests came from your network. Wait a little and try again.",
		`Too many requests came from this network. Wait for as long as "Retry-After" says.`, 0},
	codeBusy: {http.StatusServiceUnavailable, "Too busy",
		"The site is handling as much as it can. Nothing of this is confirmed. Send it again in a minute.",
		`The site is handling as much as it can. Send the same request again after "Retry-After".`, 0},
	codeInternal: {http.StatusInternalServerError, "Something went wrong",
		"This is our fault, and it has been logged. Try again later.",
		"This is our fault, and it has been logged. Try again later.", 0},
}

// retryAfter, in seconds, is how long clients are asked to wait after a 503: roughly what a failover of the database or
// a restart takes.
const retryAfter = "30"

// codeOf returns an error's code and the message to show.
func codeOf(err error) (dossier.Code, string) {
	var coded *dossier.Error
	if errors.As(err, &coded) {
		if coded.Code == dossier.CodeNotFound {
			// "Not yours" and "does not exist" read the same.
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

// statusOf returns the status of the response to an error.
func statusOf(err error) int {
	code, _ := codeOf(err)
	return refusals[code].status
}

// errorView is the view of every other refusal (error.html).
type errorView struct {
	page
	Status           int
	Heading, Message string
	// RequestID is shown so that it can be quoted.
	RequestID string
	// Back is a path that leads on, BackText its label.
	Back, BackText string
}

// absent is an error of a page that no longer exists, or never did, and says where to continue: somebody who goes back
// to the page of what was just deleted gets there.
type absent struct {
	err              error
	heading, message string
	// back is the path that leads on, backText its label.
	back, backText string
}

func (a *absent) Error() string { return a.err.Error() }
func (a *absent) Unwrap() error { return a.err }

// handleError is the only error handler: it renders the page of a refusal, and never shows internals.
func (s *Server) handleError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	code, message := codeOf(err)
	r := refusals[code]
	// Remove what described the content that is not sent after all.
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
	if code == dossier.CodeFull && view.Editor && s.trashing() {
		view.Message += " To free space, erase what is in the trash: it still takes up space there."
		view.Back, view.BackText = trashPath, "Go to the trash"
	}
	if a := (*absent)(nil); errors.As(err, &a) {
		view.Title, view.Heading, view.Message = a.heading, a.heading, a.message
		view.Back, view.BackText = a.back, a.backText
	}
	if err := s.render(c, r.status, "error", view); err != nil {
		s.log.ErrorContext(c.Request().Context(), "render error page", "request_id", requestID(c), "err", err)
		if !c.Response().Committed {
			// The last resort, which needs no template.
			_ = c.String(r.status, r.heading+"\n")
		}
	}
}

// causeKey is where a handler that shows a failure on its own page leaves the cause for the log.
const causeKey = "cause"

// note keeps the cause of a failure for the request's log line.
func note(c echo.Context, err error) { c.Set(causeKey, err) }

// malformed returns the error for a request that could not be parsed. The cause may contain what the client sent, so it
// is never logged.
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
