package upload

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"dossier.example/app/api"
)

// Codes of failures that the site does not tell, beside those of its problems (docs/api.md).
const (
	// CodeInput: the call names something that cannot be done as it is.
	CodeInput = "input"
	// CodeUnreadable: the file cannot be read.
	CodeUnreadable = "unreadable"
	// CodeChanged: the file was changed while it was sent.
	CodeChanged = "changed"
	// CodeUnreachable: the site, or its object store, did not answer for as long as Options.Patience.
	CodeUnreachable = "unreachable"
	// CodeRefused: the object store refuses, again and again, what the site signed.
	CodeRefused = "refused"
	// CodeBusy: another run of the same command is at it.
	CodeBusy = "busy"
	// CodeNone: no receipt is kept for the command.
	CodeNone = "none"
	// CodeFull: the site has no room for this at the moment.
	CodeFull = "full"
	// CodeJournal: the journal cannot be written.
	CodeJournal = "journal"
)

// Error is why something was not done.
type Error struct {
	// Code is one of the constants of this package, or a code of the site's problems.
	Code string
	// Message says what is wrong and how to mend it.
	Message string
	// Err is the cause.
	Err error
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Code returns the code of an error of this package; empty for any other.
func Code(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

func errorf(code string, cause error, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Err: cause}
}

func inputf(cause error, format string, args ...any) *Error {
	return errorf(CodeInput, cause, format, args...)
}

// refusal is what a server answered instead of what was asked for.
type refusal struct {
	status  int
	problem api.Problem // zero where the answer was none
	after   time.Duration
}

func (r *refusal) Error() string {
	switch {
	case r.problem.Detail == "":
		return fmt.Sprintf("answers %d %s", r.status, http.StatusText(r.status))
	case r.problem.Errors == nil:
		return r.problem.Detail
	}
	faults := make([]string, 0, len(*r.problem.Errors))
	for _, f := range *r.problem.Errors {
		faults = append(faults, strings.TrimPrefix(f.Pointer, "#/")+": "+f.Detail)
	}
	return listed(faults)
}

// asError makes an Error of what a call of the site ended with.
func asError(err error) error {
	r, ok := errors.AsType[*refusal](err)
	if _, is := errors.AsType[*Error](err); is || !ok {
		return err
	}
	code := r.problem.Code
	if code == "" {
		code = CodeRefused
	}
	message := r.Error()
	if r.status >= 500 && r.problem.RequestID != "" {
		message += " (request " + r.problem.RequestID + ")"
	}
	return &Error{Code: code, Message: message, Err: err}
}
