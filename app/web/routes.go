package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"dossier.example/app/staff"
)

// routes registers all routes.
func (s *Server) routes() {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.handleError
	e.IPExtractor = s.address
	e.Use(s.observe, s.cors, s.sameOrigin)
	s.echo = e

	get := func(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) {
		e.GET(path, h, m...)
		e.HEAD(path, h, m...)
	}

	get("/", s.form)
	e.POST("/submissions", s.submit, s.limited(s.o.SubmitRate), s.through(s.gates.forms))
	get("/receipt", s.openPage)
	e.POST("/receipt", s.openReceipt)
	get("/receipt/:id", s.holder(s.receipt))
	get("/receipt/:id/files.zip", s.holder(s.receiptArchive))
	get("/receipt/:id/files/:file", s.holder(s.receiptFile))

	get("/receipt/:id/link", s.holder(s.receiptLinkPage))
	e.POST("/receipt/:id/replace", s.replaceReceiptLink)
	e.POST("/receipt/:id/expire", s.expireReceiptLink)
	e.POST("/receipt/:id/close", s.closeReceipt)

	get("/staff/sign-in", s.signInPage)
	e.POST("/staff/sign-in", s.signIn)
	if s.o.Issuer != nil {
		get(issuerPath, s.toIssuer)
		get(callbackPath, s.fromIssuer)
	}
	get(invitationPath, s.invitationPage)
	e.POST(invitationPath, s.openInvitation)
	e.POST(invitationPath+"/accept", s.accept)

	for _, r := range s.staffRoutes() {
		if r.method == http.MethodGet {
			get(r.path, r.handler, s.staff(r.needs))
		} else {
			e.Add(r.method, r.path, r.handler, s.staff(r.needs), s.token)
		}
	}

	s.apiRoutes()

	get("/livez", s.livez)
	get("/readyz", s.readyz)
	get("/static/:hash/:name", s.static)
	get("/favicon.ico", s.favicon)
	get("/robots.txt", s.robots)
}

// staffRoute is a page or an action of staff.
type staffRoute struct {
	// method is GET, which HEAD is answered to as well, or POST, which carries the token of its session.
	method, path string
	// needs is the role without which it is refused.
	needs   staff.Role
	handler echo.HandlerFunc
}

// staffRoutes are all that a session is needed for, except the API's.
func (s *Server) staffRoutes() []staffRoute {
	const get, post = http.MethodGet, http.MethodPost
	return []staffRoute{
		{post, "/staff/sign-out", staff.Viewer, s.signOut},

		{get, "/people", staff.Viewer, s.people},
		{get, "/people.csv", staff.Viewer, s.peopleCSV},
		{get, "/people/selected", staff.Viewer, s.selectedPage},
		{post, "/people/selected", staff.Viewer, s.actOnSelected},
		{get, "/people/:id", staff.Viewer, s.person},
		{get, "/people/:id/delete", staff.Editor, s.askDeletePerson},
		{post, "/people/:id/delete", staff.Editor, s.deletePerson},
		{get, "/people/:id/link", staff.Editor, s.personLinkPage},
		{post, "/people/:id/expire", staff.Editor, s.expirePersonLink},
		{get, "/people/:id/files.zip", staff.Viewer, s.personArchive},
		{get, "/people/:id/files/:file", staff.Viewer, s.file},
		{get, "/people/:id/files/:file/picture", staff.Viewer, s.picture},
		{get, "/people/:id/files/:file/delete", staff.Editor, s.askDeleteFile},
		{post, "/people/:id/files/:file/delete", staff.Editor, s.deleteFile},

		{get, "/staff/administration", staff.Administrator, s.administration},
		{get, "/staff/storage", staff.Administrator, s.custody},
		{get, "/staff/sessions", staff.Viewer, s.sessionList},
		{post, "/staff/sessions/end-others", staff.Viewer, s.endOtherSessions},
		{post, "/staff/sessions/:id/end", staff.Viewer, s.endSession},

		{get, "/staff/proof", staff.Viewer, s.proofPage},
		{post, "/staff/proof", staff.Viewer, s.proof},
		{get, "/staff/account", staff.Viewer, s.ownAccount},
		{post, "/staff/account/name", staff.Viewer, s.rename},
		{post, "/staff/account/password", staff.Viewer, s.changePassword},
		{get, "/staff/account/codes", staff.Viewer, s.afterProof(s.codesPage)},
		{post, "/staff/account/codes", staff.Viewer, s.afterProof(s.setCodes)},

		{get, "/staff/first", staff.Administrator, s.firstPage},
		{post, "/staff/first", staff.Administrator, s.first},
		{get, "/staff/accounts", staff.Administrator, s.accountList},
		{post, "/staff/accounts", staff.Administrator, s.afterProof(s.invite)},
		{get, "/staff/accounts/:id", staff.Administrator, s.member},
		{post, "/staff/accounts/:id/role", staff.Administrator, s.afterProof(s.changeRole)},
		{post, "/staff/accounts/:id/suspend", staff.Administrator, s.suspend},
		{post, "/staff/accounts/:id/resume", staff.Administrator, s.afterProof(s.resume)},
		{post, "/staff/accounts/:id/link", staff.Administrator, s.afterProof(s.newAccountLink)},
		{get, "/staff/accounts/:id/remove", staff.Administrator, s.askRemoveAccount},
		{post, "/staff/accounts/:id/remove", staff.Administrator, s.afterProof(s.removeAccount)},
	}
}
