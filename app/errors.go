package dossier

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Code says what kind of failure an Error is. Only the web package turns codes into HTTP statuses.
type Code string

// The codes. An error without one is a fault of the program: it is logged with its cause and never shown.
const (
	// CodeInvalid: a value breaks a rule; Error.Fields says which.
	CodeInvalid Code = "invalid"
	// CodeMalformed: the input could not be parsed.
	CodeMalformed Code = "malformed"
	// CodeTooLarge: more bytes or more files than Limits allows.
	CodeTooLarge Code = "too_large"
	// CodeType: the file is of a type that Limits does not accept.
	CodeType Code = "wrong_type"
	// CodeNotFound: it does not exist, or the caller may not see it.
	CodeNotFound Code = "not_found"
	// CodeExpired: the receipt is right, but has expired, or what was submitted is in the trash.
	CodeExpired Code = "expired"
	// CodeExists: the id is taken. Stores return it; Service resolves it.
	CodeExists Code = "exists"
	// CodeConflict: the submission's id belongs to another submission, or is being deleted.
	CodeConflict Code = "conflict"
	// CodeLost: the record is not in the state that the change requires; somebody else changed it first.
	CodeLost Code = "lost"
	// CodeCorrupt: a store holds bytes other than those sent to it.
	CodeCorrupt Code = "corrupt"
	// CodeDamaged: the object of a stored file is missing, or its bytes differ from the record.
	CodeDamaged Code = "damaged"
	// CodeQuota: the person already has as many files, or bytes, as allowed.
	CodeQuota Code = "quota"
	// CodeIncomplete: parts of the file are missing; Error.Message names the first.
	CodeIncomplete Code = "incomplete"
	// CodeForbidden: a signed request was altered, is for something else or has expired, so that a new one is needed;
	// or the caller's role is not enough.
	CodeForbidden Code = "forbidden"
	// CodeUnavailable: a store is down, full or too slow; the same request may succeed later.
	CodeUnavailable Code = "unavailable"
	// CodeScanning: the file has not been scanned for malware yet; the same request may succeed later.
	CodeScanning Code = "scanning"
	// CodeWithheld: the file is not handed out, because malware was found in it, or its scan reached no verdict.
	CodeWithheld Code = "withheld"
	// CodeFull: there is no space for anything new. Nothing was started; the same request may succeed later.
	CodeFull Code = "full"
	// CodeDay: the sender's network has added as much today as allowed in a day.
	CodeDay Code = "day"
)

// For errors.Is: each matches every Error with its code.
var (
	ErrInvalid     = &Error{Code: CodeInvalid}
	ErrMalformed   = &Error{Code: CodeMalformed}
	ErrTooLarge    = &Error{Code: CodeTooLarge}
	ErrType        = &Error{Code: CodeType}
	ErrNotFound    = &Error{Code: CodeNotFound}
	ErrExpired     = &Error{Code: CodeExpired}
	ErrExists      = &Error{Code: CodeExists}
	ErrConflict    = &Error{Code: CodeConflict}
	ErrLost        = &Error{Code: CodeLost}
	ErrCorrupt     = &Error{Code: CodeCorrupt}
	ErrDamaged     = &Error{Code: CodeDamaged}
	ErrQuota       = &Error{Code: CodeQuota}
	ErrIncomplete  = &Error{Code: CodeIncomplete}
	ErrForbidden   = &Error{Code: CodeForbidden}
	ErrUnavailable = &Error{Code: CodeUnavailable}
	ErrScanning    = &Error{Code: CodeScanning}
	ErrWithheld    = &Error{Code: CodeWithheld}
	ErrFull        = &Error{Code: CodeFull}
	ErrDay         = &Error{Code: CodeDay}
)

// Error is a failure that somebody outside the program can act on.
type Error struct {
	Code Code
	// Message is for the user: what is wrong and how to fix it. It contains no secrets and no internals. Empty if only
	// a program sees the error.
	Message string
	// Fields, with CodeInvalid, are all invalid fields, in the order of the form.
	Fields []FieldFault
	// Err is the cause, for the log.
	Err error
}

// FieldFault is one field that breaks its rule.
type FieldFault struct {
	// Field is the name of one of Fields or of a filter, or where a value stands in what was sent, such as
	// "parts/0/size".
	Field string
	// Message says what is allowed.
	Message string
}

// Error implements error. It is for logs, and contains no field values.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Code))
	if e.Message != "" {
		b.WriteString(": ")
		b.WriteString(e.Message)
	}
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "; %s: %s", f.Field, f.Message)
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is matches the Err variables of this package by code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Message == "" && t.Err == nil && t.Fields == nil
}

// Errorf returns an Error with a code and a message for the user. A %w in the format becomes the cause; its text does
// not become part of the message.
func Errorf(code Code, cause error, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Err: cause}
}

// Unavailable wraps the failure of a store call: what was being done, and the cause. A call that ended because its
// caller went away (context.Canceled on ctx) is not an outage, and its error is returned unchanged.
func Unavailable(ctx context.Context, doing string, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) && context.Cause(ctx) == ctx.Err() {
		return fmt.Errorf("%s: %w", doing, context.Canceled)
	}
	return &Error{Code: CodeUnavailable, Err: fmt.Errorf("%s: %w", doing, err)}
}

// The refusals that both write paths return, each with the text that the submitter reads.

func conflict(cause error) *Error {
	return Errorf(CodeConflict, cause,
		"This form was already used for another submission, or its submission is being deleted. Start a new one.")
}

func lost(cause error) *Error {
	return Errorf(CodeLost, cause, "Removed while it was being sent. Send it again.")
}

func differs() *Error {
	return Errorf(CodeCorrupt, nil,
		"You already have a file with this name and SHA-256 but different content, so one of the checksums is "+
			"wrong. "+
			"Delete that file, or send this one under another name.")
}

func removed(cause error) *Error {
	return Errorf(CodeConflict, cause, "This file was removed. Send it as a new file.")
}

func stored() *Error { return Errorf(CodeLost, nil, "Already stored.") }
