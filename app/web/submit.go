package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

// finishTime bounds the last step of a submission, which goes on when the client leaves: all bytes are there by then,
// and a submission that is whole is worth more than one that has to be sent again.
const finishTime = time.Minute

// submit takes the form. The body is a stream: the person's details come first, then each file goes to the store while
// it arrives. Whatever ends it early leaves nothing acknowledged; the same form may be sent again, with the same
// receipt.
func (s *Server) submit(c echo.Context) error {
	ctx, req := s.sending(c), c.Request()
	if req.ContentLength > s.mostBytes {
		return dossier.Errorf(dossier.CodeTooLarge, nil, "One submission takes up to %s.", s.limitsText())
	}
	if b := bodyOf(c); b != nil {
		b.atLeast(s.o.Bounds.FormRate, s.formWindow)
	}
	reader, err := newFormReader(req.Header.Get("Content-Type"), req.Body, mostParts(s.svc.Limits()), s.o.DrainBytes)
	if err != nil {
		return err
	}
	typed, file, err := reader.begin()
	if err != nil {
		return err
	}
	receipt, err := dossier.ParseReceipt(typed[receiptField])
	if err != nil {
		return malformed(err, `The field "receipt" is damaged. Reload the form.`)
	}
	t := &taking{s: s, c: c, reader: reader, typed: typed, receipt: receipt, hasFiles: file != nil}
	details, err := dossier.ParseDetails(typed)
	if err != nil {
		return t.invalid(err)
	}
	sub, err := s.svc.Start(ctx, receipt, details)
	if err != nil {
		return t.unconfirmed(err)
	}
	// Does nothing once the submission is acknowledged.
	defer sub.Abandon(ctx)

	stop, err := t.files(ctx, sub, file)
	if err != nil {
		return t.unconfirmed(err)
	}
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	if err := sub.Acknowledge(finish); err != nil {
		return t.unconfirmed(err)
	}
	if stop != nil {
		t.refuseRest(sub, stop)
	}
	return t.acknowledged(sub, stop)
}

// taking is one form while it is taken.
type taking struct {
	s        *Server
	c        echo.Context
	reader   *formReader
	typed    fields
	receipt  dossier.Receipt
	hasFiles bool
}

// files sends the files to the service, beginning with the given one. stop is why no more were taken although what
// arrived may be acknowledged; err why nothing may.
func (t *taking) files(ctx context.Context, sub *dossier.Submission, file *filePart) (stop, err error) {
	held := handful{s: t.s}
	defer held.drop()
	limits := t.s.svc.Limits()
	for taken := 0; file != nil; taken++ {
		if taken < limits.Files {
			stop, err = held.take(ctx, sub, file)
		} else if stop, err = held.addBefore(ctx, sub, file.name); stop == nil && err == nil {
			sub.Refuse(file.name, dossier.Errorf(dossier.CodeTooLarge, nil, "Not stored: the limit is %s at once.",
				counted(limits.Files, "file")))
		}
		if stop != nil || err != nil {
			return stop, err
		}
		file, err = t.reader.nextFile()
		if errors.Is(err, errTooMuch) {
			if stop, err := held.add(ctx, sub); stop != nil || err != nil {
				return stop, err
			}
			return dossier.Errorf(dossier.CodeTooLarge, err,
				"This file was not read, because too much came before it that could not be accepted."), nil
		}
		if err != nil {
			return nil, err
		}
	}
	return held.add(ctx, sub)
}

// refuseRest reads what still comes, within the bounds of a refusal, to tell the submitter by name what was not taken.
// A fault in it changes nothing any more.
func (t *taking) refuseRest(sub *dossier.Submission, stop error) {
	if errors.Is(stop, errTooMuch) {
		return // the bounds are reached
	}
	if b := bodyOf(t.c); b != nil {
		b.within(t.s.o.DrainTime)
	}
	for {
		file, err := t.reader.nextFile()
		if err != nil || file == nil {
			return
		}
		sub.Refuse(file.name, notTaken(stop))
	}
}

// notTaken says of a file why it was not taken after stop.
func notTaken(stop error) *dossier.Error {
	why := "Not stored, because the storage did not respond. Send it again."
	if errors.Is(stop, dossier.ErrFull) {
		why = "Not stored, because the site's storage is full. Send it again later."
	}
	return dossier.Errorf(dossier.CodeUnavailable, nil, "%s", why)
}

// invalid answers a form with faulty fields: the page again, with all faults, what was typed and the same receipt.
func (t *taking) invalid(err error) error {
	var fault *dossier.Error
	if !errors.As(err, &fault) || fault.Code != dossier.CodeInvalid {
		return err
	}
	v := t.s.formView(t.c, t.typed)
	v.Notice = fault.Message
	v.Faults = map[string]string{}
	for _, f := range fault.Fields {
		v.Faults[f.Field] = f.Message
		v.Order = append(v.Order, f.Field)
	}
	v.FilesLost = t.hasFiles
	return t.s.renderForm(t.c, statusOf(err), v)
}

// unconfirmed answers a submission of which nothing may be told as kept.
func (t *taking) unconfirmed(err error) error {
	code, message := codeOf(err)
	v := t.s.formView(t.c, t.typed)
	v.FilesLost = t.hasFiles
	switch {
	case gone(t.c, err):
		return err
	case code == dossier.CodeInvalid:
		return t.invalid(err)
	case code == dossier.CodeConflict:
		v.Receipt, v.Anew = dossier.NewReceipt().String(), true
		v.Notice = message
		v.Advice = "Your fields are still filled in. The form below has a new receipt: send it to make a " +
			"submission of its own."
	case code == dossier.CodeFull, code == dossier.CodeDay:
		v.Notice = message
		v.Advice = "Nothing of this form was stored. Your fields are still filled in: send the same form again later."
	case code == codeBusy:
		v.Notice = refusals[code].message
		v.Advice = "Your fields are still filled in. Send the same form again in a minute: nothing is stored twice."
	case refusals[code].status >= 500:
		v.RequestID = requestID(t.c)
		v.Notice = "Nothing is confirmed yet."
		v.Advice = "The storage did not respond in time, or something went wrong on the site. Wait a minute and send " +
			"the same form again. That is safe: nothing is stored twice."
	default:
		// The sender's own fault: broken off, too slow, out of order.
		return err
	}
	note(t.c, err)
	return t.s.renderForm(t.c, statusOf(err), v)
}

// acknowledged answers a submission that is kept: the receipt, or a page that says what of it is not.
func (t *taking) acknowledged(sub *dossier.Submission, stop error) error {
	outcomes := sub.Outcomes()
	path := receiptPath(t.receipt.Person)
	t.s.hold(t.c, t.receipt)
	missing := shortfallOf(outcomes, stop)
	if missing.files == 0 && stop == nil {
		return t.c.Redirect(http.StatusSeeOther, path)
	}

	v := receiptView{
		page: t.s.page(t.c, "Some files are missing"), Link: t.s.receiptLink(t.c, t.receipt),
		Person: personOf(sub.Person()), RequestID: requestID(t.c), Receipt: t.receipt.String(),
	}
	v.Path = "/"
	for _, o := range outcomes {
		if file := t.s.outcomeOf(o, path); file.State == string(dossier.FileStored) {
			v.Files = append(v.Files, file)
		} else {
			v.Missing = append(v.Missing, file)
		}
	}
	v.Progress = fmt.Sprintf("%d of %s", len(outcomes)-missing.files, counted(len(outcomes), "file"))
	v.Advice = t.advice(missing, sub.Person().ID)
	if stop != nil {
		v.Advice += " A file that is not listed here did not arrive."
	}
	note(t.c, errors.Join(missing.failures...))
	t.s.allowUploads(t.c)
	return t.s.render(t.c, missing.status(), "receipt", v)
}
