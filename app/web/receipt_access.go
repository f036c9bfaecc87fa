package web

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/audit"
)

// A receipt is a secret that is good for long, and addresses are written down in many places: access logs, histories,
// Referer headers. So no address that a server sees holds one. The link that people keep has it in the fragment, which
// browsers do not send; the page at /receipt takes it from there, or from its form, and posts it; and from then on it
// travels in a cookie that is bound to the path of its person, so that a browser may have any number of receipts open.

// receiptPath is the path of a person's receipt, for browsers that have it open.
func receiptPath(id dossier.PersonID) string { return "/receipt/" + id.String() }

// receiptLink is the absolute URL of a receipt: to be kept, and to be told to nobody.
func (s *Server) receiptLink(c echo.Context, r dossier.Receipt) string {
	return s.origin(c) + "/receipt#" + r.String()
}

// receiptCookieName is the name of the cookie that holds a receipt. __Host- would demand the path /, and with it one
// receipt at a time.
func (s *Server) receiptCookieName() string {
	if s.https {
		return "__Secure-dossier_receipt"
	}
	return "dossier_receipt"
}

// hold has the browser keep a receipt open until it is closed. SameSite is Lax, not Strict: a former link in a mail,
// which redirects, must find the cookie that it has just set, and everything that changes something is a POST.
func (s *Server) hold(c echo.Context, r dossier.Receipt) {
	c.SetCookie(&http.Cookie{
		Name: s.receiptCookieName(), Value: r.String(), Path: receiptPath(r.Person),
		HttpOnly: true, Secure: s.https, SameSite: http.SameSiteLaxMode,
	})
}

// holder lets only those through who have the receipt of the path's person open. Others are asked for it. A path with a
// receipt instead of a person is one of a former release.
//
// A member of the staff who comes by a receipt is recorded as one who comes by the directory. A holder is not.
func (s *Server) holder(action audit.Action, h func(echo.Context, dossier.Receipt,
	dossier.Person) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Set("X-Robots-Tag", "noindex")
		if former, err := dossier.ParseReceipt(c.Param("id")); err == nil {
			return s.moveFormer(c, former)
		}
		id, err := dossier.ParsePersonID(c.Param("id"))
		if err != nil {
			return s.opensNothing(c, err)
		}
		receipt, ok := s.heldReceipt(c, id)
		if !ok {
			return s.notOpen(c)
		}
		person, err := s.svc.ByReceipt(c.Request().Context(), receipt)
		if err != nil {
			return s.opensNothing(c, err)
		}
		show := func() error { return h(c, receipt, person) }
		actor, signedIn, err := s.actor(c)
		switch {
		case err != nil:
			return err
		case !signedIn:
			return show()
		}
		e := s.entry(c, auditActor(actor), action, personSubject(id, c.Param("file")))
		e.Detail = withReceipt
		return s.record(c, e, show)
	}
}

// heldReceipt returns the receipt that the browser has open for a person. Nobody has looked whether it is right.
func (s *Server) heldReceipt(c echo.Context, id dossier.PersonID) (dossier.Receipt, bool) {
	for _, cookie := range c.Request().CookiesNamed(s.receiptCookieName()) {
		if receipt, err := dossier.ParseReceipt(cookie.Value); err == nil && receipt.Person == id {
			return receipt, true
		}
	}
	return dossier.Receipt{}, false
}

// notOpen asks for a receipt that the browser does not have open.
func (s *Server) notOpen(c echo.Context) error {
	return s.askForReceipt(c, http.StatusUnauthorized, "This browser does not have this receipt open. Open it by its "+
		"private link. If you have just opened that link, or sent the form, this browser does not accept cookies from "+
		"this site: allow them, then go back and open the link, or send the same form, again. Nothing is stored twice.")
}

// moveFormer answers a link of a former release, whose path holds the receipt: the receipt goes into the cookie,
// and the browser to the same page without it. No-referrer keeps a page whose own address is such a link from telling
// it along the way.
func (s *Server) moveFormer(c echo.Context, former dossier.Receipt) error {
	if _, err := s.svc.ByReceipt(c.Request().Context(), former); err != nil {
		return s.opensNothing(c, err)
	}
	s.hold(c, former)
	u := c.Request().URL
	to := receiptPath(former.Person) + strings.TrimPrefix(u.EscapedPath(), "/receipt/"+former.String())
	if u.RawQuery != "" {
		to += "?" + u.RawQuery
	}
	c.Response().Header().Set("Referrer-Policy", "no-referrer")
	return c.Redirect(http.StatusSeeOther, to)
}

// openView is the page that asks for a receipt (open.html).
type openView struct {
	page
	// Fault is why the last try failed; empty at first.
	Fault string
}

// openPage asks for a receipt. A script gives it what the fragment of a private link holds.
func (s *Server) openPage(c echo.Context) error { return s.askForReceipt(c, http.StatusOK, "") }

func (s *Server) askForReceipt(c echo.Context, status int, fault string) error {
	v := openView{page: s.page(c, "Open your receipt"), Fault: fault}
	v.Path = "/receipt"
	// The page may be one whose address holds a receipt of a former release, and fetches styles and scripts. Its form
	// still sends an Origin, unlike under no-referrer.
	c.Response().Header().Set("Referrer-Policy", "strict-origin")
	return s.render(c, status, "open", v)
}

// opensNothing answers a receipt that ByReceipt refused.
func (s *Server) opensNothing(c echo.Context, err error) error {
	switch code, message := codeOf(err); code {
	case dossier.CodeNotFound:
		return s.askForReceipt(c, http.StatusNotFound, "This link does not open a receipt. Check that the link is "+
			"complete. It may have been replaced, or what was submitted may have been deleted.")
	case dossier.CodeExpired:
		return s.askForReceipt(c, http.StatusGone, message)
	}
	return err
}

// openReceipt takes a receipt, or its link, from the page's form.
func (s *Server) openReceipt(c echo.Context) error {
	form, err := readSmallForm(c)
	if err != nil {
		return err
	}
	_, receipt, err := dossier.ParseReceiptLink(form.Get("receipt"))
	if err != nil {
		return s.askForReceipt(c, http.StatusUnprocessableEntity, "This is not a private link. Paste the whole link; "+
			"it ends with 64 characters.")
	}
	if _, err := s.svc.ByReceipt(c.Request().Context(), receipt); err != nil {
		return s.opensNothing(c, err)
	}
	s.hold(c, receipt)
	return c.Redirect(http.StatusSeeOther, receiptPath(receipt.Person))
}
