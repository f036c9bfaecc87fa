package web

import (
	"errors"
	"time"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/audit"
	"dossier.example/app/bounds"
)

// replaceReceipt takes a new receipt in the place of the one that the request carries.
func (s *Server) replaceReceipt(c echo.Context) error {
	old, given, err := bearer(c)
	if err != nil {
		return err
	}
	if !given {
		return unauthorized(`Send the receipt as "Authorization: Bearer RECEIPT".`)
	}
	var in api.Replacement
	if err := s.readJSON(c, &in, bounds.ReceiptBytes); err != nil {
		return err
	}
	to, err := dossier.ParseReceipt(in.Receipt)
	if err != nil {
		return invalid("receipt", "Not a receipt: a receipt has 64 characters.")
	}
	var p dossier.Person
	replace := func() (err error) {
		p, err = s.svc.ReplaceReceipt(c.Request().Context(), old, to)
		return err
	}
	// Only whoever has the receipt makes an entry. A call that is repeated comes with one that is replaced already.
	switch _, err = s.svc.ByReceipt(c.Request().Context(), old); {
	case err == nil:
		err = s.record(c, s.byHolder(c, audit.ReceiptReplace, old.Person), replace)
	case errors.Is(err, dossier.ErrNotFound):
		err = replace()
	}
	if errors.Is(err, dossier.ErrNotFound) {
		return unauthorized("The receipt is not valid. It may have been replaced, or its person may have been deleted.")
	}
	if err != nil {
		return err
	}
	return answerJSON(c, api.Registered{Receipt: to.String(), ReceiptURL: s.receiptLink(c, to), Person: apiPerson(p)})
}

// setReceiptExpiry has a receipt expire.
func (s *Server) setReceiptExpiry(c echo.Context) error {
	by, err := s.caller(c)
	if err != nil {
		return err
	}
	var in api.Expiry
	if err := s.readJSON(c, &in, bounds.ReceiptBytes); err != nil {
		return err
	}
	var at time.Time
	if in.ExpiresAt != nil {
		if at, err = time.Parse(time.RFC3339, *in.ExpiresAt); err != nil {
			return invalid("expires_at", "Must be a time in RFC 3339 format, such as 2026-11-24T14:05:00Z.")
		}
		if at.IsZero() { // a client's unset time; to the service, that is no expiry
			return invalid("expires_at", "Must not be in the year 1. To have no expiry, leave it out.")
		}
	}
	var p dossier.Person
	if by.receipt != nil {
		err = s.record(c, s.byHolder(c, audit.ReceiptExpire, by.person), func() (err error) {
			p, err = s.svc.ExpireReceipt(c.Request().Context(), *by.receipt, at)
			return err
		})
	} else {
		p, err = s.svc.SetReceiptExpiry(c.Request().Context(), by.person, at)
	}
	if err != nil {
		return err
	}
	return answerJSON(c, apiPerson(p))
}
