package web

import (
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/audit"
)

// linkView is the page by which a receipt is replaced, made to expire and closed (link.html), for its holder, or made
// to expire, for staff.
type linkView struct {
	page
	// Name is the person's.
	Name string
	// Expires is when the receipt expires; none: never.
	Expires moment
	// Replace, Expire and Close are where the forms post to, Back is the path back. Staff have Expire alone.
	Replace, Expire, Close, Back string
	// Replacement is the link that the holder may have instead, and To its receipt; empty for staff.
	Replacement, To string
	// Choices are what the expiry can be set to.
	Choices []expiryChoice
}

// expiryChoice is a time from now on, or none.
type expiryChoice struct {
	Value, Text string
	after       time.Duration
}

// expiryChoices are what a form offers. "never" is for receipts that do not expire yet, and for staff.
var expiryChoices = []expiryChoice{
	{"now", "Now", 0}, {"day", "In a day", 24 * time.Hour}, {"week", "In a week", 7 * 24 * time.Hour},
	{"month", "In 30 days", 30 * 24 * time.Hour}, {"year", "In a year", 365 * 24 * time.Hour}, {"never", "Never", -1},
}

// at returns the time that a choice means.
func (e expiryChoice) at(now time.Time) time.Time {
	if e.after < 0 {
		return time.Time{}
	}
	return now.Add(e.after)
}

func choiceOf(value string) (expiryChoice, error) {
	for _, e := range expiryChoices {
		if e.Value == value {
			return e, nil
		}
	}
	return expiryChoice{}, malformed(nil, "The form is damaged. Reload the page.")
}

func (s *Server) linkView(c echo.Context, p dossier.Person, base string) linkView {
	return linkView{page: s.page(c, "Private link"), Name: p.Name, Expires: momentOf(p.ReceiptExpires),
		Expire: base + "/expire", Back: base}
}

// receiptLinkPage offers a holder what can be done with the receipt.
func (s *Server) receiptLinkPage(c echo.Context, receipt dossier.Receipt, person dossier.Person) error {
	base := receiptPath(person.ID)
	v := s.linkView(c, person, base)
	v.Replace, v.Close, v.CSRF = base+"/replace", base+"/close", s.sessions.receiptToken(receipt)
	to := dossier.NewReceipt()
	to.Person = receipt.Person
	v.Replacement, v.To = s.receiptLink(c, to), to.String()
	for _, e := range expiryChoices {
		at := e.at(s.now())
		if person.ReceiptExpires.IsZero() || !at.IsZero() && at.Before(person.ReceiptExpires) {
			v.Choices = append(v.Choices, e)
		}
	}
	return s.render(c, http.StatusOK, "link", v)
}

// replaceReceiptLink takes the new receipt that the page offered. A form that is sent again after its answer was lost
// proves itself by the new one.
func (s *Server) replaceReceiptLink(c echo.Context) error {
	id, form, err := s.receiptForm(c)
	if err != nil {
		return err
	}
	to, err := dossier.ParseReceipt(form.Get("receipt"))
	if err != nil || to.Person != id {
		return malformed(err, "The form is damaged. Reload the page.")
	}
	old, ok := s.heldReceipt(c, id)
	if !ok {
		return s.notOpen(c)
	}
	if old != to && !s.sessions.ownsReceipt(old, form.Get("csrf")) {
		return &dossier.Error{Code: dossier.CodeForbidden}
	}
	if old != to {
		err := s.record(c, s.byHolder(c, audit.ReceiptReplace, id), func() error {
			_, err := s.svc.ReplaceReceipt(c.Request().Context(), old, to)
			return err
		})
		if err != nil {
			return s.opensNothing(c, err)
		}
	}
	s.hold(c, to)
	s.say(c, "Your private link was replaced. The old link no longer works.")
	return c.Redirect(http.StatusSeeOther, receiptPath(id))
}

// expireReceiptLink has the holder's receipt expire.
func (s *Server) expireReceiptLink(c echo.Context) error {
	id, form, err := s.receiptForm(c)
	if err != nil {
		return err
	}
	receipt, ok := s.heldReceipt(c, id)
	if !ok {
		return s.notOpen(c)
	}
	if !s.sessions.ownsReceipt(receipt, form.Get("csrf")) {
		return &dossier.Error{Code: dossier.CodeForbidden}
	}
	choice, err := choiceOf(form.Get("expires"))
	if err != nil {
		return err
	}
	err = s.record(c, s.byHolder(c, audit.ReceiptExpire, id), func() error {
		_, err := s.svc.ExpireReceipt(c.Request().Context(), receipt, choice.at(s.now()))
		return err
	})
	if err != nil {
		return s.opensNothing(c, err)
	}
	s.sayExpiry(c, choice)
	return c.Redirect(http.StatusSeeOther, receiptPath(id))
}

// sayExpiry has the next page say what an expiry was set to. One that has passed tells of itself.
func (s *Server) sayExpiry(c echo.Context, choice expiryChoice) {
	switch at := choice.at(s.now()); {
	case at.IsZero():
		s.say(c, "The private link no longer expires.")
	case choice.after > 0:
		s.say(c, "The private link now expires on "+momentOf(at).Text+".")
	}
}

// closeReceipt takes the receipt, and what the browser keeps of its files, from the browser.
func (s *Server) closeReceipt(c echo.Context) error {
	id, form, err := s.receiptForm(c)
	if err != nil {
		return err
	}
	if receipt, ok := s.heldReceipt(c, id); ok && !s.sessions.ownsReceipt(receipt, form.Get("csrf")) {
		return &dossier.Error{Code: dossier.CodeForbidden}
	}
	c.SetCookie(&http.Cookie{Name: s.receiptCookieName(), Path: receiptPath(id), MaxAge: -1, HttpOnly: true,
		Secure: s.https, SameSite: http.SameSiteLaxMode})
	s.say(c, "The receipt was closed in this browser.")
	c.Response().Header().Set("Clear-Site-Data", `"cache"`)
	return c.Redirect(http.StatusSeeOther, "/receipt")
}

// receiptForm reads the small form of a receipt's page.
func (s *Server) receiptForm(c echo.Context) (dossier.PersonID, url.Values, error) {
	id, err := dossier.ParsePersonID(c.Param("id"))
	if err != nil {
		return id, nil, err
	}
	form, err := readSmallForm(c)
	return id, form, err
}

// personLinkPage offers staff to set when a person's receipt expires.
func (s *Server) personLinkPage(c echo.Context) error {
	p, err := s.staffPerson(c)
	if err != nil {
		return err
	}
	at, err := placeOf(c)
	if err != nil {
		return err
	}
	v := s.linkView(c, p, personPath(p.ID))
	v.Choices = expiryChoices
	v.Expire, v.Back = at.on(v.Expire), at.on(v.Back)
	return s.render(c, http.StatusOK, "link", v)
}

// expirePersonLink sets, for staff, when a person's receipt expires.
func (s *Server) expirePersonLink(c echo.Context) error {
	id, err := dossier.ParsePersonID(c.Param("id"))
	if err != nil {
		return err
	}
	at, err := placeOf(c)
	if err != nil {
		return err
	}
	choice, err := choiceOf(formOf(c).Get("expires"))
	if err != nil {
		return err
	}
	if _, err := s.svc.SetReceiptExpiry(c.Request().Context(), id, choice.at(s.now())); err != nil {
		return personAbsent(err)
	}
	s.sayExpiry(c, choice)
	return c.Redirect(http.StatusSeeOther, at.on(personPath(id)+"/link"))
}
