package dossier

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"dossier.example/app/bounds"
)

// A job is a change of many people, or of the whole trash, that staff asked for. It may take longer than a request, and
// than an instance lives. So it is noted before it begins: who asked, what for, how many, and how far it is. Who works
// on it holds it for a while. If that one is gone, another takes it over from where the stores are, as each step is one
// that may be made twice. It ends as done, stopped by somebody, revoked because whoever asked for it may no longer do
// that, or failed because nobody made progress for jobStale; never without a word.

// JobKind is what a job does.
type JobKind string

// The kinds.
const (
	// JobTrash moves the selected people to the trash, all with the job's Trash.
	JobTrash JobKind = "trash"
	// JobDelete deletes the selected people for good.
	JobDelete JobKind = "delete"
	// JobPutBack puts back the people who came to the trash at Trash.At.
	JobPutBack JobKind = "put-back"
	// JobEmpty erases the people and files that came to the trash up to Trash.At.
	JobEmpty JobKind = "empty"
)

// JobState is how a job is.
type JobState string

// The states.
const (
	JobRunning JobState = "running"
	JobDone    JobState = "done"
	// JobStopped: somebody stopped it.
	JobStopped JobState = "stopped"
	// JobRevoked: whoever asked for it may no longer do that.
	JobRevoked JobState = "revoked"
	// JobFailed: it made no progress for jobStale, and nobody continues it.
	JobFailed JobState = "failed"
)

// JobOrder is what somebody asks for.
type JobOrder struct {
	Kind      JobKind
	Selection Selection
	// Trash is what those who are moved get, with At, or says who is put back or erased.
	Trash Trash
	// Found is how many it is about, as they were counted before.
	Found int
	// Asker is for JobControl: who asked.
	Asker []byte
	// As is the id of the job, so that an order that comes twice is one job; empty: a new one.
	As string
}

// Job is a job as it is noted.
type Job struct {
	ID    string
	State JobState
	JobOrder
	// Bulk is what was done so far. After an interruption, what was done is counted by what is left.
	Bulk
	// Interrupted is how often whoever worked on it was gone.
	Interrupted int
	// Waiting: a store did not respond, and it is tried again.
	Waiting bool
	BegunAt time.Time
	// MovedAt is when it made progress last, and in the end when it ended.
	MovedAt time.Time
	// holder is the run that holds it.
	holder string
}

// JobControl decides about jobs that run, and records what becomes of them.
type JobControl interface {
	// JobAllowed reports whether whoever asked for a job may still have it done. It is called before each run, and
	// every jobNoted during it. If it fails, the job waits.
	JobAllowed(ctx context.Context, j Job) (bool, error)
	// JobContinues is told before a job goes on that was interrupted. If it fails, the job waits.
	JobContinues(ctx context.Context, j Job) error
	// JobEnded is told that a job has ended, until it returns nil.
	JobEnded(ctx context.Context, j Job) error
}

const (
	// JobsNote is the name of the note of all jobs.
	JobsNote = "bulk"
	// jobsRunning is how many may run, and jobsKept how many that have ended are remembered.
	jobsRunning, jobsKept = 6, 12
	// jobsBytes keeps the note within what one may have.
	jobsBytes = 60 << 10
	// jobLease is for how long a job is left to whoever noted its progress, which it does every jobNoted.
	jobLease = 15 * time.Second
	jobNoted = time.Second
	// jobPause is how long a job waits after a store did not respond.
	jobPause = 10 * time.Second
	// jobStale is how long a job may be without progress: the stores may have been restored to an earlier time since,
	// and nobody may want it any more.
	jobStale = time.Hour
	// jobLook is how often an instance looks for jobs that nobody works on.
	jobLook = 5 * time.Second
)

// notedJob is a job as its note has it.
type notedJob struct {
	ID          string            `json:"id"`
	Kind        JobKind           `json:"kind"`
	State       JobState          `json:"state"`
	People      []string          `json:"people,omitempty"`
	Filter      map[string]string `json:"filter,omitempty"`
	Sort        string            `json:"sort,omitempty"`
	Asked       time.Time         `json:"asked,omitzero"`
	TrashAt     time.Time         `json:"trash_at,omitzero"`
	TrashBy     string            `json:"trash_by,omitempty"`
	Asker       []byte            `json:"asker,omitempty"`
	Found       int               `json:"found"`
	Changed     int               `json:"changed"`
	Others      int               `json:"others,omitempty"`
	Interrupted int               `json:"interrupted,omitempty"`
	Waiting     bool              `json:"waiting,omitempty"`
	BegunAt     time.Time         `json:"begun_at"`
	MovedAt     time.Time         `json:"moved_at"`
	// Stop: somebody asked to stop it.
	Stop bool `json:"stop,omitempty"`
	// Untold: it has ended, and its control was not told yet.
	Untold bool `json:"untold,omitempty"`
	// Holder is the run that works on it, and others, also of the same instance, leave it alone until Until; empty:
	// nobody does.
	Holder string    `json:"holder,omitempty"`
	Until  time.Time `json:"until,omitzero"`
}

// job returns the job; an error if the note is damaged.
func (n notedJob) job() (Job, error) {
	j := Job{ID: n.ID, State: n.State, JobOrder: JobOrder{Kind: n.Kind, Trash: Trash{At: n.TrashAt, By: n.TrashBy},
		Found: n.Found, Asker: n.Asker}, Bulk: Bulk{Changed: n.Changed, Others: n.Others}, Interrupted: n.Interrupted,
		Waiting: n.Waiting, BegunAt: n.BegunAt, MovedAt: n.MovedAt, holder: n.Holder}
	j.Selection.Asked = n.Asked
	for _, text := range n.People {
		id, err := ParsePersonID(text)
		if err != nil {
			return j, fmt.Errorf("read a job: %w", err)
		}
		j.Selection.IDs = append(j.Selection.IDs, id)
	}
	var err error
	if j.Selection.Filter, err = ParseFilter(func(name string) string { return n.Filter[name] }); err != nil {
		return j, fmt.Errorf("read a job: %w", err)
	}
	if j.Selection.Sort, err = ParseSort(n.Sort); err != nil {
		return j, fmt.Errorf("read a job: %w", err)
	}
	return j, nil
}

// end ends the job. Whom it was about is forgotten, as it may be details of people, except for the ids, which its
// control needs.
func (n *notedJob) end(state JobState, at time.Time) {
	n.State, n.MovedAt, n.Untold, n.Waiting = state, at, true, false
	n.Filter, n.Sort, n.Asked = nil, "", time.Time{}
}

// editJobs changes the note of the jobs. If change returns nil, it stays as it is.
func (s *Service) editJobs(ctx context.Context, change func(jobs []notedJob) ([]notedJob, error)) error {
	return s.editNote(ctx, JobsNote, func(value []byte) ([]byte, error) {
		jobs, err := parseJobs(value)
		if err != nil {
			return nil, err
		}
		if jobs, err = change(jobs); err != nil || jobs == nil {
			return nil, err
		}
		value, err = json.Marshal(jobs)
		if err == nil && len(value) > jobsBytes {
			err = tooManyJobs
		}
		return value, err
	})
}

// notedJobs reads the note of the jobs.
func (s *Service) notedJobs(ctx context.Context) ([]notedJob, error) {
	note, err := s.catalog.Note(ctx, JobsNote)
	if err != nil {
		return nil, fmt.Errorf("read the note of jobs: %w", err)
	}
	return parseJobs(note.Value)
}

func parseJobs(value []byte) (jobs []notedJob, err error) {
	if len(value) > 0 {
		if err := json.Unmarshal(value, &jobs); err != nil {
			return nil, fmt.Errorf("read the note of jobs: %w", err)
		}
	}
	return jobs, nil
}

// editJob changes one job, and returns it: ErrNotFound.
func (s *Service) editJob(ctx context.Context, id string, change func(*notedJob) error) (Job, error) {
	var now Job
	err := s.editJobs(ctx, func(jobs []notedJob) ([]notedJob, error) {
		i := slices.IndexFunc(jobs, func(n notedJob) bool { return n.ID == id })
		if i < 0 {
			return nil, &Error{Code: CodeNotFound}
		}
		if err := change(&jobs[i]); err != nil {
			return nil, err
		}
		var err error
		now, err = jobs[i].job()
		return jobs, err
	})
	return now, err
}

var tooManyJobs = Errorf(CodeUnavailable, nil, "Too many changes of many people are running at once. Nothing was "+
	"begun. Wait until one of them has ended.")

// Jobs returns the jobs that run, and those that ended last; the last that was begun comes first.
func (s *Service) Jobs(ctx context.Context) ([]Job, error) {
	noted, err := s.notedJobs(ctx)
	if err != nil {
		return nil, err
	}
	var all []Job
	for _, n := range noted {
		j, err := n.job()
		if err != nil {
			return nil, err
		}
		all = append(all, j)
	}
	slices.Reverse(all)
	return all, nil
}

// Job returns a job; ErrNotFound.
func (s *Service) Job(ctx context.Context, id string) (Job, error) {
	all, err := s.Jobs(ctx)
	if err != nil {
		return Job{}, err
	}
	for _, j := range all {
		if j.ID == id {
			return j, nil
		}
	}
	return Job{}, &Error{Code: CodeNotFound}
}

// StopJob has a job stop after the step that it makes; nil if it has ended. ErrNotFound.
func (s *Service) StopJob(ctx context.Context, id string) (Job, error) {
	return s.editJob(ctx, id, func(n *notedJob) error {
		n.Stop = n.State == JobRunning
		return nil
	})
}

// CountJob returns how many an order is about: ErrTooLarge if it is more than one job may change.
func (s *Service) CountJob(ctx context.Context, o JobOrder) (n int, err error) {
	switch o.Kind {
	case JobPutBack:
		for _, err := range s.trashedAt(ctx, o.Trash.At) {
			if err != nil {
				return n, err
			}
			n++
		}
	case JobEmpty:
		for _, err := range s.trashedBefore(ctx, after(o.Trash.At)) {
			if err != nil {
				return n, err
			}
			n++
		}
		for _, err := range s.trashedFilesBefore(ctx, after(o.Trash.At)) {
			if err != nil {
				return n, err
			}
			n++
		}
	default:
		for _, err := range s.Selected(ctx, o.Selection) {
			if err != nil {
				return n, err
			}
			if n++; n > bounds.JobPeople {
				return n, tooMany(bounds.JobPeople)
			}
		}
	}
	return n, nil
}

// StartJob notes a job, which RunJob begins. ErrExists, with the job, if it was noted before.
func (s *Service) StartJob(ctx context.Context, o JobOrder) (Job, error) {
	now := s.time()
	if o.Kind == JobTrash {
		o.Trash = s.discarded(o.Trash.By)
	}
	n := notedJob{ID: cmp.Or(o.As, rand.Text()), Kind: o.Kind, State: JobRunning, Filter: o.Selection.Filter.Values(),
		Sort: o.Selection.Sort.String(), Asked: o.Selection.Asked, TrashAt: o.Trash.At, TrashBy: o.Trash.By,
		Asker: o.Asker, Found: o.Found, BegunAt: now, MovedAt: now, Holder: rand.Text(), Until: now.Add(jobLease)}
	for _, id := range o.Selection.IDs {
		n.People = append(n.People, id.String())
	}
	var known Job
	err := s.editJobs(ctx, func(jobs []notedJob) ([]notedJob, error) {
		if i := slices.IndexFunc(jobs, func(other notedJob) bool { return other.ID == n.ID }); i >= 0 {
			var err error
			if known, err = jobs[i].job(); err == nil {
				err = &Error{Code: CodeExists}
			}
			return nil, err
		}
		running, ended := 0, 0
		for _, other := range jobs {
			if other.State == JobRunning {
				running++
			} else {
				ended++
			}
		}
		if running >= jobsRunning {
			return nil, tooManyJobs
		}
		jobs = slices.DeleteFunc(jobs, func(other notedJob) bool {
			drop := ended > jobsKept-1 && other.State != JobRunning && !other.Untold
			if drop {
				ended--
			}
			return drop
		})
		return append(jobs, n), nil
	})
	if errors.Is(err, ErrExists) {
		return known, err
	}
	if err != nil {
		// It may be noted nevertheless. Whoever asked is told that it was not begun, so it is not to begin later. One
		// of the same name that another call has begun goes on.
		cleanup, cancel := detached(ctx)
		defer cancel()
		forget := s.editJobs(cleanup, func(jobs []notedJob) ([]notedJob, error) {
			i := slices.IndexFunc(jobs, func(other notedJob) bool {
				return other.ID == n.ID && other.Holder == n.Holder
			})
			if i < 0 {
				return nil, nil
			}
			return slices.Delete(jobs, i, i+1), nil
		})
		if forget != nil {
			s.log.WarnContext(ctx, "a change of many people that could not be noted may begin later", "job", n.ID,
				"err", forget)
		}
		return Job{}, err
	}
	return Job{ID: n.ID, State: JobRunning, JobOrder: o, BegunAt: now, MovedAt: now, holder: n.Holder}, nil
}

// errJobLate ends a run whose time is over.
var errJobLate = errors.New("the time of the run is over")

// jobEnds is the error of a run that ends its job before it is done.
type jobEnds struct{ as JobState }

func (e jobEnds) Error() string { return "the job is " + string(e.as) }

// RunJob works on a job of StartJob until the job has ended, until a time (zero: no end), or until ctx is done, and
// returns it as it is then. What has not ended is left to ContinueJobs. The error says why it has not ended; nil if
// only the time was over.
func (s *Service) RunJob(ctx context.Context, j Job, until time.Time, control JobControl) (Job, error) {
	noted, begun := s.time(), j.Bulk
	allowed := func() error {
		allowed, err := control.JobAllowed(ctx, j)
		switch {
		case err != nil:
			return fmt.Errorf("ask whether a job may go on: %w", err)
		case !allowed:
			return jobEnds{JobRevoked}
		}
		return nil
	}
	// progress notes how far the job is, now and then, and returns why it has to end.
	progress := func(b Bulk) error {
		j.Changed, j.Others = begun.Changed+b.Changed, begun.Others+b.Others
		now := s.time()
		if late := !until.IsZero() && !now.Before(until); late || now.Sub(noted) >= jobNoted {
			held, err := s.holdJob(ctx, j, now)
			switch {
			case err != nil:
				return err
			case held.Stop:
				return jobEnds{JobStopped}
			case late:
				return errJobLate
			}
			noted = now
			return allowed()
		}
		return nil
	}
	err := allowed()
	if err == nil {
		err = s.work(ctx, j, progress)
	}
	ends := jobEnds{JobDone}
	cleanup, cancel := detached(ctx)
	defer cancel()
	if err != nil && !errors.As(err, &ends) {
		now, left := s.leaveJob(cleanup, j, err)
		switch {
		case left != nil:
			s.log.WarnContext(ctx, "a job is left until its lease ends", "job", j.ID, "err", left)
			now = j
		case errors.Is(err, errJobLate):
			return now, nil
		}
		return now, err
	}
	if err := s.endJob(cleanup, &j, ends.as); err != nil {
		return j, err
	}
	s.tellEnd(cleanup, j, control)
	return j, nil
}

// holdJob notes how far a job is: ErrLost if another run holds it.
func (s *Service) holdJob(ctx context.Context, j Job, now time.Time) (held notedJob, err error) {
	_, err = s.editJob(ctx, j.ID, func(n *notedJob) error {
		if n.Holder != j.holder || n.State != JobRunning {
			return &Error{Code: CodeLost}
		}
		if n.Changed != j.Changed || n.Others != j.Others {
			n.MovedAt, n.Waiting = now, false
		}
		n.Changed, n.Others, n.Until = j.Changed, j.Others, now.Add(jobLease)
		held = *n
		return nil
	})
	if err != nil {
		return held, fmt.Errorf("note the progress of a job: %w", err)
	}
	return held, nil
}

// leaveJob leaves a job to whoever looks for one next, after a pause if a store did not respond.
func (s *Service) leaveJob(ctx context.Context, j Job, why error) (Job, error) {
	now := s.time()
	return s.editJob(ctx, j.ID, func(n *notedJob) error {
		if n.Holder != j.holder || n.State != JobRunning {
			return &Error{Code: CodeLost}
		}
		if n.Changed != j.Changed || n.Others != j.Others {
			n.MovedAt, n.Changed, n.Others = now, j.Changed, j.Others
		}
		n.Holder, n.Until = "", time.Time{}
		if !errors.Is(why, errJobLate) && !errors.Is(why, context.Canceled) {
			n.Waiting, n.Until = true, now.Add(jobPause)
		}
		return nil
	})
}

// endJob notes that a job has ended.
func (s *Service) endJob(ctx context.Context, j *Job, state JobState) error {
	now := s.time()
	_, err := s.editJob(ctx, j.ID, func(n *notedJob) error {
		if n.Holder != j.holder || n.State != JobRunning {
			return &Error{Code: CodeLost}
		}
		n.Changed, n.Others = j.Changed, j.Others
		n.end(state, now)
		n.Until = now.Add(jobLease)
		return nil
	})
	if err != nil {
		return fmt.Errorf("note the end of a job: %w", err)
	}
	j.State, j.MovedAt, j.Waiting = state, now, false
	return nil
}

// tellEnd tells the control that a job has ended. What fails is told by ContinueJobs.
func (s *Service) tellEnd(ctx context.Context, j Job, control JobControl) {
	err := control.JobEnded(ctx, j)
	if err == nil {
		_, err = s.editJob(ctx, j.ID, func(n *notedJob) error {
			n.Untold, n.Holder, n.Until, n.People = false, "", time.Time{}, nil
			return nil
		})
	}
	if err != nil {
		s.log.WarnContext(ctx, "the end of a job is still to be recorded", "job", j.ID, "err", err)
	}
}

// KeepJobs continues jobs that nobody works on, until ctx is done.
func (s *Service) KeepJobs(ctx context.Context, control JobControl) {
	for ctx.Err() == nil {
		if err := s.ContinueJobs(ctx, control); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "changes of many people wait", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(jobLook):
		}
	}
}

// ContinueJobs works on the jobs that nobody works on, one after the other.
func (s *Service) ContinueJobs(ctx context.Context, control JobControl) error {
	jobs, err := s.notedJobs(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, n := range jobs {
		if n.due(s.time()) {
			errs = append(errs, s.continueJob(ctx, n.ID, control))
		}
	}
	return errors.Join(errs...)
}

// due reports whether somebody has to see to the job. A lease that is too long to be real is that of another clock; the
// holder's may be ahead, by less than a lease.
func (n notedJob) due(now time.Time) bool {
	left := n.Until.Sub(now)
	return (n.State == JobRunning || n.Untold) && (left <= 0 || left > 2*jobLease)
}

// continueJob takes a job over.
func (s *Service) continueJob(ctx context.Context, id string, control JobControl) error {
	interrupted, uncounted, now := false, false, s.time()
	j, err := s.editJob(ctx, id, func(n *notedJob) error {
		if !n.due(now) {
			return &Error{Code: CodeLost}
		}
		interrupted = n.Holder != "" && n.State == JobRunning
		uncounted = interrupted || n.Waiting // what failed may have been done
		if interrupted {
			n.Interrupted++
		}
		n.Holder, n.Until = rand.Text(), now.Add(jobLease)
		switch age := now.Sub(n.MovedAt); {
		case n.State != JobRunning:
		case n.Stop:
			n.end(JobStopped, now)
		case age > jobStale || age < -jobStale:
			n.end(JobFailed, now)
		}
		return nil
	})
	switch {
	case errors.Is(err, ErrLost):
		return nil // another one was quicker
	case err != nil:
		return fmt.Errorf("take over a job: %w", err)
	case j.State != JobRunning:
		s.tellEnd(ctx, j, control)
		return nil
	}
	if uncounted {
		left, err := s.CountJob(ctx, j.JobOrder)
		if err == nil {
			j.Changed = max(j.Changed, j.Found-left-j.Others)
		}
		if err == nil && interrupted {
			err = control.JobContinues(ctx, j)
		}
		if err != nil {
			_, left := s.leaveJob(ctx, j, err)
			return fmt.Errorf("continue a job: %w", errors.Join(err, left))
		}
	}
	s.log.InfoContext(ctx, "a change of many people continues", "job", j.ID, "kind", j.Kind, "changed", j.Changed,
		"found", j.Found)
	_, err = s.RunJob(ctx, j, time.Time{}, control)
	if err != nil {
		return fmt.Errorf("continue a job: %w", err)
	}
	return nil
}

// work makes the steps of a job that are left, and calls progress after each, which may end it.
func (s *Service) work(ctx context.Context, j Job, progress func(Bulk) error) error {
	if err := progress(Bulk{}); err != nil {
		return err
	}
	switch j.Kind {
	case JobTrash:
		_, err := s.TrashPeople(ctx, s.Selected(ctx, j.Selection), j.Trash, progress)
		return err
	case JobPutBack:
		_, err := s.PutBackPeople(ctx, j.Trash.At, progress)
		return err
	case JobDelete:
		return each(s.Selected(ctx, j.Selection), progress, func(p Person) error { return s.DeletePerson(ctx, p.ID) })
	case JobEmpty:
		var sum Bulk
		people := func(b Bulk) error { sum = b; return progress(b) }
		before := after(j.Trash.At)
		err := each(s.trashedBefore(ctx, before), people, func(p Person) error { return s.erasePerson(ctx, p) })
		if err != nil {
			return err
		}
		files := func(b Bulk) error { return progress(Bulk{sum.Changed + b.Changed, sum.Others + b.Others}) }
		return each(s.trashedFilesBefore(ctx, before), files, func(f File) error { return s.eraseFile(ctx, f) })
	}
	return fmt.Errorf("a job of the unknown kind %q", j.Kind)
}

// each does something with one after the other, and calls progress after each. Who is gone, or was changed by somebody
// else, is one of the others.
func each[T any](all iter.Seq2[T, error], progress func(Bulk) error, do func(T) error) error {
	var sum Bulk
	for v, err := range all {
		if err != nil {
			return err
		}
		switch err := do(v); {
		case errors.Is(err, ErrNotFound), errors.Is(err, ErrLost):
			sum.Others++
		case err != nil:
			return err
		default:
			sum.Changed++
		}
		if err := progress(sum); err != nil {
			return err
		}
	}
	return nil
}
