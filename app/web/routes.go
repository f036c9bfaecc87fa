package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"dossier.example/app/audit"
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
	get("/receipt/:id", s.holder(audit.PersonView, s.receipt))
	get("/receipt/:id/files.zip", s.holder(audit.PersonDownload, s.receiptArchive))
	get("/receipt/:id/export.zip", s.holder(audit.PersonExport, s.receiptExport))
	get("/receipt/:id/files/:file", s.holder(audit.FileDownload, s.receiptFile))

	get("/receipt/:id/link", s.holder(audit.PersonView, s.receiptLinkPage))
	e.POST("/receipt/:id/replace", s.replaceReceiptLink, s.limited(s.o.RegisterRate))
	e.POST("/receipt/:id/expire", s.expireReceiptLink, s.limited(s.o.RegisterRate))
	e.POST("/receipt/:id/close", s.closeReceipt)

	get("/staff/sign-in", s.signInPage)
	e.POST("/staff/sign-in", s.signIn, s.notIssuerOnly)
	if s.o.Issuer != nil {
		get(issuerPath, s.toIssuer)
		get(callbackPath, s.fromIssuer)
	}
	get(invitationPath, s.invitationPage, s.notIssuerOnly)
	e.POST(invitationPath, s.openInvitation, s.notIssuerOnly)
	e.POST(invitationPath+"/accept", s.accept, s.notIssuerOnly)

	for _, r := range s.staffRoutes() {
		if r.method == http.MethodGet {
			get(r.path, r.handler, s.staff(r), s.recorded(r.action))
		} else {
			e.Add(r.method, r.path, r.handler, s.staff(r), s.recorded(r.action), s.token)
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
	needs staff.Role
	// action is what the audit trail calls it. There is none without.
	action  audit.Action
	handler echo.HandlerFunc
}

// staffRoutes are all that a session is needed for, except the API's.
func (s *Server) staffRoutes() []staffRoute {
	const get, post = http.MethodGet, http.MethodPost
	return []staffRoute{
		{post, "/staff/sign-out", staff.Viewer, audit.SessionEnd, s.signOut},

		{get, "/people", staff.Viewer, audit.PeopleSearch, s.people},
		{get, "/people.csv", staff.Viewer, audit.PeopleExport, s.peopleCSV},
		{get, "/people/selected", staff.Viewer, audit.PeopleSearch, s.selectedPage},
		{post, "/people/selected", staff.Viewer, audit.PeopleSelect, s.actOnSelected},
		{get, "/people/:id", staff.Viewer, audit.PersonView, s.person},
		{get, "/people/:id/delete", staff.Editor, audit.PersonView, s.askDeletePerson},
		{post, "/people/:id/delete", staff.Editor, audit.PersonDelete, s.deletePerson},
		{get, "/people/:id/link", staff.Editor, audit.PersonView, s.personLinkPage},
		{post, "/people/:id/expire", staff.Editor, audit.PersonLink, s.expirePersonLink},
		{get, "/people/:id/files.zip", staff.Viewer, audit.PersonDownload, s.personArchive},
		{get, "/people/:id/export.zip", staff.Viewer, audit.PersonExport, s.afterProof(s.personExport)},
		{get, "/people/:id/files/:file", staff.Viewer, audit.FileDownload, s.file},
		{get, "/people/:id/files/:file/picture", staff.Viewer, audit.FilePreview, s.picture},
		{get, "/people/:id/files/:file/delete", staff.Editor, audit.FileView, s.askDeleteFile},
		{post, "/people/:id/files/:file/delete", staff.Editor, audit.FileDelete, s.deleteFile},

		{get, "/trash", staff.Editor, audit.TrashView, s.trash},
		{post, "/trash/people/:id/put-back", staff.Editor, audit.PersonPutBack, s.putBackPerson},
		{get, "/trash/people/:id/erase", staff.Administrator, audit.PersonView, s.askErasePerson},
		{post, "/trash/people/:id/erase", staff.Administrator, audit.PersonErase, s.afterProof(s.erasePerson)},
		{post, "/trash/people/:id/files/:file/put-back", staff.Editor, audit.FilePutBack, s.putBackFile},
		{get, "/trash/people/:id/files/:file/erase", staff.Administrator, audit.FileView, s.askEraseFile},
		{post, "/trash/people/:id/files/:file/erase", staff.Administrator, audit.FileErase, s.afterProof(s.eraseFile)},
		{post, "/trash/moves/:at/put-back", staff.Editor, audit.PeoplePutBack, s.putBackMove},

		{get, "/staff/administration", staff.Administrator, audit.AdministrationView, s.administration},
		{get, "/staff/storage", staff.Administrator, audit.StorageView, s.custody},
		{get, "/staff/audit", staff.Administrator, audit.AuditView, s.auditTrail},
		{get, "/staff/audit.csv", staff.Administrator, audit.AuditExport, s.auditCSV},
		{get, "/staff/sessions", staff.Viewer, audit.SessionList, s.sessionList},
		{post, "/staff/sessions/end-others", staff.Viewer, audit.SessionEndOthers, s.endOtherSessions},
		{post, "/staff/sessions/:id/end", staff.Viewer, audit.SessionEnd, s.endSession},

		{get, "/staff/proof", staff.Viewer, audit.AccountOwn, s.proofPage},
		{post, "/staff/proof", staff.Viewer, audit.SessionProve, s.proof},
		{get, "/staff/account", staff.Viewer, audit.AccountOwn, s.ownAccount},
		{post, "/staff/account/name", staff.Viewer, audit.AccountRename, s.rename},
		{post, "/staff/account/password", staff.Viewer, audit.AccountPassword, s.changePassword},
		{get, "/staff/account/codes", staff.Viewer, audit.AccountOwn, s.afterProof(s.codesPage)},
		{post, "/staff/account/codes", staff.Viewer, audit.AccountCodes, s.afterProof(s.setCodes)},

		{get, "/staff/first", staff.Administrator, audit.AccountOwn, s.firstPage},
		{post, "/staff/first", staff.Administrator, audit.AccountInvite, s.first},
		{get, "/staff/accounts", staff.Administrator, audit.AccountList, s.accountList},
		{post, "/staff/accounts", staff.Administrator, audit.AccountInvite, s.afterProof(s.invite)},
		{get, "/staff/accounts/:id", staff.Administrator, audit.AccountView, s.member},
		{post, "/staff/accounts/:id/role", staff.Administrator, audit.AccountRole, s.afterProof(s.changeRole)},
		{post, "/staff/accounts/:id/suspend", staff.Administrator, audit.AccountSuspend, s.suspend},
		{post, "/staff/accounts/:id/resume", staff.Administrator, audit.AccountResume, s.afterProof(s.resume)},
		{post, "/staff/accounts/:id/link", staff.Administrator, audit.AccountLink, s.afterProof(s.newAccountLink)},
		{get, "/staff/accounts/:id/remove", staff.Administrator, audit.AccountView, s.askRemoveAccount},
		{post, "/staff/accounts/:id/remove", staff.Administrator, audit.AccountRemove, s.afterProof(s.removeAccount)},

		{get, "/staff/tokens", staff.Viewer, audit.TokenList, s.tokenList},
		{post, "/staff/tokens", staff.Viewer, audit.TokenMake, s.afterProof(s.makeToken)},
		{post, "/staff/tokens/:id/revoke", staff.Viewer, audit.TokenRevoke, s.revokeToken},
	}
}
