package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/audit"
	"dossier.example/app/bounds"
)

// The JSON API. Its document is app/api/openapi.yaml; the handlers (api_people.go, api_files.go, api_parts.go, and
// staff_api.go for staff) read what it says, call the service and write what it says. Who may ask is decided in one
// place (api_access.go; staffAPI in staff_api.go), and so are how JSON is read (api_json.go) and what a refusal looks
// like (api_problem.go).

// apiRoutes registers the API. Its document names exactly these.
func (s *Server) apiRoutes() {
	get := func(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) {
		s.echo.GET(api.Prefix+path, h, m...)
		s.echo.HEAD(api.Prefix+path, h, m...)
	}
	get("", func(c echo.Context) error { return c.Redirect(http.StatusMovedPermanently, api.Prefix+"/") })
	get("/", s.apiPage)
	get("/openapi.json", s.apiDocument)
	get("/limits", s.apiLimits)

	s.echo.POST(api.Prefix+"/people", s.registerPerson, s.limited(s.o.RegisterRate))
	get("/receipt", s.named(audit.PersonView, s.readReceipt))
	s.echo.POST(api.Prefix+"/receipt/replacement", s.replaceReceipt, s.limited(s.o.RegisterRate))
	s.echo.PUT(api.Prefix+"/receipt/expiry", s.named(audit.PersonLink, s.setReceiptExpiry))

	s.echo.POST(api.Prefix+"/checks", s.named(audit.FileView, s.checkFiles), s.limited(s.o.SignRate))
	s.echo.PUT(api.Prefix+"/files/:file", s.named(audit.FileUpload, s.announceFile), s.limited(s.o.AnnounceRate))
	get("/files/:file", s.named(audit.FileView, s.readFile))
	get("/files/:file/content", s.named(audit.FileDownload, s.readContent))
	s.echo.DELETE(api.Prefix+"/files/:file", s.named(audit.FileDelete, s.giveUpFile))
	s.echo.POST(api.Prefix+"/files/:file/parts", s.named(audit.FileUpload, s.signParts), s.limited(s.o.SignRate))
	s.echo.POST(api.Prefix+"/files/:file/complete", s.named(audit.FileUpload, s.completeFile))
	s.echo.PUT(api.Prefix+"/transfers/:transfer/parts/:number", s.sendPart, s.through(s.gates.parts))

	s.staffAPIRoutes()
}

// ofAPI reports whether a request is for the API, a route of it or not.
func ofAPI(r *http.Request) bool {
	return r.URL.Path == api.Prefix || strings.HasPrefix(r.URL.Path, api.Prefix+"/")
}

// apiLimits tells what is taken.
func (s *Server) apiLimits(c echo.Context) error {
	l := s.svc.Limits()
	out := api.Limits{
		MaxFileSize: l.FileBytes, MaxFiles: l.PersonFiles, MaxTotalSize: l.PersonBytes,
		MaxParts: dossier.MaxParts, MinPartSize: dossier.MinPartSize, MaxPartSize: dossier.MaxPartSize,
		MaxPartsPerRequest: dossier.MaxSigned, MaxRequestSize: bounds.LargestJSON,
		SignatureLifetime: int(s.o.SignatureLifetime / time.Second),
	}
	// What cannot be learned in time is not told: then what is sent tells.
	ctx, cancel := context.WithTimeout(s.sending(c), roomTime)
	defer cancel()
	if room, err := s.svc.Room(ctx); err == nil {
		out.RoomFiles, out.RoomSize = &room.Files, &room.Bytes
		if room.Why != nil {
			out.NotTaking = &room.Why.Message
		}
	}
	return answerJSON(c, out)
}
