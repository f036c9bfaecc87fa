package dossier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// The scrub repeatedly reads everything that is stored, and compares it with its records: so a byte that changed in
// storage is found while a backup, an old version or the file's sender can still repair it. Its progress is a note,
// which every turn reads first and writes last. So any instance continues where another stopped, even in the middle of
// a file; a process that dies loses one turn's reading; and if two read the same at once, one turn is wasted.

// ScrubOptions says how fast a store is read.
type ScrubOptions struct {
	// Bytes is how many bytes are read in 24 hours, over all instances; 0: none, and there is no scrub.
	Bytes int64
	// Interval is the minimum time from the start of one pass to the start of the next. A store that is too large for
	// Bytes takes longer.
	Interval time.Duration
}

// The limits of a turn.
const (
	// scrubTurnFiles and scrubTurnBytes are the most that one turn reads.
	scrubTurnFiles = 500
	scrubTurnBytes = 256 << 20
	// scrubTurnTime is when a turn ends even if it has read less.
	scrubTurnTime = 20 * time.Second
	// scrubLease is how long others leave the scrub to the instance that had the last turn. Its only purpose is to
	// avoid reading twice.
	scrubLease = 2 * time.Minute
	// scrubIdle is the longest wait of Scrub before it looks again.
	scrubIdle = time.Minute
)

// lease and idle are scrubLease and scrubIdle, but no longer than a pass is to take: otherwise an instance that died,
// or an error, would delay a scrub that is to be quick.
func (o ScrubOptions) lease() time.Duration { return min(scrubLease, o.Interval) }
func (o ScrubOptions) idle() time.Duration  { return min(scrubIdle, o.Interval) }

// ScrubPass is one pass over everything that is stored.
type ScrubPass struct {
	StartedAt time.Time `json:"started_at"`
	// EndedAt is zero while it runs.
	EndedAt time.Time `json:"ended_at,omitzero"`
	// Files and Bytes count what was read, Found the damaged files among it.
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes"`
	Found int64 `json:"found"`
	// Unread is the number of files that could not be read after repeated tries.
	Unread int64 `json:"unread"`
}

// scrub is the note.
type scrub struct {
	// Since is when the first pass began.
	Since time.Time `json:"since"`
	// Last is the previous pass, nil if there was none, and Current the running one, nil between two passes.
	Last    *ScrubPass `json:"last,omitempty"`
	Current *ScrubPass `json:"current,omitempty"`
	// Person and File are the position after which the pass continues. Offset and CRC64 are the progress within the
	// next file, if that is still PartOf.
	Person uuid.UUID `json:"person"`
	File   uuid.UUID `json:"file"`
	PartOf uuid.UUID `json:"part_of"`
	Offset int64     `json:"offset,omitempty"`
	CRC64  uint64    `json:"crc64,omitempty"`
	// Tries is how often that file could not be read.
	Tries int `json:"tries,omitempty"`
	// Left is how many bytes could be read at once at LeftAt; it grows with time, up to the bytes of a day.
	Left   int64     `json:"left"`
	LeftAt time.Time `json:"left_at"`
	// Holder had the last turn, and others leave it the next one until Until.
	Holder string    `json:"holder"`
	Until  time.Time `json:"until"`
}

// ScrubNote is the name of the note of the scrub's progress: the one that is written often, and may be lost.
const ScrubNote = "scrub"

// Scrub reads what is stored until ctx ends.
func (s *Service) Scrub(ctx context.Context, o ScrubOptions) {
	if o.Bytes <= 0 {
		return
	}
	for ctx.Err() == nil {
		wait, err := s.ScrubTurn(ctx, o)
		if err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "scrub stopped for a while", "err", err)
			wait = o.idle()
		}
		select {
		case <-ctx.Done():
		case <-time.After(min(max(wait, 0), o.idle())):
		}
	}
}

// ScrubTurn reads the next files if it is time to, and returns how long to wait until there is more to do. It never
// returns ErrLost: what another instance did meanwhile is done.
func (s *Service) ScrubTurn(ctx context.Context, o ScrubOptions) (wait time.Duration, err error) {
	note, state, err := s.scrubState(ctx)
	if err != nil {
		return 0, err
	}
	now := s.time()
	if state.Since.IsZero() {
		state.Since, state.Left, state.LeftAt = now, o.Bytes, now
	}
	// Another clock may be a day ahead: a lease that is too long to be real does not count.
	if left := state.Until.Sub(now); state.Holder != s.instance && left > 0 && left <= scrubLease {
		return left, nil
	}
	astray := state.LeftAt.Sub(now) > 24*time.Hour
	state.earn(now, o.Bytes)
	if astray {
		// It was set by another clock. Otherwise nothing would be earned, and nobody would learn that nothing is read,
		// until this clock has come so far.
		if state.Since.After(now) {
			state.Since = now
		}
		if last := state.Last; last != nil && last.EndedAt.After(now) {
			last.EndedAt = now
		}
		if err := s.noteScrub(ctx, note, state); err != nil && !errors.Is(err, ErrLost) {
			return 0, err
		}
		return 0, nil
	}
	if state.Current == nil {
		if last := state.Last; last != nil {
			if due := last.StartedAt.Add(o.Interval).Sub(now); due > 0 && due <= o.Interval {
				return due, nil
			}
		}
		state.Current = &ScrubPass{StartedAt: now}
		state.Person, state.File, state.PartOf = uuid.Nil, uuid.Nil, uuid.Nil
	}
	if state.Left <= 0 {
		// Until there is enough to read for a turn.
		worth := min(o.Bytes, scrubTurnBytes)
		return time.Duration(float64(worth-state.Left) / float64(o.Bytes) * float64(24*time.Hour)), nil
	}
	ended, failure := s.scrubFiles(ctx, state, now)
	if ended {
		state.Current.EndedAt = s.time()
		state.Last, state.Current = state.Current, nil
		// So that the id of a person who is deleted before the next pass begins is kept nowhere.
		state.Person, state.File, state.PartOf = uuid.Nil, uuid.Nil, uuid.Nil
	}
	state.Holder, state.Until = s.instance, s.time().Add(o.lease())
	switch err := s.noteScrub(ctx, note, state); {
	case errors.Is(err, ErrLost):
		return o.idle(), nil
	case err != nil:
		return 0, err
	}
	if ended {
		l := state.Last
		s.log.InfoContext(ctx, "scrub read everything", "files", l.Files, "bytes", l.Bytes, "found", l.Found,
			"unread", l.Unread, "took", l.EndedAt.Sub(l.StartedAt))
	}
	return 0, failure
}

// noteScrub stores the progress of the scrub: ErrLost if another instance was faster.
func (s *Service) noteScrub(ctx context.Context, was Note, state *scrub) error {
	value, err := json.Marshal(state)
	if err == nil {
		_, err = s.catalog.SetNote(ctx, ScrubNote, was.Revision, value)
	}
	if err != nil {
		return fmt.Errorf("note how far the scrub is: %w", err)
	}
	return nil
}

func (s *Service) scrubState(ctx context.Context) (Note, *scrub, error) {
	note, err := s.catalog.Note(ctx, ScrubNote)
	if err != nil {
		return note, nil, fmt.Errorf("read how far the scrub is: %w", err)
	}
	state := &scrub{}
	if len(note.Value) > 0 {
		// The note may be lost, so it may also be unreadable: reading starts over, and stays possible.
		if err := json.Unmarshal(note.Value, state); err != nil {
			s.log.WarnContext(ctx, "nobody can read how far the scrub is: it begins anew", "err", err)
			state = &scrub{}
		}
	}
	return note, state, nil
}

// earn adds the bytes that may be read since the last turn.
func (c *scrub) earn(now time.Time, day int64) {
	elapsed := min(max(now.Sub(c.LeftAt), 0), 24*time.Hour) // clocks differ
	c.Left = min(c.Left+int64(float64(day)*elapsed.Hours()/24), day)
	c.LeftAt = now
}

// scrubFiles reads the files after the position, as many as a turn allows, and moves the position. It reports whether
// these were the last.
func (s *Service) scrubFiles(ctx context.Context, c *scrub, began time.Time) (ended bool, err error) {
	files, err := s.catalog.Behind(ctx, PersonID(c.Person), FileID(c.File), scrubTurnFiles)
	if err != nil {
		return false, fmt.Errorf("walk the catalog: %w", err)
	}
	for turn := int64(min(scrubTurnBytes, c.Left)); len(files) > 0; files = files[1:] {
		f := files[0]
		if turn <= 0 || s.time().Sub(began) > scrubTurnTime {
			return false, nil
		}
		if f.State == FileStored && f.Content != nil {
			read, whole, err := s.scrubFile(ctx, c, f, turn)
			turn, c.Left, c.Current.Bytes = turn-read, c.Left-read, c.Current.Bytes+read
			switch {
			case errors.Is(err, errUnreadable):
				if c.Tries++; c.Tries < scrubTries {
					return false, err
				}
				c.Current.Unread++
				s.log.ErrorContext(ctx, "stored file cannot be read", "person", f.Person.String(), "file",
					f.ID.String(),
					"err", err)
			case err != nil:
				return false, err
			case !whole:
				return false, nil
			default:
				c.Current.Files++
			}
		}
		c.Person, c.File, c.PartOf = uuid.UUID(f.Person), uuid.UUID(f.ID), uuid.Nil
	}
	last, err := s.catalog.Behind(ctx, PersonID(c.Person), FileID(c.File), 1)
	if err != nil {
		return false, fmt.Errorf("walk the catalog: %w", err)
	}
	return len(last) == 0, nil
}

// errUnreadable: the store responds, but does not return a file's bytes, like a disk with bad sectors.
var errUnreadable = errors.New("the store responds but does not return the bytes")

// answers reports whether the object store responds at all, so that a fault concerns only one object.
func (s *Service) answers(ctx context.Context) bool {
	_, err := s.objects.Head(ctx, ObjectKey(NewPersonID(), NewFileID()))
	return errors.Is(err, ErrNotFound)
}

// scrubTries is how often such a file is tried before this pass skips it.
const scrubTries = 3

// scrubFile reads up to most bytes of a file, from where the last turn stopped. At the file's end it judges the file,
// and reports whether the end was reached.
func (s *Service) scrubFile(ctx context.Context, c *scrub, f File, most int64) (read int64, whole bool, err error) {
	if c.PartOf != uuid.UUID(f.ID) {
		c.PartOf, c.Offset, c.CRC64, c.Tries = uuid.UUID(f.ID), 0, 0, 0
	}
	failed := func(err error) error {
		return fmt.Errorf("scrub file %s of person %s: %w", f.ID, f.Person, err)
	}
	if c.Offset < 0 || c.Offset > f.Content.Size {
		c.Offset, c.CRC64 = 0, 0 // of another size, or not by this program
	}
	kind, err := s.examine(ctx, f, false)
	if err != nil {
		if ctx.Err() == nil && s.answers(ctx) {
			err = errors.Join(errUnreadable, err)
		}
		return 0, false, failed(err)
	}
	if length := min(most, f.Content.Size-c.Offset); kind == "" && length > 0 {
		var crc uint64
		if crc, kind, err = s.sum(ctx, f, c.Offset, length); err != nil {
			if ctx.Err() == nil {
				err = errors.Join(errUnreadable, err)
			}
			return 0, false, failed(err)
		}
		read = length
		c.CRC64, c.Offset = CombineCRC64(c.CRC64, crc, length), c.Offset+length
	}
	switch {
	case kind != "":
	case c.Offset < f.Content.Size:
		return read, false, nil
	case c.CRC64 != f.Content.CRC64:
		kind = ObjectDiffers
	}
	_, err = s.judge(ctx, f, kind)
	switch {
	case errors.Is(err, ErrNotFound): // removed meanwhile
	case err != nil:
		return read, false, failed(err)
	case kind != "":
		c.Current.Found++
	}
	return read, true, nil
}
