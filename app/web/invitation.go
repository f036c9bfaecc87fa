package web

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
	qr "github.com/piglig/go-qr"

	"dossier.example/app"
	"dossier.example/app/audit"
	"dossier.example/app/staff"
)

// The link of an account lets its owner set a password and codes. Like a receipt, it is in the fragment of an address,
// which no server sees and no log keeps; the page at /staff/invitation takes it from there, or from its form, and posts
// it, and the page that answers carries it in a field.

const invitationPath = "/staff/invitation"

// accountLink is the absolute URL of an account's link: to be told to its owner, and to nobody else.
func (s *Server) accountLink(c echo.Context, token string) string {
	return s.origin(c) + invitationPath + "#" + token
}

// invitationView asks for the link of an account (invitation.html).
type invitationView struct {
	page
	Fault string
}

// acceptView is where the owner of an account sets a name, a password and codes (accept.html).
type acceptView struct {
	page
	// Action is where the form posts to, Link the link that it came by; the first administrator comes by none.
	Action, Link string
	// First tells that the account will be the first administrator's, who chooses the address; ID is the account's.
	First bool
	ID    string
	// Reset tells that the account was in use before, and KeepsCodes that its codes stay and one of them is asked for.
	Reset, KeepsCodes   bool
	Name, Address, Role string
	Enrollment          enrollmentView
	// Plain tells that this browser may send no password.
	Plain bool
	// Least and Most are how long a password may be.
	Least, Most int
	faultView
}

// faultView are the fields to correct.
type faultView struct {
	// Faults has what is wrong by the name of the field, Order the names in the order of the form.
	Faults map[string]string
	Order  []string
}

func faultsOf(err error) (v faultView, ok bool) {
	var coded *dossier.Error
	if !errors.As(err, &coded) || coded.Code != dossier.CodeInvalid {
		return v, false
	}
	v.Faults = map[string]string{}
	for _, f := range coded.Fields {
		v.Faults[f.Field] = f.Message
	}
	for _, name := range []string{staff.FieldName, staff.FieldAddress, staff.FieldPassword, staff.FieldCode} {
		if v.Faults[name] != "" {
			v.Order = append(v.Order, name)
		}
	}
	return v, true
}

// enrollmentView is a secret of time-based codes, for people to type and for cameras.
type enrollmentView struct {
	Sealed, Secret string
	// URL opens an app on the same device.
	URL string
	QR  qrView
}

// App is URL for a link of the page, which a template writes for no scheme but those of the web.
func (v enrollmentView) App() template.URL {
	if !strings.HasPrefix(v.URL, "otpauth://totp/") {
		return ""
	}
	return template.URL(v.URL)
}

func enrollmentOf(e staff.Enrollment) (enrollmentView, error) {
	v := enrollmentView{Sealed: e.Sealed, Secret: e.Secret, URL: e.URL}
	var err error
	v.QR, err = qrOf(e.URL)
	return v, err
}

// qrView is a QR code as the path of an SVG whose view box has Size units in each direction.
type qrView struct {
	Size int
	Path string
}

// qrBorder is the quiet zone that a code needs (ISO/IEC 18004).
const qrBorder = 4

func qrOf(text string) (qrView, error) {
	code, err := qr.EncodeText(text, qr.Medium)
	if err != nil {
		return qrView{}, err
	}
	var b strings.Builder
	for y := range code.Size() {
		for x := range code.Size() {
			if code.Module(x, y) {
				b.WriteString("M" + strconv.Itoa(x+qrBorder) + " " + strconv.Itoa(y+qrBorder) + "h1v1h-1z")
			}
		}
	}
	return qrView{code.Size() + 2*qrBorder, b.String()}, nil
}

// invitationPage asks for a link. The page's script takes it from the fragment.
func (s *Server) invitationPage(c echo.Context) error {
	return s.render(c, http.StatusOK, "invitation", invitationView{page: s.page(c, "Your account")})
}

// openInvitation shows what a link opens. It can be opened any number of times, and used once.
func (s *Server) openInvitation(c echo.Context) error {
	form, err := readSmallForm(c)
	if err != nil {
		return err
	}
	link := linkOf(form.Get("link"))
	opening, err := s.accounts.Open(c.Request().Context(), link)
	if err != nil {
		return s.refuseLink(c, err)
	}
	return s.showLink(c, http.StatusOK, link, opening, faultView{})
}

// showLink shows what a link opens.
func (s *Server) showLink(c echo.Context, status int, link string, opening staff.Opening, faults faultView) error {
	v, err := s.acceptView(c, opening.Account, opening.Enrollment)
	if err != nil {
		return err
	}
	v.Action, v.Link, v.Reset, v.KeepsCodes, v.faultView = invitationPath+"/accept", link, opening.Reset,
		opening.KeepsCodes, faults
	return s.render(c, status, "accept", v)
}

// linkOf returns the token of a link as people paste it.
func linkOf(text string) string {
	return strings.TrimSpace(text[strings.LastIndexByte(text, '#')+1:])
}

// refuseLink says why a link opens nothing.
func (s *Server) refuseLink(c echo.Context, err error) error {
	var coded *dossier.Error
	if !errors.Is(err, staff.ErrLink) && !errors.Is(err, staff.ErrLinkExpired) || !errors.As(err, &coded) {
		return err
	}
	return s.render(c, statusOf(err), "invitation", invitationView{page: s.page(c, "Your account"),
		Fault: coded.Message})
}

func (s *Server) acceptView(c echo.Context, account staff.Account, e staff.Enrollment) (acceptView, error) {
	v := acceptView{page: s.page(c, "Your account"), Name: account.Name, Address: account.Address,
		Role: string(account.Role), Plain: s.plain(c), Least: staff.MinPassword, Most: staff.MaxPassword}
	if e.URL == "" {
		return v, nil
	}
	var err error
	v.Enrollment, err = enrollmentOf(e)
	return v, err
}

func acceptanceOf(form url.Values) staff.Acceptance {
	return staff.Acceptance{Name: form.Get("name"), Password: form.Get("password"), Sealed: form.Get("enrollment"),
		Code: form.Get("code")}
}

// accept uses a link up, and signs the owner in.
func (s *Server) accept(c echo.Context) error {
	form, err := readSmallForm(c)
	if err != nil {
		return err
	}
	if s.plain(c) {
		return errPlain
	}
	with := acceptanceOf(form)
	link := linkOf(form.Get("link"))
	// Only whoever has a link that works makes an entry.
	opening, err := s.accounts.Open(c.Request().Context(), link)
	if err != nil {
		return s.refuseLink(c, err)
	}
	var account staff.Account
	var codes []string
	var device string
	e := s.entry(c, auditActor(staff.Actor{Account: opening.Account}), audit.AccountAccept,
		accountSubject(opening.Account.ID))
	e.Actor.Session = ""
	err = s.record(c, e, func() (err error) {
		account, codes, device, err = s.accounts.Accept(c.Request().Context(), link, with)
		return err
	})
	faults, ok := faultsOf(err)
	status := http.StatusUnprocessableEntity
	if retry := (*staff.RetryError)(nil); errors.As(err, &retry) {
		fault, _, _ := s.proofFault(c, err)
		if !retry.Busy {
			fault = dossier.Errorf(codeLimited, err, "Too many codes were wrong. Try again in %s.",
				inWords(waitOf(retry)))
		}
		faults, ok, status = faultView{Faults: map[string]string{staff.FieldCode: fault.Message},
			Order: []string{staff.FieldCode}}, true, statusOf(fault)
	}
	if ok {
		opening, err := s.accounts.Open(c.Request().Context(), link)
		if err != nil {
			return s.refuseLink(c, err)
		}
		if opening.Account.Name = with.Name; !opening.KeepsCodes {
			opening.Enrollment = s.accounts.Reenroll(opening.Account, with.Sealed)
		}
		return s.showLink(c, status, link, opening, faults)
	}
	if err != nil {
		return s.refuseLink(c, err)
	}
	if opening.KeepsCodes {
		return s.welcomeBack(c, account, device)
	}
	return s.welcome(c, account, codes, device)
}

// firstPage is where whoever has the shared key makes the first administrator.
func (s *Server) firstPage(c echo.Context) error {
	if actor, _, err := s.actor(c); err != nil || !actor.Shared() {
		return errors.Join(err, c.Redirect(http.StatusSeeOther, "/staff/accounts"))
	}
	id, err := staff.NewAccountID()
	if err != nil {
		return err
	}
	account := staff.Account{ID: id, Role: staff.Administrator}
	return s.showFirst(c, http.StatusOK, account, s.accounts.Enroll(account), "", faultView{})
}

func (s *Server) showFirst(c echo.Context, status int, account staff.Account, e staff.Enrollment, name string,
	faults faultView) error {
	v, err := s.acceptView(c, account, e)
	if err != nil {
		return err
	}
	v.Title = "First administrator"
	v.Action, v.First, v.ID, v.Name, v.faultView = "/staff/first", true, account.ID.String(), name, faults
	return s.render(c, status, "accept", v)
}

// first makes the first administrator. The shared key then no longer opens anything.
func (s *Server) first(c echo.Context) error {
	if actor, _, err := s.actor(c); err != nil || !actor.Shared() {
		return errors.Join(err, staff.ErrAdministered)
	}
	if s.plain(c) {
		return errPlain
	}
	form := formOf(c)
	id, err := staff.ParseAccountID(form.Get("id"))
	if err != nil {
		return malformed(err, "The form is damaged. Reload the page.")
	}
	account := staff.Account{ID: id, Address: form.Get("address"), Role: staff.Administrator}
	with := acceptanceOf(form)
	tell(c, func(e *audit.Entry) { e.Subject = accountSubject(id) })
	made, codes, device, err := s.accounts.First(c.Request().Context(), account, with)
	if faults, ok := faultsOf(err); ok {
		return s.showFirst(c, http.StatusUnprocessableEntity, account, s.accounts.Reenroll(account, with.Sealed),
			with.Name, faults)
	}
	if err != nil {
		return err
	}
	return s.welcome(c, made, codes, device)
}

// recoveryView shows recovery codes, once (recovery.html).
type recoveryView struct {
	page
	// Codes are the recovery codes, Lines the same with a line for each.
	Codes []string
	Lines string
	// New tells that the account has just been set up.
	New bool
}

// welcome signs in who has just set up an account, and shows the recovery codes.
func (s *Server) welcome(c echo.Context, account staff.Account, codes []string, device string) error {
	if err := s.signInOwner(c, account, device); err != nil {
		return err
	}
	return s.showRecovery(c, codes, true)
}

// welcomeBack signs in who has just set a new password.
func (s *Server) welcomeBack(c echo.Context, account staff.Account, device string) error {
	if err := s.signInOwner(c, account, device); err != nil {
		return err
	}
	s.say(c, "Your password was changed. Your codes are the same as before.")
	return c.Redirect(http.StatusSeeOther, "/people")
}

// signInOwner begins a session in a browser that is known from then on.
func (s *Server) signInOwner(c echo.Context, account staff.Account, device string) error {
	session, err := s.beginSession(c, account, 0)
	if err != nil {
		return err
	}
	c.SetCookie(s.deviceCookie(device))
	c.Set(actorKey, foundActor{actor: staff.Actor{Account: account, Session: session}, ok: true})
	return nil
}

func (s *Server) showRecovery(c echo.Context, codes []string, fresh bool) error {
	return s.render(c, http.StatusOK, "recovery", recoveryView{page: s.page(c, "Recovery codes"), Codes: codes,
		Lines: strings.Join(slices.Concat(codes, []string{""}), "\n"), New: fresh})
}
