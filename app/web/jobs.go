package web

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/audit"
	"dossier.example/app/staff"
)

// What staff do with many people is a job (dossier.Job). The request that asks for it works on it as long as a request
// may take; usually that is enough. If not, or if the server is gone in between, an instance continues it, the pages
// say how far it is, and the audit trail gets its end from whoever ends it.

// bulkTime bounds how long one request changes people, so that it is answered before whatever is in front of the server
// gives it up.
const bulkTime = 20 * time.Second

// jobKey is where the request keeps that a job of it was begun, whose end is recorded by whoever ends it.
const jobKey = "job"

func jobPath(id string) string { return "/people/jobs/" + id }

// formJob is the field by which a form names the job that it begins: a form that is sent twice, by a double click,
// finds the job that it has begun.
const formJob = "job"

// newFormJob returns that field of a form.
func newFormJob() hiddenField { return hiddenField{formJob, rand.Text()} }

// jobName is what newFormJob makes.
var jobName = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// jobOf returns the job that a form names; empty where it is one of a release that named none.
func jobOf(form url.Values) (string, error) {
	name := form.Get(formJob)
	if name != "" && !jobName.MatchString(name) {
		return "", malformed(nil, "The form is damaged. Reload the page.")
	}
	return name, nil
}

// repeatedKey is where a request keeps that what it asks for was begun by one before.
const repeatedKey = "repeated"

// repeated returns the job that a request before has begun, which this one therefore does not do again.
func repeated(c echo.Context, job dossier.Job) dossier.Job {
	notDone(c)
	c.Set(repeatedKey, true)
	return job
}

// runJob begins what the request is recorded to begin, and works on it for a while. The job may still run afterwards.
// An order that was given before, and of which nothing is left to do, is the job that it was then.
func (s *Server) runJob(c echo.Context, order dossier.JobOrder) (dossier.Job, error) {
	ctx := c.Request().Context()
	r, ok := c.Get(recordingKey).(*recording)
	if !ok {
		return dossier.Job{}, errors.New("a change of many people that is not recorded")
	}
	var err error
	if order.Asker, err = json.Marshal(r.entry); err != nil {
		return dossier.Job{}, fmt.Errorf("write down who asks: %w", err)
	}
	if order.As != "" {
		known, err := s.svc.Job(ctx, order.As)
		switch {
		case err != nil && !errors.Is(err, dossier.ErrNotFound):
			return known, err
		case err == nil && known.State == dossier.JobRunning:
			return repeated(c, known), nil
		case err == nil:
			// What this request has counted, the job may have done since.
			if order.Found, err = s.svc.CountJob(ctx, order); err != nil {
				return known, err
			}
			if order.Found == 0 {
				return repeated(c, known), nil
			}
			order.As = "" // it was undone meanwhile, or stopped
		}
	}
	job, err := s.svc.StartJob(ctx, order)
	switch {
	case errors.Is(err, dossier.ErrExists):
		return repeated(c, job), nil
	case err != nil:
		return job, err
	}
	r.ended = true
	c.Set(jobKey, true)
	job, err = s.svc.RunJob(ctx, job, s.now().Add(bulkTime), s)
	if err != nil {
		s.log.WarnContext(ctx, "a change of many people is left to be continued", "request_id", requestID(c), "job",
			job.ID, "changed", job.Changed, "err", err)
	}
	return job, nil
}

// doJob is runJob, answered by the job's page while it runs, and else by a page that says how it ended.
func (s *Server) doJob(c echo.Context, order dossier.JobOrder, back string) error {
	job, err := s.runJob(c, order)
	if err != nil {
		return err
	}
	if job.State == dossier.JobRunning {
		return c.Redirect(http.StatusSeeOther, jobPath(job.ID))
	}
	s.say(c, jobEndText(job))
	return c.Redirect(http.StatusSeeOther, back)
}

// jobEntry returns the entry of a job, as it was begun, with what was done so far.
func jobEntry(j dossier.Job) (audit.Entry, error) {
	var e audit.Entry
	if err := json.Unmarshal(j.Asker, &e); err != nil {
		return e, fmt.Errorf("read who asked for a change of many people: %w", err)
	}
	e.Count = int64(j.Changed)
	return e, nil
}

// JobAllowed implements dossier.JobControl: what holds for requests, holds for what they began.
func (s *Server) JobAllowed(ctx context.Context, j dossier.Job) (bool, error) {
	begun, err := jobEntry(j)
	if err != nil {
		return false, err
	}
	if begun.Actor.ID == audit.Shared {
		_, shared, err := s.accounts.Ways(ctx)
		return shared, err
	}
	id, err := staff.ParseAccountID(begun.Actor.ID)
	if err != nil {
		return false, fmt.Errorf("read who asked for a change of many people: %w", err)
	}
	account, err := s.accounts.Account(ctx, id)
	if errors.Is(err, dossier.ErrNotFound) {
		return false, nil
	}
	return staff.Actor{Account: account}.Role().May(jobKinds[j.Kind].needs), err
}

// JobContinues implements dossier.JobControl.
func (s *Server) JobContinues(ctx context.Context, j dossier.Job) error {
	begun, err := jobEntry(j)
	if err != nil {
		return err
	}
	return s.o.Trail.Append(ctx, audit.Entry{Actor: audit.Actor{ID: audit.Program}, Action: audit.JobContinue,
		Result: audit.Allowed, Request: begun.Request, Count: begun.Count,
		Detail: fmt.Sprintf("%s of %d", begun.Action, j.Found)})
}

// JobEnded implements dossier.JobControl. Of a selection that was made one by one, each person gets an entry.
func (s *Server) JobEnded(ctx context.Context, j dossier.Job) error {
	e, err := jobEntry(j)
	if err != nil {
		return err
	}
	e.Result = audit.Done
	if j.State != dossier.JobDone {
		e.Result, e.Detail = audit.Failed, fmt.Sprintf("%s, %s of %d", e.Detail, j.State, j.Found)
	}
	entries := []audit.Entry{e}
	for _, id := range j.Selection.IDs {
		one := e
		one.Action, one.Subject, one.Count = audit.PersonDelete, personSubject(id, ""), 0
		entries = append(entries, one)
	}
	return s.o.Trail.Append(ctx, entries...)
}

// jobView says how far a change of many people is (job.html).
type jobView struct {
	page
	// Text is one sentence: "Moving 2,318 people to the trash: 1,025 are done."
	Text, Path string
	// Running and Waiting: it runs, or a store did not respond.
	Running, Waiting bool
	// Interrupted: it was, and went on.
	Interrupted bool
	Begun       moment
	Moved       moment
	By          string
	// Stop and UndoMove are where the forms post to that stop it, and undo it; empty where that is not possible.
	Stop, UndoMove string
}

// jobsShown is for how long pages tell of a job that was not finished.
const jobsShown = 24 * time.Hour

// viewOf returns what pages show of a job.
func (s *Server) viewOf(j dossier.Job) jobView {
	v := jobView{Path: jobPath(j.ID), Running: j.State == dossier.JobRunning, Waiting: j.Waiting,
		Interrupted: j.Interrupted > 0, Begun: momentOf(j.BegunAt), Moved: momentOf(j.MovedAt)}
	if e, err := jobEntry(j); err == nil {
		v.By = e.Actor.Name
	}
	if v.Running {
		v.Text, v.Stop = jobText(j), v.Path+"/stop"
	} else {
		v.Text, v.UndoMove = jobEndText(j), jobUndo(j)
	}
	return v
}

// runningJobs are those that pages tell of: what runs, and what was not finished. Pages can be shown without them.
func (s *Server) runningJobs(c echo.Context) []jobView {
	jobs, err := s.svc.Jobs(c.Request().Context())
	if err != nil {
		s.log.WarnContext(c.Request().Context(), "the changes of many people cannot be shown", "request_id",
			requestID(c), "err", err)
		return nil
	}
	var all []jobView
	for _, j := range jobs {
		cut := j.State == dossier.JobFailed || j.State == dossier.JobRevoked
		if j.State == dossier.JobRunning || cut && s.now().Sub(j.MovedAt) < jobsShown {
			all = append(all, s.viewOf(j))
		}
	}
	return all
}

// jobKinds say what a kind of job does, what was done, and the role that whoever asked for it has to keep.
var jobKinds = map[dossier.JobKind]struct {
	doing, done string
	needs       staff.Role
}{
	dossier.JobTrash:   {"Moving %s to the trash", "moved to the trash", staff.Editor},
	dossier.JobDelete:  {"Deleting %s for good", "deleted", staff.Editor},
	dossier.JobPutBack: {"Putting %s back from the trash", "put back", staff.Editor},
	dossier.JobEmpty:   {"Erasing %s for good", "erased", staff.Administrator},
}

// things counts what a job is about.
func things(j dossier.Job, n int) string {
	if j.Kind == dossier.JobEmpty {
		return thingsText(n)
	}
	return peopleText(n)
}

// jobText says how far a job is that runs.
func jobText(j dossier.Job) string {
	return fmt.Sprintf(jobKinds[j.Kind].doing, things(j, j.Found)) + ": " + humanize.Comma(int64(j.Changed)) + " done."
}

// jobEndText says how a job ended.
func jobEndText(j dossier.Job) string {
	done := jobKinds[j.Kind].done
	text := "Nobody was " + done + "."
	switch {
	case j.Changed == 0 && j.Kind == dossier.JobEmpty:
		text = "Nothing was " + done + "."
	case j.Changed == 1:
		text = things(j, 1) + " was " + done + "."
	case j.Changed > 1:
		text = things(j, j.Changed) + " were " + done + "."
	}
	left := humanize.Comma(int64(max(j.Found-j.Changed-j.Others, 0)))
	switch j.State {
	case dossier.JobStopped:
		text += " Then it was stopped: " + left + " are left."
	case dossier.JobRevoked:
		text += " Then it was stopped, as whoever asked for it may no longer do this: " + left + " are left."
	case dossier.JobFailed:
		text += " Then it was interrupted for too long, and was given up: " + left + " are left. To do the rest, " +
			"begin again."
	}
	return text
}

// jobUndo is where a form posts to that undoes a job that has ended; empty: nothing does.
func jobUndo(j dossier.Job) string {
	if j.Kind != dossier.JobTrash || j.Changed == 0 || j.State == dossier.JobRunning {
		return ""
	}
	return undoPath(j.Trash)
}

// noJob has the page of a job that is not known lead to the directory.
func noJob(err error) error {
	return &absent{err, "This change is not known any more", "The audit trail has how it ended.", "/people",
		"Go to the directory"}
}

// job returns the job that the path names.
func (s *Server) job(c echo.Context) (dossier.Job, error) {
	j, err := s.svc.Job(c.Request().Context(), c.Param("id"))
	if errors.Is(err, dossier.ErrNotFound) {
		err = noJob(err)
	}
	return j, err
}

// jobPage shows how far a change of many people is.
func (s *Server) jobPage(c echo.Context) error {
	j, err := s.job(c)
	if err != nil {
		return err
	}
	v := s.viewOf(j)
	v.page = s.page(c, "Change of many people")
	if !v.Editor {
		v.Stop, v.UndoMove = "", ""
	}
	return s.render(c, http.StatusOK, "job", v)
}

// stopJob stops it.
func (s *Server) stopJob(c echo.Context) error {
	j, err := s.job(c)
	if err != nil {
		return err
	}
	if e, err := jobEntry(j); err == nil {
		tell(c, func(stop *audit.Entry) { stop.Detail = fmt.Sprintf("%s of request %s", e.Action, e.Request) })
	}
	if _, err := s.svc.StopJob(c.Request().Context(), j.ID); err != nil {
		return err
	}
	s.say(c, "It stops after the step that it makes.")
	return c.Redirect(http.StatusSeeOther, jobPath(j.ID))
}
