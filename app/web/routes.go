package web

import (
	"github.com/labstack/echo/v4"
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
	e.POST("/staff/sign-out", s.signOut, s.staff, s.token)

	get("/people", s.people, s.staff)
	get("/people.csv", s.peopleCSV, s.staff)
	get("/people/:id", s.person, s.staff)
	get("/people/:id/delete", s.askDeletePerson, s.staff)
	e.POST("/people/:id/delete", s.deletePerson, s.staff, s.token)
	get("/people/:id/link", s.personLinkPage, s.staff)
	e.POST("/people/:id/expire", s.expirePersonLink, s.staff, s.token)
	get("/people/:id/files.zip", s.personArchive, s.staff)
	get("/people/:id/files/:file", s.file, s.staff)
	get("/people/:id/files/:file/picture", s.picture, s.staff)
	get("/people/:id/files/:file/delete", s.askDeleteFile, s.staff)
	e.POST("/people/:id/files/:file/delete", s.deleteFile, s.staff, s.token)

	get("/staff/storage", s.custody, s.staff)
	get("/staff/sessions", s.sessionList, s.staff)
	e.POST("/staff/sessions/end-others", s.endOtherSessions, s.staff, s.token)
	e.POST("/staff/sessions/:id/end", s.endSession, s.staff, s.token)

	s.apiRoutes()

	get("/livez", s.livez)
	get("/readyz", s.readyz)
	get("/static/:hash/:name", s.static)
	get("/favicon.ico", s.favicon)
	get("/robots.txt", s.robots)
}
