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
	e.Use(s.observe, s.cors, s.sameOrigin, readableQuery, uncompressed)
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
			get(r.path, r.handler, s.staff(r), s.recorded(r.action), s.afterProof(r.proof))
		} else {
			e.Add(r.method, r.path, r.handler, s.staff(r), s.recorded(r.action), s.token, s.afterProof(r.proof))
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
	action audit.Action
	// proof says when a sign-in that is long ago is not enough. Exports and erasures have one.
	proof   proofRule
	handler echo.HandlerFunc
}

// staffRoutes are all that a session is needed for, except the API's.
func (s *Server) staffRoutes() []staffRoute {
	const get, post = http.MethodGet, http.MethodPost
	return []staffRoute{
		{post, signOutPath, staff.Viewer, audit.SessionEnd, noProof, s.signOut},

		{get, "/people", staff.Viewer, audit.PeopleSearch, noProof, s.people},
		{get, "/people.csv", staff.Viewer, audit.PeopleExport, proof, s.peopleCSV},
		{get, "/people/selected", staff.Viewer, audit.PeopleSearch, noProof, s.selectedPage},
		{post, "/people/selected", staff.Viewer, audit.PeopleSelect, proofByForm, s.actOnSelected},
		{get, "/people/jobs/:id", staff.Viewer, audit.JobView, noProof, s.jobPage},
		{post, "/people/jobs/:id/stop", staff.Editor, audit.JobStop, noProof, s.stopJob},
		{get, "/people/:id", staff.Viewer, audit.PersonView, noProof, s.person},
		{get, "/people/:id/delete", staff.Editor, audit.PersonView, noProof, s.askDeletePerson},
		{post, "/people/:id/delete", staff.Editor, audit.PersonDelete, proofToErase, s.deletePerson},
		{get, "/people/:id/link", staff.Editor, audit.PersonView, noProof, s.personLinkPage},
		{post, "/people/:id/expire", staff.Editor, audit.PersonLink, noProof, s.expirePersonLink},
		{get, "/people/:id/files.zip", staff.Viewer, audit.PersonDownload, noProof, s.personArchive},
		{get, "/people/:id/export.zip", staff.Viewer, audit.PersonExport, proof, s.personExport},
		{get, "/people/:id/files/:file", staff.Viewer, audit.FileDownload, noProof, s.file},
		{get, "/people/:id/files/:file/picture", staff.Viewer, audit.FilePreview, noProof, s.picture},
		{get, "/people/:id/files/:file/delete", staff.Editor, audit.FileView, noProof, s.askDeleteFile},
		{post, "/people/:id/files/:file/delete", staff.Editor, audit.FileDelete, proofToErase, s.deleteFile},

		{get, "/trash", staff.Editor, audit.TrashView, noProof, s.trash},
		{get, "/trash/empty", staff.Administrator, audit.TrashView, noProof, s.askEmptyTrash},
		{post, "/trash/empty", staff.Administrator, audit.TrashEmpty, proof, s.emptyTrash},
		{post, "/trash/people/:id/put-back", staff.Editor, audit.PersonPutBack, noProof, s.putBackPerson},
		{get, "/trash/people/:id/erase", staff.Administrator, audit.PersonView, noProof, s.askErasePerson},
		{post, "/trash/people/:id/erase", staff.Administrator, audit.PersonErase, proof, s.erasePerson},
		{post, "/trash/people/:id/files/:file/put-back", staff.Editor, audit.FilePutBack, noProof, s.putBackFile},
		{get, "/trash/people/:id/files/:file/erase", staff.Administrator, audit.FileView, noProof, s.askEraseFile},
		{post, "/trash/people/:id/files/:file/erase", staff.Administrator, audit.FileErase, proof, s.eraseFile},
		{post, "/trash/moves/:at/put-back", staff.Editor, audit.PeoplePutBack, noProof, s.putBackMove},

		{get, "/staff/administration", staff.Administrator, audit.AdministrationView, noProof, s.administration},
		{get, "/staff/storage", staff.Administrator, audit.StorageView, noProof, s.custody},
		{get, "/staff/audit", staff.Administrator, audit.AuditView, noProof, s.auditTrail},
		{get, "/staff/audit.csv", staff.Administrator, audit.AuditExport, proof, s.auditCSV},
		{get, "/staff/sessions", staff.Viewer, audit.SessionList, noProof, s.sessionList},
		{post, "/staff/sessions/end-others", staff.Viewer, audit.SessionEndOthers, proof, s.endOtherSessions},
		{post, "/staff/sessions/:id/end", staff.Viewer, audit.SessionEnd, proof, s.endSession},

		{get, "/staff/proof", staff.Viewer, audit.AccountOwn, noProof, s.proofPage},
		{post, "/staff/proof", staff.Viewer, audit.SessionProve, noProof, s.prove},
		{get, "/staff/account", staff.Viewer, audit.AccountOwn, noProof, s.ownAccount},
		{post, "/staff/account/name", staff.Viewer, audit.AccountRename, noProof, s.rename},
		{post, "/staff/account/password", staff.Viewer, audit.AccountPassword, noProof, s.changePassword},
		{get, "/staff/account/codes", staff.Viewer, audit.AccountOwn, proof, s.codesPage},
		{post, "/staff/account/codes", staff.Viewer, audit.AccountCodes, proof, s.setCodes},

		{get, "/staff/first", staff.Administrator, audit.AccountOwn, noProof, s.firstPage},
		{post, "/staff/first", staff.Administrator, audit.AccountInvite, noProof, s.first},
		{get, "/staff/accounts", staff.Administrator, audit.AccountList, noProof, s.accountList},
		{post, "/staff/accounts", staff.Administrator, audit.AccountInvite, proof, s.invite},
		{get, "/staff/accounts/:id", staff.Administrator, audit.AccountView, noProof, s.member},
		{post, "/staff/accounts/:id/role", staff.Administrator, audit.AccountRole, proof, s.changeRole},
		{post, "/staff/accounts/:id/suspend", staff.Administrator, audit.AccountSuspend, noProof, s.suspend},
		{post, "/staff/accounts/:id/resume", staff.Administrator, audit.AccountResume, proof, s.resume},
		{post, "/staff/accounts/:id/link", staff.Administrator, audit.AccountLink, proof, s.newAccountLink},
		{get, "/staff/accounts/:id/remove", staff.Administrator, audit.AccountView, noProof, s.askRemoveAccount},
		{post, "/staff/accounts/:id/remove", staff.Administrator, audit.AccountRemove, proof, s.removeAccount},

		{get, "/staff/tokens", staff.Viewer, audit.TokenList, noProof, s.tokenList},
		{post, "/staff/tokens", staff.Viewer, audit.TokenMake, proof, s.makeToken},
		{post, "/staff/tokens/:id/revoke", staff.Viewer, audit.TokenRevoke, noProof, s.revokeToken},
	}
}
