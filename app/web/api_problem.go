package web

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/api"
)

// problemType is the media type of refusals (RFC 9457).
const problemType = "application/problem+json"

// inAPI returns the status of a refusal in the API.
func (r refusal) inAPI() int {
	if r.apiStatus != 0 {
		return r.apiStatus
	}
	return r.status
}

// problem answers a refusal of the API. The headers that described what is not coming are gone already.
func (s *Server) problem(c echo.Context, code dossier.Code, message string, cause error) {
	r := refusals[code]
	p := api.Problem{
		Type: s.origin(c) + api.Prefix + "/#" + problemAnchor(code), Title: r.heading, Status: r.inAPI(),
		Detail: message, Code: string(code), RequestID: requestID(c),
	}
	if p.Detail == "" {
		p.Detail = r.detail
	}
	var coded *dossier.Error
	if errors.As(cause, &coded) && len(coded.Fields) > 0 {
		fields := make([]api.FieldProblem, len(coded.Fields))
		for i, f := range coded.Fields {
			fields[i] = api.FieldProblem{Pointer: pointerOf(f.Field), Detail: f.Message}
		}
		p.Errors = &fields
	}
	h := c.Response().Header()
	if p.Status == http.StatusServiceUnavailable {
		h.Set("Retry-After", retryAfter)
	}
	if proof := authenticate(p.Status, cause); proof != "" {
		h.Set("WWW-Authenticate", proof)
	}
	if err := writeJSON(c, p.Status, problemType, p); err != nil {
		s.log.ErrorContext(c.Request().Context(), "write problem", "request_id", p.RequestID, "err", err)
	}
}

// problemAnchor is where a problem is described on the API's page.
func problemAnchor(code dossier.Code) string { return "problem-" + string(code) }
