package web

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/bounds"
)

// receiptBuffer is how much of a receipt's answer is held back, in bytes.
const receiptBuffer = 32 << 10

// registerPerson takes a person's details.
func (s *Server) registerPerson(c echo.Context) error {
	receipt, given, err := bearer(c)
	if err != nil {
		return err
	}
	if !given {
		receipt = dossier.NewReceipt()
	}
	var in api.Registration
	if err := s.readJSON(c, &in, bounds.RegistrationBytes); err != nil {
		return err
	}
	p, err := s.svc.Register(s.sending(c), receipt, dossier.Details(in))
	if err != nil {
		return err
	}
	return answerJSON(c, api.Registered{
		Receipt: receipt.String(), ReceiptURL: s.receiptLink(c, receipt), Person: apiPerson(p),
	})
}

// readReceipt shows a person with all files, or a page of them. They are written as they are read, so that their number
// takes no memory.
func (s *Server) readReceipt(c echo.Context) error {
	by, err := s.caller(c)
	if err != nil {
		return err
	}
	ctx, q, all := c.Request().Context(), dossier.FilesQuery{Limit: dossier.MaxFilesPage}, true
	if text := c.QueryParam("after"); text != "" {
		if q.After, err = dossier.ParseFileID(text); err != nil {
			return malformed(err, `The parameter "after" must be what "next" of the page before says.`)
		}
	}
	if text := c.QueryParam("limit"); text != "" {
		if q.Limit, err = strconv.Atoi(text); err != nil || q.Limit < 1 || q.Limit > dossier.MaxFilesPage {
			return malformed(err, `The parameter "limit" must be a whole number from 1 to %d.`, dossier.MaxFilesPage)
		}
		all = false
	}
	var p dossier.Person
	if by.receipt != nil {
		p, err = s.svc.ByReceipt(ctx, *by.receipt)
	} else {
		p, err = s.svc.Person(ctx, by.person)
	}
	if err != nil {
		return err
	}
	page, err := s.svc.Files(ctx, p.ID, q)
	if err != nil {
		return err
	}
	res := c.Response()
	res.Header().Set("Content-Type", "application/json")
	if c.Request().Method == http.MethodHead {
		res.WriteHeader(http.StatusOK)
		return nil
	}
	// What fails before the buffer is full becomes a refusal; later, observe cuts the connection, and nobody takes half
	// a list for the whole.
	w := bufio.NewWriterSize(clientWriter{res}, receiptBuffer)
	enc, between := json.NewEncoder(w), ""
	// The errors of the buffer are those of Flush.
	_, _ = w.WriteString(`{"person":`)
	_ = enc.Encode(apiPerson(p))
	_, _ = w.WriteString(`,"files":[`)
	for {
		for _, f := range page.Files {
			if f.State == dossier.FileDeleting {
				continue
			}
			_, _ = w.WriteString(between)
			if err := enc.Encode(apiFile(f)); err != nil {
				return fmt.Errorf("write JSON: %w", err)
			}
			between = ","
		}
		if !all || page.Next == (dossier.FileID{}) {
			break
		}
		q.After = page.Next
		if page, err = s.svc.Files(ctx, p.ID, q); err != nil {
			return fmt.Errorf("list more files: %w", err)
		}
	}
	_, _ = w.WriteString("]")
	if page.Next != (dossier.FileID{}) {
		_, _ = fmt.Fprintf(w, `,"next":"%s"`, page.Next)
	}
	_, _ = w.WriteString("}\n")
	return w.Flush()
}

// What the domain's values look like in the API.

func apiPerson(p dossier.Person) api.Person {
	a := api.Person{ID: p.ID.String(), State: api.PersonState(p.State), CreatedAt: p.CreatedAt.UTC()}
	// The details are members of the person: each has the field of its name, or the document lacks it.
	from, to := reflect.ValueOf(p.Details), reflect.ValueOf(&a).Elem()
	for i := range from.NumField() {
		to.FieldByName(from.Type().Field(i).Name).Set(from.Field(i))
	}
	if !p.ReceiptExpires.IsZero() {
		a.ReceiptExpiresAt = &p.ReceiptExpires
	}
	return a
}
