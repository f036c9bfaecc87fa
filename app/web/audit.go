package web

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/audit"
	"dossier.example/app/staff"
)

// What staff do is recorded before it is shown or done, in one place for each way in: recorded for staff's routes,
// caller for the API's, holder for the pages of receipts. What cannot be recorded is refused.
//
// Who is not staff is recorded only where something changes for good, by record: the form and the uploads are
// themselves what is kept, with their times, and strangers shall not be able to fill the trail.

// withReceipt is the detail of what staff see by a person's receipt.
const withReceipt = "with the private link"

// byProgram is the detail of what programs of staff do.
const byProgram = "with an API token"

// actionKey is where the API's routes leave what the audit trail calls them.
const actionKey = "action"

// named says what the audit trail calls a route of the API, for caller, which records it if staff ask; and records how
// it ended.
func (s *Server) named(action audit.Action, h echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Set(actionKey, action)
		end := func(err error) {
			if r, ok := c.Get(recordingKey).(*recording); ok {
				r.end(err)
			}
		}
		defer end(errPanic) // the second of two ends is none
		err := h(c)
		end(err)
		return err
	}
}

// errPanic stands for a panic, which goes on to where it is logged.
var errPanic = errors.New("panic")

// recordTime bounds the recording of how something ended, which goes on when the client has left.
const recordTime = 10 * time.Second

// recording is what was begun and recorded.
type recording struct {
	s     *Server
	c     echo.Context
	entry audit.Entry
	// notDone: the request was answered by a page that asks for something first.
	notDone bool
	// ended: its end was recorded, or there was none to record.
	ended bool
}

// recordingKey is where the recording of a request is kept.
const recordingKey = "recording"

// entry returns the entry of a request.
func (s *Server) entry(c echo.Context, by audit.Actor, action audit.Action, of audit.Subject) audit.Entry {
	return audit.Entry{Actor: by, Client: c.RealIP(), Action: action, Subject: of, Request: requestID(c)}
}

// auditActor returns an actor as the trail knows it.
func auditActor(a staff.Actor) audit.Actor {
	by := audit.Actor{ID: audit.Shared, Name: a.Name(), Session: a.Session.ID.String()}
	if a.Token != nil {
		by.Session = a.Token.ID.String()
	}
	if !a.Shared() {
		by.ID = a.Account.ID.String()
	}
	return by
}

// append adds entries to the trail.
func (s *Server) append(ctx context.Context, entries ...audit.Entry) error {
	if err := s.o.Trail.Append(ctx, entries...); err != nil {
		if errors.Is(err, dossier.ErrUnavailable) {
			return dossier.Errorf(dossier.CodeUnavailable, err,
				"What staff do is recorded, and that is not possible at the moment. Nothing was done. Try again in "+
					"a minute. If it lasts, tell whoever runs this site: the database accepts no writes. It may be a "+
					"replica that only reads, or full; the log names the cause.")
		}
		return err
	}
	return nil
}

// begin records what is about to be shown or done.
func (s *Server) begin(c echo.Context, e audit.Entry) (*recording, error) {
	e.Result = audit.Allowed
	if e.Action.Changes() {
		e.Result = audit.Begun
	}
	if err := s.append(c.Request().Context(), e); err != nil {
		return nil, err
	}
	r := &recording{s: s, c: c, entry: e}
	c.Set(recordingKey, r)
	return r, nil
}

// end records how it ended, unless it was looked at and that went well. What happened has happened: if it cannot be
// recorded, the trail has what was begun, without an end, which a verification counts.
func (r *recording) end(err error) {
	if r.ended {
		return
	}
	r.ended = true
	e := r.entry
	switch code, _ := codeOf(err); {
	case r.notDone, err != nil && (code == dossier.CodeForbidden || code == codeUnauthorized):
		e.Result = audit.Refused
	case err != nil && !e.Action.Changes() && gone(r.c, err):
		return // the client left
	case err != nil || r.c.Response().Status >= http.StatusBadRequest:
		e.Result = audit.Failed
	case e.Action.Changes():
		e.Result = audit.Done
	default:
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.c.Request().Context()), recordTime)
	defer cancel()
	if err := r.s.o.Trail.Append(ctx, e); err != nil {
		r.s.log.ErrorContext(ctx, "how something ended could not be recorded in the audit trail", "request_id",
			e.Request,
			"action", e.Action, "result", e.Result, "err", err)
	}
}

// do calls what was begun, and records how it ended.
func (r *recording) do(do func() error) error {
	defer r.end(errPanic) // the second of two ends is none
	err := do()
	r.end(err)
	return err
}

// record records something before it is done, and how it ended.
func (s *Server) record(c echo.Context, e audit.Entry, do func() error) error {
	around := c.Get(recordingKey)
	r, err := s.begin(c, e)
	if err != nil {
		return err
	}
	defer c.Set(recordingKey, around) // it may be part of something that is recorded, too
	return r.do(do)
}

// tell completes the entry of how the request ended, by what was not known when it was begun.
func tell(c echo.Context, change func(*audit.Entry)) {
	if r, ok := c.Get(recordingKey).(*recording); ok {
		change(&r.entry)
	}
}

// tellRows says how many rows of an export were written so far.
func tellRows(c echo.Context, n int) { tell(c, func(e *audit.Entry) { e.Count = int64(n) }) }

// searchTerms returns how many words are searched and filters set, and none of them: they are details of people.
func searchTerms(v url.Values) (n int64) {
	for name := range v {
		switch name {
		case "after", "before", "sort", "zone":
		default:
			n += int64(len(strings.Fields(v.Get(name))))
		}
	}
	return n
}

// notDone has the entry of how the request ended say that it was refused, however it is answered.
func notDone(c echo.Context) {
	if r, ok := c.Get(recordingKey).(*recording); ok {
		r.notDone = true
	}
}

// recorded records the requests of staff to a route. It runs inside staff.
func (s *Server) recorded(action audit.Action) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			actor, _, err := s.actor(c)
			if err != nil {
				return err
			}
			e := s.entry(c, auditActor(actor), action, subjectOf(c))
			if actor.Token != nil {
				e.Detail = byProgram
			}
			switch action {
			case audit.PeopleSelect:
				return next(c) // the form says what is done, and actOnSelected records that
			case audit.PeopleSearch:
				e.Count = searchTerms(c.QueryParams())
			case audit.FilePreview:
				e.Subject.File = ""
				if !s.previews.due(e, s.now()) {
					return next(c)
				}
			}
			r, err := s.begin(c, e)
			if err != nil {
				return err
			}
			if action == audit.FilePreview {
				s.previews.recorded(e, s.now())
			}
			return r.do(func() error { return next(c) })
		}
	}
}

// refused records that an actor's role was not enough for an action, and returns the refusal.
func (s *Server) refused(c echo.Context, actor staff.Actor, needs staff.Role, action audit.Action,
	of audit.Subject) error {
	if err := s.recordRefusal(c, actor, action, of); err != nil {
		return err
	}
	return forbiddenRole(actor.Role(), needs)
}

// recordRefusal records that something is refused to an actor.
func (s *Server) recordRefusal(c echo.Context, actor staff.Actor, action audit.Action, of audit.Subject) error {
	e := s.entry(c, auditActor(actor), action, of)
	e.Result = audit.Refused
	if actor.Token != nil {
		e.Detail = byProgram
	}
	return s.append(c.Request().Context(), e)
}

// subjectOf returns to whom or what a request's path leads. Only IDs get into the trail, whatever the path says.
func subjectOf(c echo.Context) audit.Subject {
	for prefix, kind := range map[string]audit.Kind{
		"/people/:id": audit.KindPerson, "/trash/people/:id": audit.KindPerson, "/receipt/:id": audit.KindPerson,
		api.Prefix + "/staff/people/:id": audit.KindPerson, "/staff/sessions/:id": audit.KindSession,
		"/staff/accounts/:id": audit.KindAccount, "/staff/tokens/:id": audit.KindToken,
	} {
		if strings.HasPrefix(c.Path(), prefix) {
			return audit.Subject{Kind: kind, ID: onlyID(c.Param("id")), File: onlyID(c.Param("file"))}
		}
	}
	return audit.Subject{}
}

// onlyID returns an ID, and nothing for a text that is none.
func onlyID(text string) string {
	if id, err := uuid.Parse(text); err != nil || id.String() != text {
		return ""
	}
	return text
}

// personSubject is a person as the subject of an entry, or a file of theirs.
func personSubject(id dossier.PersonID, file string) audit.Subject {
	return audit.Subject{Kind: audit.KindPerson, ID: id.String(), File: onlyID(file)}
}

// accountSubject is an account as the subject of an entry.
func accountSubject(id staff.AccountID) audit.Subject {
	return audit.Subject{Kind: audit.KindAccount, ID: id.String()}
}

// recordEach records, for each person of a selection that was made one by one, what is about to be done, and of a
// change how it ended, which is told of all alike. Of "all that match" the number is recorded.
func (s *Server) recordEach(c echo.Context, actor staff.Actor, people []dossier.PersonID, action bulkAction,
	do func() error) error {
	entries := func(result audit.Result) (all []audit.Entry) {
		for _, id := range people {
			e := s.entry(c, auditActor(actor), action.each, personSubject(id, ""))
			e.Result, e.Detail = result, action.Name
			all = append(all, e)
		}
		return all
	}
	if len(people) == 0 {
		return do()
	}
	if !action.each.Changes() {
		if err := s.append(c.Request().Context(), entries(audit.Allowed)...); err != nil {
			return err
		}
		return do()
	}
	if err := s.append(c.Request().Context(), entries(audit.Begun)...); err != nil {
		return err
	}
	result := audit.Failed // also where it panics
	defer func() {
		if c.Get(jobKey) != nil {
			return // whoever ends the job records that
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), recordTime)
		defer cancel()
		if err := s.o.Trail.Append(ctx, entries(result)...); err != nil {
			s.log.ErrorContext(ctx, "how something ended could not be recorded in the audit trail", "request_id",
				requestID(c), "action", action.each, "result", result, "err", err)
		}
	}()
	err := do()
	switch {
	case err != nil || c.Response().Status >= http.StatusBadRequest:
	case c.Get(repeatedKey) != nil:
		result = audit.Refused
	default:
		result = audit.Done
	}
	return err
}

// byHolder returns the entry of what the holder of a person's receipt does.
func (s *Server) byHolder(c echo.Context, action audit.Action, id dossier.PersonID) audit.Entry {
	return s.entry(c, audit.Actor{ID: audit.Holder}, action, personSubject(id, ""))
}

const (
	// previewEvery is for how long the entry of a person's previews counts for a session: a page has up to a hundred.
	previewEvery = 5 * time.Minute
	// rememberedPreviews bounds how many are remembered.
	rememberedPreviews = 4096
)

// previews remembers whose previews a session was recorded to have seen. Forgetting costs another entry.
type previews struct {
	mu   sync.Mutex
	seen map[preview]time.Time
}

type preview struct{ session, person string }

// due reports whether an entry is to be made.
func (p *previews) due(e audit.Entry, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.seen[preview{e.Actor.Session, e.Subject.ID}]
	return !ok || now.Sub(at) >= previewEvery
}

// recorded remembers an entry.
func (p *previews) recorded(e audit.Entry, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil || len(p.seen) >= rememberedPreviews {
		p.seen = map[preview]time.Time{}
	}
	p.seen[preview{e.Actor.Session, e.Subject.ID}] = now
}

// How many failed sign-ins are recorded one by one: of a client, and of all. They are what strangers can make entries
// by, so the rest is counted, and the count stands in the next that is.
var (
	failuresOfClient = Rate{PerMinute: 1, Burst: 10}
	failuresOfAll    = Rate{PerMinute: 6, Burst: 100}
)

// failures counts failed sign-ins, or wrong tokens.
type failures struct {
	clients, all *limiter

	mu    sync.Mutex
	count int64
}

func newFailures() *failures {
	return &failures{clients: newLimiter(failuresOfClient), all: newLimiter(failuresOfAll)}
}

// failedSignIn records that somebody could not sign in. What was typed is not recorded, whatever it was: it may be a
// password in the wrong field.
func (s *Server) failedSignIn(c echo.Context) error {
	return s.failed(c, s.failures, audit.SessionFail)
}

// failed counts a failure, and records it if it is not one of many.
func (s *Server) failed(c echo.Context, f *failures, action audit.Action) error {
	f.mu.Lock()
	f.count++
	if f.clients.take(s.client(c), s.now()) > 0 || f.all.take(netip.Prefix{}, s.now()) > 0 {
		f.mu.Unlock()
		return nil
	}
	count := f.count
	f.count = 0
	f.mu.Unlock()
	e := s.entry(c, audit.Actor{ID: audit.Nobody}, action, audit.Subject{})
	e.Result, e.Count = audit.Refused, count
	if err := s.append(c.Request().Context(), e); err != nil {
		f.mu.Lock()
		f.count += count
		f.mu.Unlock()
		return err
	}
	return nil
}
