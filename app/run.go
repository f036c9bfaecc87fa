package dossier

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// run is what Reconcile, ReconcileAt and PutBack have in common: what they report, and what failed.
type run struct {
	*Service
	done     func(Repair)
	counts   map[string]int
	failures *int
	errs     []error // the first ten
}

func (r *run) tell(rep Repair) {
	r.counts[rep.What]++
	if r.done != nil {
		r.done(rep)
	}
}

func (r *run) failed(err error) {
	if err == nil {
		return
	}
	*r.failures++
	if len(r.errs) < 10 {
		r.errs = append(r.errs, err)
	}
}

// owners returns which of the files' people exist.
func (s *Service) owners(ctx context.Context, files []File) (map[PersonID]bool, error) {
	var ids []PersonID
	for _, f := range files { // those of one person come together
		if len(ids) == 0 || ids[len(ids)-1] != f.Person {
			ids = append(ids, f.Person)
		}
	}
	there, err := s.people.Existing(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("look up people: %w", err)
	}
	return there, nil
}

// listed is an object in a walk over all.
type listed struct {
	Object
	// foreign means that this program never makes such a key; person and file are set for its own keys.
	foreign bool
	person  PersonID
	file    FileID
	// recorded means that there is a record.
	recorded bool
}

// listAll yields every object whose key comes after the given one, in the order of the keys. An error ends the walk.
func (s *Service) listAll(ctx context.Context, after string) iter.Seq2[listed, error] {
	return func(yield func(listed, error) bool) {
		var person PersonID
		known := map[FileID]bool{}
		for o, err := range s.objects.List(ctx, ObjectPrefix, after) {
			l := listed{Object: o}
			if err != nil {
				err = fmt.Errorf("list objects: %w", err)
			} else if l.person, l.file, err = ParseObjectKey(o.Key); err != nil {
				l.foreign, err = true, nil
			} else {
				if l.person != person {
					person = l.person
					err = s.fileIDs(ctx, person, known)
				}
				l.recorded = known[l.file]
				if err == nil && !l.recorded {
					// The listing of records is older than the listing of objects, so this one record is read again.
					l.recorded, err = s.recorded(ctx, l.person, l.file)
				}
			}
			if !yield(l, err) || err != nil {
				return
			}
		}
	}
}

// fileIDs fills ids with those of a person's records.
func (s *Service) fileIDs(ctx context.Context, person PersonID, ids map[FileID]bool) error {
	clear(ids)
	for f, err := range allFiles(ctx, s.catalog, person) {
		if err != nil {
			return fmt.Errorf("person %s: %w", person, err)
		}
		ids[f.ID] = true
	}
	return nil
}

// recorded reports whether there is a record, in any state.
func (s *Service) recorded(ctx context.Context, person PersonID, file FileID) (bool, error) {
	_, err := s.catalog.File(ctx, person, file)
	switch {
	case errors.Is(err, ErrNotFound):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look up file %s of person %s: %w", file, person, err)
	}
	return true, nil
}

// countAnew returns what a person's counter says, and the sum over the records. The counter is read first: changes
// afterwards make Recount fail.
func (s *Service) countAnew(ctx context.Context, person PersonID) (seen Usage, have Quota, err error) {
	if seen, err = s.catalog.Usage(ctx, person); err != nil {
		return seen, have, err
	}
	for f, err := range allFiles(ctx, s.catalog, person) {
		if err != nil {
			return seen, have, err
		}
		have = have.plus(f.Counted())
	}
	return seen, have, nil
}

// recoverable returns the content of an unfinished file that only lacks its commit, and the name of the repair; nil if
// it is not such a file. An object that was sent in parts is only made once its record describes it, so if the record
// does not, the catalog was rolled back since. For forms that is not so, and the caller has to know it.
func (s *Service) recoverable(ctx context.Context, f File, setBack bool) (what string, c *Content, err error) {
	if f.Content == nil && (f.Multipart != nil || setBack) {
		c, err = s.unseen(ctx, f)
		return RepairFound, c, err
	}
	if whole, err := s.arrived(ctx, f); !whole || err != nil {
		return "", nil, err
	}
	return RepairFinished, f.Content, nil
}

// commitFound commits a file that is recoverable.
func (s *Service) commitFound(ctx context.Context, f File, content Content) (File, error) {
	if f.Content == nil {
		if err := s.catalog.Describe(ctx, f.Person, f.ID, content, s.time()); err != nil {
			return File{}, fmt.Errorf("describe file: %w", err)
		}
	}
	return s.commit(ctx, f, content)
}

// arrived reports whether an unfinished file only lacks its commit: its person is acknowledged and the object store
// holds what the record describes. Files of a person that is not acknowledged are removed with the person.
func (s *Service) arrived(ctx context.Context, f File) (bool, error) {
	if f.Content == nil {
		return false, nil
	}
	p, err := s.people.Person(ctx, f.Person)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil || p.State != PersonSubmitted {
		return false, err
	}
	held, err := s.objects.Stat(ctx, f.Key())
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil && held == f.Content.held(), err
}

// unseen describes the object of an upload that its record does not describe; nil if there is none, it is not what was
// announced, or its person is not acknowledged. An object exists only once all its bytes have arrived.
func (s *Service) unseen(ctx context.Context, f File) (*Content, error) {
	person, err := s.people.Person(ctx, f.Person)
	if errors.Is(err, ErrNotFound) || err == nil && person.State != PersonSubmitted {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	held, err := s.objects.Stat(ctx, f.Key())
	if errors.Is(err, ErrNotFound) || err == nil && f.Multipart != nil && held.Size != f.Multipart.Size {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	c, err := s.contentOf(ctx, f)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if c.held() != held {
		return nil, fmt.Errorf("its object has %d bytes, CRC-64 %016x; the store says %d, %016x", c.Size, c.CRC64,
			held.Size, held.CRC64)
	}
	return c, nil
}
